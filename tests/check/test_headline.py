"""The headline: what it expects, and that its command is never refused."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from posture_classifier.check.run_checks import Result
from posture_classifier.cli.program import main
from tests.helpers.advice import FAST, arguments_of, follow
from tests.helpers.bursts import draw_bursts
from tests.helpers.check_folders import check_folder, draw_people, draw_scenes, finding_of, kinds
from tests.helpers.photos import DrawFolder
from tests.helpers.videos import CLASSES, draw_videos

PREFIX = r"--data.group_pattern '([^/]+)_\d+\.'"


def draw_frames(root: Path) -> Path:
    """``frame_0001.jpg`` to ``frame_0120.jpg`` of one person's video."""
    for path in draw_videos(root, people=1, frames=120).rglob("*.jpg"):
        path.rename(path.with_name(path.name.replace("anna", "frame")))
    return root


def draw_dated(root: Path) -> Path:
    """Photos of six people, each taken in an hour of its own; names tell nothing."""
    for n, path in enumerate(sorted(draw_people(root, people=6, each=2).rglob("*.jpg"))):
        exif = Image.Exif()
        exif[0x0110], exif[0x0132] = "Phone", f"2024:05:01 {8 + int(path.stem[8:10]):02}:00:{n:02}"
        Image.open(path).copy().save(path.with_name(f"{'abcdefghijklmnopqrstuvwx'[n]}.jpg"), exif=exif, quality=92)
        path.unlink()
    return root


def draw_unnamed_bursts(root: Path) -> Path:
    """Bursts of three photos whose names tell nothing."""
    for n, path in enumerate(sorted(draw_bursts(root, 24, 3).rglob("*.jpg"))):
        path.rename(path.with_name(f"{n * 7919 % 9973:x}.jpg"))
    return root


MADE: dict[str, tuple[Callable[[Path], Path], str | None, int | None, str]] = {
    "videos of 3": (lambda root: draw_videos(root, 3, 30), PREFIX, 3, "crossval"),
    "videos of 4": (lambda root: draw_videos(root, 4, 20), PREFIX, 4, "crossval"),
    "videos of 8": (lambda root: draw_videos(root, 8, 12), PREFIX, 8, "crossval"),
    "bursts": (draw_unnamed_bursts, "--data.group_by cluster", None, "fit"),
    "frames": (draw_frames, r"--data.group_pattern '([^/]+)\d\.'", 12, "fit"),
    "dates": (draw_dated, "--data.group_by exif", 6, "crossval"),
    "people": (draw_people, r"--data.group_pattern 'subject-\d+'", 12, "fit"),
    "tidy": (lambda root: draw_scenes(root, each=15), None, None, "fit"),
}
"""Made sets with the option that is advised, the number of its groups, and the command."""


FEW = ("videos of 3", "people", "dates", "tidy")


@pytest.fixture(scope="module", params=[name if name in FEW else pytest.param(name, marks=pytest.mark.slow) for name in MADE])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Result]:
    """A made set and what is found in it."""
    return request.param, check_folder(MADE[request.param][0](tmp_path_factory.mktemp("made") / "a folder's photos"))


def test_the_command_is_accepted_and_makes_the_groups(made: tuple[str, Result]) -> None:
    name, result = made
    _, option, n_groups, command = MADE[name]
    headline = result.headline
    assert headline.command is not None
    assert (option or "") in headline.command
    assert arguments_of(headline.command)[0] == command
    splits = follow(headline.command)
    assert splits[0].grouped == (option is not None)
    if option is not None:
        groups = len(set(splits[0].groups.tolist()))
        assert groups == headline.values["groups"] == (n_groups or groups)
        assert headline.values["new_groups"]["value"] is not None
    else:
        assert headline.values["new_groups"] is None
        assert "groups" not in kinds(result)


def test_every_proposal_is_shown_with_its_groups_and_is_accepted(made: tuple[str, Result]) -> None:
    name, result = made
    if MADE[name][1] is None:
        return
    proposals = finding_of(result, "groups").values["proposals"]
    assert proposals[0]["option"] in (result.headline.command or "")
    for proposal in proposals:
        assert sum(proposal["sizes"].values()) == len(result.photos)
        assert all(1 <= len(paths) <= 3 for paths in proposal["examples"].values())
        command = f"python -m posture_classifier fit --data.root '{result.photos.root}' {proposal['option']}".replace(
            "r's", "r'\"'\"'s"
        )
        if proposal["possible"] and proposal["groups"] >= 10:
            follow(command)


def test_a_random_split_flatters_where_people_were_filmed(made: tuple[str, Result]) -> None:
    name, result = made
    values = result.headline.values
    if name.startswith("videos") or name == "bursts":
        assert values["new_groups"]["value"] < values["random_split"] - 0.15
    if name in ("tidy", "people"):
        assert values["random_split"] > 0.95


@pytest.mark.slow
def test_the_printed_commands_train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for root, command in ((draw_videos(tmp_path / "filmed", 3, 30), "crossval"), (draw_frames(tmp_path / "frames"), "fit")):
        main(["check", str(root)])
        (printed,) = re.findall("; use: (.*)", capsys.readouterr().out)
        arguments = arguments_of(printed)
        assert arguments[0] == command
        assert main([*arguments, *FAST, "--trainer.default_root_dir", str(tmp_path)]) == 0
        capsys.readouterr()


@pytest.mark.slow
def test_the_printed_command_as_it_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine without a network, and to about what it promises."""
    monkeypatch.chdir(tmp_path)
    main(["check", str(draw_videos(tmp_path / "filmed", 4, 40))])
    printed = capsys.readouterr().out
    (command,) = re.findall("; use: (.*)", printed)
    low, high = (float(end) / 100 for end in re.findall(r"95 % interval ([\d.]+) to ([\d.]+) %", printed)[0])
    assert main(arguments_of(command)) == 0
    (summary,) = tmp_path.glob("lightning_logs/*/crossval_0/summary.json")
    assert low <= json.loads(summary.read_text())["accuracy"]["value"] <= high


@pytest.mark.slow
def test_fit_says_it_where_check_has_looked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = draw_videos(tmp_path / "videos", 8, 12)
    fit = ["fit", "--data.root", str(root), *FAST, "--trainer.default_root_dir", str(tmp_path)]
    assert main(fit) == 0
    assert "random split" not in capsys.readouterr().out, "no check has seen the photos"
    headline = check_folder(root).headline
    assert main(fit) == 0
    assert headline.line in capsys.readouterr().out
    assert main([*fit, "--data.group_pattern", r"([^/]+)_\d+\.", "--data.folds", "8"]) == 0
    printed = capsys.readouterr().out
    assert headline.text in printed
    assert "; use: " not in printed, "that is what runs"


def test_what_is_missing_is_said(tmp_path: Path, draw_folder: DrawFolder) -> None:
    two = check_folder(draw_videos(tmp_path / "two", 2, 8), r"([^/]+)_\d+\.").headline
    assert (two.command, two.values["groups"]) == (None, 2)
    assert f"class {CLASSES[0]} occurs in 2 groups" in two.line
    one_class = draw_scenes(tmp_path / "scenes", each=3)
    shutil.rmtree(one_class / "squares")
    assert check_folder(one_class).headline.command is None
    for path in list((tmp_path / "two" / CLASSES[0]).iterdir())[1:]:
        path.unlink()
    few = check_folder(tmp_path / "two").headline
    assert (few.command, few.values) == (None, {})
    assert CLASSES[0] in few.text


def test_a_video_without_names_is_not_acquitted(tmp_path: Path) -> None:
    for n, path in enumerate(sorted(draw_videos(tmp_path / "one", people=1, frames=40).rglob("*.jpg"))):
        path.rename(path.with_name(f"{n * 7919 % 9973:x}.jpg"))
    headline = check_folder(tmp_path / "one").headline
    assert headline.command is None
    assert "near-duplicates" in headline.refusal


def test_groups_that_the_users_split_tears_apart(tmp_path: Path) -> None:
    for split, seed in (("train", 0), ("test", 0)):
        draw_videos(tmp_path / "split" / split, people=4, frames=8, seed=seed)
    torn = check_folder(tmp_path / "split").headline
    assert torn.command is None
    assert "4 groups are in more than one folder" in torn.refusal
    for path in (tmp_path / "split").rglob("*.jpg"):
        if ("anna" in path.name) == (path.parent.parent.name == "train"):
            path.unlink()
    command = check_folder(tmp_path / "split").headline.command
    assert arguments_of(command or "")[0] == "fit"
    assert follow(command or "")[0].grouped


def test_unreadable_files_and_names_without_a_match_do_not_stop_the_command(tmp_path: Path) -> None:
    root = draw_people(tmp_path / "people", people=6, each=2)
    (root / "circles" / "subject-00_99.jpg").write_text("no photo")
    for n, path in enumerate(sorted((root / "circles").glob("subject-05*"))):
        path.rename(path.with_name(f"portrait{'abcd'[n]}.jpg"))
    for pattern in (None, r"subject-\d+"):
        command = check_folder(root, pattern).headline.command
        assert command is not None
        assert "--data.on_error skip" in command
        assert r"'subject-\d+|$'" in command
        assert "none" in follow(command)[0].groups.tolist()


@pytest.mark.slow
def test_groups_that_share_moments_are_asked_about(tmp_path: Path) -> None:
    root = draw_videos(tmp_path / "videos", 4, 16)
    for path in root.rglob("anna_*[13579].jpg"):
        path.rename(path.with_name(path.name.replace("anna", "anna2")))
    finding = finding_of(check_folder(root), "shared_moments")
    assert (finding.severity, finding.values["groups"]) == ("warning", [["anna", "anna2"]])
    assert "shared_moments" not in kinds(check_folder(draw_videos(tmp_path / "others", 4, 16)))


def test_it_is_in_the_files_that_check_writes(tmp_path: Path) -> None:
    root, report = draw_scenes(tmp_path / "photos", each=3), tmp_path / "report"
    main(["check", str(root), "--output", str(report)])
    headline = json.loads((report / "check.json").read_text())["headline"]
    assert headline["command"].endswith(f"all_stages --data.root {root}")
    assert headline["text"].split(" (")[0] in (report / "check.html").read_text(encoding="utf-8")
