"""The exported page in a browser: from a file, with a fake camera, and without a network."""

import base64
import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from PIL import Image, ImageChops

from posture_classifier import Classifier
from posture_classifier.cli.program import main
from posture_classifier.export.artifact import ExportedClassifier
from posture_classifier.export.formats import onnx as onnx_format
from posture_classifier.export.metadata import Metadata
from posture_classifier.export.try_page import offline_page
from tests.helpers.browser import PHONE, chromium, fake_camera, watched_page
from tests.helpers.photos import draw

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

RECORD = """() => {
  window.recorded = [];
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, transfer) {
    if (message?.pixels && recorded.length < 3) {
      const { number, width, height } = message;
      const pixels = btoa(Array.from(new Uint8Array(message.pixels), (byte) => String.fromCharCode(byte)).join(""));
      const frame = { width, height, pixels };
      recorded.push(frame);
      this.addEventListener("message", ({ data }) => { if (data.number === number) frame.answer = data.answer; });
    }
    return post.call(this, message, transfer);
  };
}"""
"""Keeps the first frames that the page sends to its network, and the answers."""
COUNT_TONES = """() => {
  window.tones = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...at) { window.tones += 1; return start.apply(this, at); };
}"""

DROP_VIDEO = """async () => {
  const shown = document.createElement("canvas");
  Object.assign(shown, { width: 64, height: 48 });
  const context = shown.getContext("2d");
  const recorder = new MediaRecorder(shown.captureStream(20));
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const ended = new Promise((resolve) => (recorder.onstop = resolve));
  recorder.start();
  for (let i = 0; i < 60; i++) {
    context.fillStyle = `rgb(${4 * i}, 90, 200)`;
    context.fillRect(0, 0, 64, 48);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  recorder.stop();
  await ended;
  const dropped = new DataTransfer();
  dropped.items.add(new File(parts, "clip.webm", { type: "video/webm" }));
  document.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, cancelable: true }));
}"""
"""Records a film of three seconds, and drops it on the page."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Browser]":
    """One whose camera always shows the same."""
    folder = tmp_path_factory.mktemp("camera")
    picture = draw(0, 3, 240).resize((320, 240))
    # No channel is like another.
    warm = ImageChops.multiply(picture, Image.new("RGB", picture.size, (255, 140, 40)))
    warm.save(folder / "frame.jpg", quality=95)
    with chromium(fake_camera(folder / "camera.mjpeg", [folder / "frame.jpg"] * 2)) as opened:
        yield opened


@pytest.fixture(scope="module")
def metadata(exported: Path) -> Metadata:
    """What the network is said to be; it is sure of everything, and knows all kinds of photos."""
    artifact = ExportedClassifier.load(exported)
    return artifact.metadata | {"abstention": None, "familiarity": None}


@contextmanager
def opened_page(browser: "Browser", exported: Path, metadata: Metadata, **context: Any) -> "Iterator[Page]":
    """The page from a file, ready; nothing may go wrong in it, and it may ask for nothing."""
    file = exported.parent / "page.html"
    file.write_text(offline_page(metadata, (exported / "model.onnx").read_bytes()), encoding="utf-8")
    with watched_page(browser, file.as_uri(), **context) as (page, watched):
        page.wait_for_selector("#start:enabled")
        yield page
        watched.assert_quiet()


def until(page: "Page", expression: str) -> None:
    """Wait until an expression is true; Playwright's own waiting breaks the page's policy."""
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(expression)


def choose(page: "Page", seconds: int = 1) -> str:
    """Start the camera, and watch the class that it shows."""
    page.fill("#seconds", str(seconds))
    page.click("#start")
    until(page, "document.getElementById('label').textContent !== ''")
    shown = page.inner_text("#label").lower()
    page.select_option("#watched", label=shown)
    return shown


def test_live_probabilities_are_those_of_the_classifier(browser: "Browser", exported: Path, run: Path) -> None:
    with opened_page(browser, exported, ExportedClassifier.load(exported).metadata) as page:
        page.evaluate(RECORD)
        page.click("#start")
        until(page, "recorded.length === 3 && recorded.every((frame) => frame.answer)")
        frames = page.evaluate("recorded")
    classifier = Classifier.load(run, "cpu", "fp32")
    for frame in frames:
        pixels = np.frombuffer(base64.b64decode(frame["pixels"]), np.uint8).reshape(frame["height"], frame["width"], 4)
        assert pixels.std() > 10, "the camera shows something"
        expected = classifier.predict(Image.fromarray(pixels[..., :3]))
        assert expected.probabilities
        assert frame["answer"]["probabilities"] == pytest.approx(list(expected.probabilities.values()), abs=1e-3)
        assert frame["answer"]["distance"] == pytest.approx(expected.distance, rel=1e-3)


def test_dropped_photos_get_the_answers_of_the_classifier(
    browser: "Browser", exported: Path, run: Path, tmp_path: Path, photos: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    wide = draw(1, 7, 90).resize((140, 90))
    wide.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    see_through = wide.convert("RGBA")
    see_through.putalpha(Image.linear_gradient("L").resize(wide.size))
    see_through.save(tmp_path / "see_through.png")
    (tmp_path / "none.jpg").write_text("no photo")
    files = [*sorted(photos.glob("*/person1*")), *(tmp_path / name for name in ("turned.jpg", "see_through.png", "none.jpg"))]
    with opened_page(browser, exported, ExportedClassifier.load(exported).metadata) as page:
        page.set_input_files("#photo-files", files)
        until(page, f"document.querySelectorAll('#photos-rows tr').length === {len(files)}")
        with page.expect_download() as download:
            page.click("#save-photos")
        download.value.save_as(tmp_path / "saved.csv")
        labels = page.locator("#photos-rows .label").all_inner_texts()
    with (tmp_path / "saved.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    expected = Classifier.load(run, "cpu", "fp32").predict(files)
    assert [row["path"] for row in rows] == [file.name for file in files]
    for row, one in zip(rows, expected, strict=True):
        assert row["label"] == (one.label or "")
        assert bool(row["error"]) == bool(one.error)
        if one.probabilities:
            assert [float(row[name]) for name in one.probabilities] == pytest.approx(list(one.probabilities.values()), abs=1e-3)
            assert (row["sure"], row["familiar"]) == (str(one.sure), str(one.familiar))
    assert labels == [one.label if one.sure else "not sure" for one in expected if one.label]


def test_a_class_that_lasts_is_an_alert_that_is_kept(browser: "Browser", exported: Path, metadata: Metadata) -> None:
    with opened_page(browser, exported, metadata) as page:
        page.evaluate(COUNT_TONES)
        title = page.title()
        shown = choose(page)
        page.wait_for_selector("#alarm:visible")
        assert shown in page.inner_text("#alarm")
        until(page, "tones === 2")
        until(page, f"document.title.startsWith({json.dumps(shown)})")
        assert page.inner_text("#alerts-today") == "1"
        page.click("#stop")
        assert page.locator("#alarm").is_hidden()
        assert page.title() == title
        assert page.evaluate("document.getElementById('video').srcObject") is None, "the camera is off"
        page.reload()
        page.wait_for_selector("#start:enabled")
        assert page.inner_text("#alerts-today") == "1"
        assert page.locator("#timeline rect").count() >= 1
        assert page.locator("#watched option:checked").inner_text() == shown
        page.on("dialog", lambda dialog: dialog.accept())
        page.click("#delete-timeline")
        assert page.inner_text("#alerts-today") == "0"
        page.reload()
        page.wait_for_selector("#start:enabled")
        assert page.locator("#timeline rect").count() == 0


def test_it_says_when_it_is_not_sure_and_raises_no_alert(browser: "Browser", exported: Path, metadata: Metadata) -> None:
    interval = {"value": 0.5, "low": 0.4, "high": 0.6}
    rule = {"threshold": 1.0, "answered": interval, "accuracy": interval}
    unlike = {"threshold": 0.0, "false_alarms": interval}
    doubting = cast(Metadata, {**metadata, "abstention": rule, "familiarity": unlike})
    with opened_page(browser, exported, doubting) as page:
        page.fill("#seconds", "1")
        page.click("#start")
        page.wait_for_selector("text=not sure")
        page.wait_for_selector("text=Unlike the training photos")
        for option in page.locator("#watched option").all()[1:]:
            page.select_option("#watched", value=option.get_attribute("value"))
            page.wait_for_timeout(1500)
            assert page.locator("#alarm").is_hidden()


def test_korean_by_keyboard_alone_on_a_phone(browser: "Browser", exported: Path, metadata: Metadata) -> None:
    with opened_page(browser, exported, metadata, locale="ko-KR", viewport=PHONE) as page:
        assert page.locator("html").get_attribute("lang") == "ko"
        assert "80 %(70~85 %)" in page.inner_text("#figure").replace("\u00a0", " ")
        focused = "document.activeElement.id"
        for _ in range(10):
            page.keyboard.press("Tab")
            if page.evaluate(focused) == "start":
                break
        page.keyboard.press("Enter")
        until(page, f"{focused} === 'stop'")
        until(page, "document.getElementById('label').textContent !== ''")
        assert page.inner_text("#light") == "카메라 켜짐"
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        page.keyboard.press("Enter")
        until(page, f"{focused} === 'start'")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        assert page.locator("html").get_attribute("lang") == "en"
        assert page.inner_text("#light") == "Camera off"


def test_a_browser_that_keeps_nothing_breaks_nothing(browser: "Browser", exported: Path, metadata: Metadata) -> None:
    with opened_page(browser, exported, metadata) as page:
        page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('full'); }; }")
        choose(page)
        page.wait_for_selector("#alarm:visible")
        page.wait_for_selector("text=This browser keeps nothing for this page")


def test_it_says_that_the_browser_has_paused_the_camera(browser: "Browser", exported: Path, metadata: Metadata) -> None:
    with opened_page(browser, exported, metadata) as page:
        choose(page)
        page.evaluate("document.getElementById('video').pause()")
        page.wait_for_selector("text=The browser has paused the picture")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.wait_for_selector("#problem", state="hidden")


def test_a_video_is_summed_up_and_is_not_part_of_the_day(browser: "Browser", exported: Path, metadata: Metadata) -> None:
    with opened_page(browser, exported, metadata) as page:
        page.evaluate(DROP_VIDEO)
        until(page, "document.getElementById('clip').textContent.includes('%')")
        assert page.locator("#mirror").is_hidden()
        assert page.locator("#timeline rect").count() == 0
        page.click("#stop")
        assert page.locator("#welcome").is_visible()


def test_the_export_is_proven_by_the_network_in_the_page(
    run: Path, exported: Path, browser: "Browser", monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = (exported / "model.onnx").read_bytes()
    monkeypatch.setattr(onnx_format, "write", lambda graph, metadata, path: path.write_bytes(model))
    assert main(["export", str(run), "--format", "html", "--output", str(tmp_path / "page")]) == 0
    proof = json.loads((tmp_path / "page" / "agreement.json").read_text())
    assert proof["passed"]
    assert proof["agreement"]["largest_difference"] < 1e-4
    with watched_page(browser, (tmp_path / "page" / "model.html").as_uri()) as (page, watched):
        page.wait_for_selector("#start:enabled")
        watched.assert_quiet()
