"""Pages as a browser shows them: slow, and where there is a Chromium."""

import json
import re
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path

import pytest

from posture_classifier.cli.program import main
from tests.helpers.made_runs import make_folds, make_run, settings, some_right
from tests.helpers.photos import draw_photos
from tests.helpers.program import fit_arguments

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")]
WIDTHS = (390, 1440)


def browse(page: Path, folder: Path, width: int) -> tuple[list[str], list[str], int]:
    """What the console says, which addresses are asked for, and how wide the page wants to be."""
    folder.mkdir()
    log = _run(folder, width, page, f"--log-net-log={folder / 'net.json'}", f"--screenshot={folder / 'page.png'}").stderr
    net = json.loads((folder / "net.json").read_text(encoding="utf-8"))
    asked = [event["params"] for event in net["events"] if "initiator" in event.get("params", {})]
    # The browser itself asks its maker for this and that, which has no origin.
    addresses = [request["url"] for request in asked if request["initiator"] != "not an origin"]
    return re.findall(r"CONSOLE.*", log), [url for url in addresses if re.match(r"http|ws", url)], _wanted(page, folder, width)


def _wanted(page: Path, folder: Path, width: int) -> int:
    """Measure the width in pixels by a script, in a frame, since windows have a least width."""
    measure = "document.title = document.querySelector('iframe').contentDocument.documentElement.scrollWidth"
    return int(_framed(page, folder, width, measure))


CLICK = """
const page = document.querySelector('iframe').contentDocument;
const [input, image] = ['input', 'img'].map(name => page.querySelector('.picture ' + name));
const small = image.getBoundingClientRect().width;
input.focus();
const focused = page.activeElement === input;
page.querySelector('.picture').click();
const large = image.getBoundingClientRect();
const open = [large.left, large.top, large.width, large.height];
page.querySelector('.picture').click();
document.title = JSON.stringify([small, focused, open, image.getBoundingClientRect().width]);
"""


def _framed(page: Path, folder: Path, width: int, script: str) -> str:
    """The title that a script gives to a document that shows the page in a frame."""
    text = re.sub(r"<meta http-equiv[^>]*>", "", page.read_text(encoding="utf-8"))
    frame = f'<iframe width="{width}" height="2000" style="border: 0" srcdoc="{escape(text)}" onload="{escape(script)}"></iframe>'
    copy = folder / "copy.html"
    copy.write_text(f"<!DOCTYPE html><title>x</title>{frame}", encoding="utf-8")
    found = re.search(r"<title>(.*?)</title>", _run(folder, width, copy, "--dump-dom").stdout)
    assert found is not None
    return unescape(found[1])


def _run(folder: Path, width: int, page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    quiet = ("disable-background-networking", "disable-component-update", "disable-sync", "disable-quic", "no-first-run")
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", *(f"--{name}" for name in quiet)]
    command += ["--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]
    command += [f"--user-data-dir={folder / 'profile'}", f"--window-size={width},2000", "--enable-logging=stderr", "--v=0"]
    return subprocess.run([*command, *options, page.as_uri()], capture_output=True, text=True, timeout=120, check=True)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    root = draw_photos(folder / "photos", people=12, each=2, classes=("left", "right", "a class of a long name"))
    options = ["--report", "true", "--cache.folder", str(folder / "cache")]
    assert main([*fit_arguments(root, folder, 2), *options]) == 0
    return folder / "lightning_logs" / "photos" / "version_0" / "report.html"


@pytest.mark.parametrize("width", WIDTHS)
def test_the_report_asks_for_nothing_and_fits(report: Path, tmp_path: Path, width: int) -> None:
    assert browse(report, tmp_path / "browser", width) == ([], [], width)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_of_a_cross_validation_asks_for_nothing_and_fits(tmp_path: Path, width: int) -> None:
    folder = make_folds(tmp_path / "an_experiment_of_a_long_name" / "crossval_0", some_right(0.8, 1))
    assert main(["report", str(folder)]) == 0
    assert browse(folder / "report.html", tmp_path / "browser", width) == ([], [], width)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_photo_is_enlarged_by_a_click_or_a_key_and_goes_back(report: Path, tmp_path: Path, width: int) -> None:
    """By a checkbox, which the keyboard reaches and the space bar clicks."""
    (tmp_path / "browser").mkdir()
    small, focused, large, again = json.loads(_framed(report, tmp_path / "browser", width, CLICK))
    assert focused
    assert small < width / 2
    assert large == [0, 0, width, 2000]
    assert again == small


@pytest.mark.parametrize("width", WIDTHS)
def test_the_check_asks_for_nothing_and_fits(tmp_path: Path, width: int) -> None:
    root = draw_photos(tmp_path / "photos", people=3, each=2, classes=("left", "right"))
    shutil.copy(root / "left" / "person0_0.png", root / "right" / "copy.png")
    assert main(["check", str(root), "--output", str(tmp_path / "check")]) == 2
    assert browse(tmp_path / "check" / "check.html", tmp_path / "browser", width) == ([], [], width)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_comparison_asks_for_nothing_and_fits(tmp_path: Path, width: int) -> None:
    for seed in (0, 1):
        make_run(tmp_path / f"good/version_{seed}", some_right(0.9, seed), config=settings("test_resnet", seed))
    make_run(tmp_path / "cheap/version_0", some_right(0.88, 2), config=settings("test_vit"))
    make_run(tmp_path / "bad/version_0", some_right(0.5, 3), config=settings("a_network_of_a_long_name_that_timm_does_not_have"))
    assert main(["compare", str(tmp_path / "*" / "version_*"), "--output", str(tmp_path / "out")]) == 0
    assert browse(tmp_path / "out" / "comparison.html", tmp_path / "browser", width) == ([], [], width)


def test_a_page_that_does_is_found_out(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    bad = '<img src="http://127.0.0.1:9/x.png" alt=""><script>nothing()</script><p style="width: 3000px">wide</p>'
    page.write_text(f"<!DOCTYPE html><title>x</title>{bad}")
    console, addresses, width = browse(page, tmp_path / "browser", 390)
    assert "nothing is not defined" in " ".join(console)
    assert "http://127.0.0.1:9/x.png" in addresses
    assert width >= 3000
