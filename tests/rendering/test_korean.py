"""Pages and output of ``check`` in Korean have no English left but names, commands and terms."""

import json
import re
import shutil
from collections.abc import Callable, Iterable
from html import unescape
from pathlib import Path

import pytest

from posture_classifier.cli.program import main
from posture_classifier.rendering.translation import PLACEHOLDER, Translator, read_table
from tests.helpers.check_folders import CLASSES, draw_bursts, draw_people, draw_scenes, plant, scene
from tests.helpers.made_runs import make_folds, some_right
from tests.helpers.photos import DrawFolder
from tests.helpers.program import Fit

HANGUL = re.compile("[가-힣]")
DATA = re.compile(
    r"python -m posture_classifier .*|[^\s/]*/\S*|\S*\.(?:jpg|png|webp|txt|mp4|csv|json|html)\b|--\S+|'[^']*'"
    r"|\b(?:test_resnet|torch|timm|cpu|none|true)\b|\b(?:subject|person)-?\d+"
    r"|image file is truncated.*|XYZ identity.*|CMYK|GIF|(?:conv|layer)[\d.]+"
)
"""Paths, commands, options, versions, and what other libraries write."""
FINDINGS = [
    ("warning", "light_shortcut", "What it used, each alone: brightness 90%, red of the corners 61%."),
    ("note", "unchecked", "Probable label errors were not looked for: that takes 10 groups of every class, or photos that each "
     "stand alone; left has 4."),
]  # fmt: skip


def english_left(texts: Iterable[str], names: Iterable[str] = ()) -> set[str]:
    """Texts with a word of neither the Korean table, nor the data."""
    known = {word for _, korean in read_table("ko") for word in re.findall("[A-Za-z]+", PLACEHOLDER.sub("", korean))}
    known |= {word for name in names for word in re.findall("[A-Za-z]+", name)}
    words = {text: set(re.findall("[A-Za-z]{2,}", DATA.sub("", text))) for text in texts}
    return {text for text, found in words.items() if found - known}


def texts_of(page: str) -> list[str]:
    """What a page has between its tags, and what is read aloud of its pictures."""
    page = re.sub(r"<style>.*?</style>|<pre.*?</pre>", "", page, flags=re.DOTALL)
    page = re.sub(r'<span class="together">(--[^<]*)</span>', r"\1", page)
    return [unescape(text) for text in re.findall(r">([^<]+)<", page) + re.findall(r'(?:aria-label|alt)="([^"]*)"', page)]


def check(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[str, str]:
    """Check a folder in Korean; returns what was printed, and the page."""
    main(["check", str(root), "--output", str(tmp_path / "found"), "--language", "ko", *options])
    return capsys.readouterr().out, (tmp_path / "found/check.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_page_of_a_training(draw_folder: DrawFolder, fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all that a checkpoint and photos allow: pictures, maps, thresholds, deleted blocks."""
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    run, names = fit(draw_folder("fotos", people=10), "--report", "true", epochs=2), ["left", "right", "fotos"]
    page = (run / "report.html").read_text(encoding="utf-8")
    assert '<html lang="ko">' in page
    assert HANGUL.search(page)
    assert '<th scope="col">right</th>' in page, "a class of that name"
    assert not english_left(texts_of(page), names)
    assert not HANGUL.search((run / "summary.json").read_text(encoding="utf-8"))
    findings = [dict(zip(("severity", "kind", "text"), finding, strict=True)) for finding in FINDINGS]
    verdict = "warnings: 0 errors, 1 warning, 1 note; 9 photos of 2 classes"
    (run / "check.json").write_text(json.dumps({"verdict": verdict, "findings": findings}))
    assert main(["report", str(run), "--blocks"]) == 0
    assert not english_left(texts_of((run / "report.html").read_text(encoding="utf-8")), names)
    assert main(["report", str(run), "--language", "en"]) == 0
    assert not HANGUL.search((run / "report.html").read_text(encoding="utf-8"))


def test_the_report_of_a_cross_validation_in_the_language_of_the_locale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_folds(tmp_path / "name" / "crossval_0", some_right(0.75, 1, 200), root="fotos")
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    assert main(["report", str(folder)]) == 0
    assert not english_left(capsys.readouterr().out.splitlines())
    assert not english_left(texts_of((folder / "report.html").read_text(encoding="utf-8")), ["left", "right", "fotos"])


def test_a_language_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("check", "report"):
        assert main([command, str(tmp_path), "--language", "xx"]) == 2
        assert "en, ko" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("english", "korean"),
    [
        ("a/b: 460 photos of 46 groups for training, 9 photos for test", "a/b: 학습 그룹 46개의 사진 460장, 시험 사진 9장"),
        ("a/check.json says: errors: 2 errors, 1 warning, 0 notes; 9 photos of 2 classes",
         "a/check.json: 오류 있음: 오류 2개, 경고 1개, 참고 0개; 클래스 2개의 사진 9장"),
        ("b.1 94 % (95 % interval 86.5 to 97 %); b.2 96 % (95 % interval unknown: 2 groups)",
         "b.1 94 %(95 % 신뢰구간 86.5~97 %); b.2 96 %(95 % 신뢰구간 알 수 없음: 그룹 2개)"),
        ("8 .txt, 4 .mp4, 2 .dcm (DICOM), 1 of another name and 2 more",
         ".txt 8개, .mp4 4개, .dcm (DICOM) 2개, 다른 이름 1개 외 2개"),
        ("They are in a (a.0: 3.3 points (95 % interval 1.2 to 5.4)); b (b.1: 2.0 points).",
         "그 블록이 있는 단계: a(a.0: 3.3%p, 95 % 신뢰구간 1.2~5.4); b(b.1: 2.0%p)."),
        ("a.jpg and 3 others (left, right), b.jpg and 1 other (left)", "a.jpg 외 3장(left, right), b.jpg 외 1장(left)"),
        ("0.9% of the val photos and 5% of the test photos", "검증 사진의 0.9% 및 시험 사진의 5%"),
        ("training ends at 0.1; validation ends at nothing", "학습의 마지막 값 0.1; 검증의 마지막 값 없음"),
    ],
)  # fmt: skip
def test_a_list_is_translated_part_by_part(english: str, korean: str) -> None:
    assert Translator("ko").text(english) == korean


def _faulty(root: Path) -> Path:
    plant(draw_scenes(root))
    return root


def _split(root: Path) -> Path:
    """The user's own split, with a photo and a moment on both sides of it."""
    for seed, split in enumerate(("train", "val", "test")):
        draw_scenes(root / split, each=12, seed=1000 * seed)
    shutil.copy(root / "train" / CLASSES[0] / "000.jpg", root / "test" / CLASSES[0] / "copy.jpg")
    scene(0, 2).crop((8, 6, 152, 114)).save(root / "val" / CLASSES[0] / "crop.jpg")
    return root


def _refused(root: Path) -> Path:
    """One class, an empty one, and few photos."""
    (root / "empty").mkdir(parents=True)
    (root / CLASSES[0]).mkdir()
    for seed in range(3):
        scene(0, seed).save(root / CLASSES[0] / f"{seed}.jpg")
    return root


@pytest.mark.slow
@pytest.mark.parametrize("draw", [_faulty, draw_people, draw_bursts, _split, _refused])
def test_check(draw: Callable[[Path], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed, page = check(draw(tmp_path / "fotos"), tmp_path, capsys)
    names = [*CLASSES, "fotos", "empty"]
    assert not english_left(printed.splitlines(), names)
    assert not english_left(texts_of(page), names)
    content = (tmp_path / "found/check.json").read_text(encoding="utf-8")
    assert not HANGUL.search(content), "other programs read it"
