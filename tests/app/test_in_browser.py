"""The pages in a real browser with a fake camera: from the first name to the last photo."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from posture_classifier.app.access import Access
from posture_classifier.app.server import build_app
from posture_classifier.app.workplace import Workplace, find_workplace
from posture_classifier.inference import Classifier
from tests.app.collect.test_names import BAD, GOOD
from tests.helpers.browser import PHONE, chromium, fake_camera, served, wait_until, watched_page
from tests.helpers.local_pages import encoded, frame, names_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

OLD_RUN = Path(__file__).parents[1] / "helpers" / "old_run" / "version_0"
SCENES, EACH = 8, 6
"""What the fake camera shows: each scene in so many frames, which differ by noise."""

PROBLEMS = """async (cases) => {
  const { nameProblem } = await import("/static/collect/names.js");
  return cases.map(([part, name]) => nameProblem(part, name)?.key ?? null);
}"""
KEYS_SHOWN = r"""() => [...document.querySelectorAll("button, a, label, legend, h1, h2, p")]
  .map((each) => each.textContent).filter((text) => /^[a-z]+\.[a-z_.]+$/.test(text))"""
"""Keys that have no text."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Browser]":
    folder = tmp_path_factory.mktemp("camera")
    frames = []
    for n in range(SCENES * EACH):
        frames.append(folder / f"{n:03}.jpg")
        frames[-1].write_bytes(encoded(frame(n // EACH, (320, 240), noise=1 + n % EACH), quality=95))
    with chromium(fake_camera(folder / "film.mjpeg", frames)) as opened:
        yield opened


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


@pytest.fixture
def address(root: Path) -> Iterator[str]:
    access = Access()
    with served(build_app(Workplace(folder=root), access)) as home:
        yield f"{home}?key={access.key}"


def ready(page: "Page") -> None:
    page.wait_for_selector("body[data-ready]")


def camera_on(page: "Page") -> None:
    wait_until(lambda: page.evaluate("document.getElementById('video').videoWidth > 0"))


def press(page: "Page", *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def counted(page: "Page") -> str:
    return page.inner_text("#counts tfoot") if page.locator("#counts").count() else ""


def test_photos_are_collected_by_keyboard_alone(browser: "Browser", address: str, root: Path) -> None:
    with watched_page(browser, address) as (page, watched):
        ready(page)
        page.focus("#person")
        page.keyboard.type("anna")
        press(page, "Tab", "ControlOrMeta+A")
        page.keyboard.type("desk")
        for class_name in ("left", "right"):
            page.focus("#new-class")
            page.keyboard.type(class_name)
            press(page, "Enter")
        page.focus("#start-camera")
        press(page, "Enter")
        camera_on(page)
        page.evaluate("document.activeElement.blur()")
        press(page, "1", "p")
        wait_until(lambda: "anna_desk_001" in page.inner_text("#status"))
        press(page, "2", "p")
        wait_until(lambda: "anna_desk_002" in page.inner_text("#status"))
        press(page, "p")
        wait_until(lambda: "anna_desk_003" in page.inner_text("#status"))
        press(page, "u")
        wait_until(lambda: "anna_desk_003.jpg is deleted" in page.inner_text("#status"))
        wait_until(lambda: counted(page).split() == ["1", "person", "1", "1"])
        watched.assert_quiet()

    assert names_in(root) == ["left/anna_desk_001.jpg", "right/anna_desk_002.jpg"]
    with Image.open(root / "left" / "anna_desk_001.jpg") as saved:
        assert saved.size == (320, 240)  # as the camera gave it: neither mirrored nor scaled
        scenes = [np.asarray(frame(scene, (320, 240))).astype(int) for scene in range(SCENES)]
        assert min(np.abs(np.asarray(saved).astype(int) - scene).mean() for scene in scenes) < 12


def name_all(page: "Page", person: str, class_name: str) -> None:
    page.fill("#person", person)
    page.fill("#session", "desk")
    page.fill("#new-class", class_name)
    page.click("#add-class")
    page.click("#start-camera")
    camera_on(page)


def test_a_burst_saves_each_scene_once(browser: "Browser", address: str, root: Path) -> None:
    with watched_page(browser, address, locale="ko-KR") as (page, watched):
        ready(page)
        name_all(page, "민준", "거북목")
        page.click("#burst")
        wait_until(lambda: len(names_in(root)) >= 3, 60)
        time.sleep(2)
        page.click("#burst")
        time.sleep(1)
        assert page.locator("#strip li").count() == len(names_in(root))
        assert page.evaluate("document.documentElement.lang") == "ko"
        watched.assert_quiet()

    saved = names_in(root)
    assert saved == [f"거북목/민준_desk_{n + 1:03}.jpg" for n in range(len(saved))]
    assert len(saved) <= SCENES


def test_photos_of_a_phone_are_sent_and_thinned(browser: "Browser", address: str, root: Path, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SECRETPHONE"
    files = []
    for name, content in {
        "a.jpg": encoded(frame(1, (800, 600)), exif=exif),
        "b.png": encoded(frame(1, (800, 600), noise=2), "PNG"),
        "c.webp": encoded(frame(2, (800, 600)), "WEBP"),
        "d.jpg": b"not a photo",
    }.items():
        files.append(tmp_path / name)
        files[-1].write_bytes(content)
    with watched_page(browser, address, viewport=PHONE, has_touch=True, is_mobile=True) as (page, watched):
        ready(page)
        page.fill("#person", "anna")
        page.fill("#new-class", "left")
        page.click("#add-class")
        page.set_input_files("#upload", files)
        wait_until(lambda: "cannot be read as a photo" in page.inner_text("#status"))
        assert len(watched.errors) == 1  # the browser's own word on the answer 400
        assert watched.foreign == []

    assert len(names_in(root)) == 2
    assert all(b"SECRET" not in (root / name).read_bytes() for name in names_in(root))


def test_names_are_refused_while_one_types_as_the_server_refuses_them(browser: "Browser", address: str) -> None:
    with watched_page(browser, address) as (page, _):
        ready(page)
        found = page.evaluate(PROBLEMS, [list(case) for case in GOOD + BAD])
        page.fill("#person", "anna_b")
        page.locator("#session").focus()
        assert page.inner_text("#person-problem")
        assert page.locator("#take").is_disabled()

    assert found[: len(GOOD)] == [None] * len(GOOD)
    assert None not in found[len(GOOD) :]


def test_an_app_that_was_stopped_is_a_sentence(browser: "Browser", root: Path) -> None:
    access = Access()
    with served(build_app(Workplace(folder=root), access)) as home:
        opened = watched_page(browser, f"{home}?key={access.key}")
        page, _ = opened.__enter__()
        ready(page)
        name_all(page, "anna", "left")
    page.click("#take")
    wait_until(lambda: "does not answer" in page.inner_text("#status"))
    opened.__exit__(None, None, None)


@pytest.mark.parametrize("locale", ["en-GB", "ko-KR"])
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("path", ["collect", "try"])
def test_pages_fit_their_screen_in_both_languages(browser: "Browser", root: Path, locale: str, width: int, path: str) -> None:
    access = Access()
    with served(build_app(Workplace(folder=root), access)) as home:
        options: dict[str, Any] = {"viewport": {"width": width, "height": 844}, "locale": locale, "color_scheme": "dark"}
        with watched_page(browser, f"{home}?key={access.key}", **options) as (page, watched):
            ready(page)
            page.goto(f"{home}{path}")
            ready(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(KEYS_SHOWN) == []
            watched.assert_quiet()


def test_live_probabilities_are_the_classifiers(browser: "Browser") -> None:
    """The frames that the page sends, as they arrive, against ``Classifier`` on the same pixels."""
    access, workplace = Access(), find_workplace(OLD_RUN)
    classifier = Classifier.load(OLD_RUN, precision="fp32")
    compared = []
    with served(build_app(workplace, access)) as home, watched_page(browser, f"{home}?key={access.key}") as (page, watched):
        sent: list[Request] = []
        page.on("requestfinished", lambda request: sent.append(request) if "/api/classify" in request.url else None)
        wait_until(lambda: page.locator("#start").count() and page.locator("#start").is_enabled())
        page.click("#start")
        wait_until(lambda: page.inner_text("#label") and len(sent) >= 12, 60)  # asking the page lets events in
        page.click("#stop")
        watched.assert_quiet()
        for request in sent[:12]:
            response, body = request.response(), request.post_data_buffer
            assert response is not None
            assert body is not None
            width, height = (int(part.partition("=")[2]) for part in request.url.partition("?")[2].split("&"))
            answer = np.array(response.json()["probabilities"])
            image = np.frombuffer(body, dtype=np.uint8).reshape(height, width, 3)
            prediction = classifier.predict(image)
            assert prediction.probabilities is not None
            compared.append(np.abs(answer - list(prediction.probabilities.values())).max())

    assert len(compared) == 12
    assert max(compared) < 1e-3
