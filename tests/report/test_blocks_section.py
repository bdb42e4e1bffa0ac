"""The report's section about stages, of runs that the program trained and of made figures."""

import csv
import re
import shlex
import shutil
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import torch

from posture_classifier.cli.program import main
from posture_classifier.inference import Classifier
from posture_classifier.metrics.intervals import Estimate
from posture_classifier.models.block_deletion import deleted
from posture_classifier.models.blocks import find_blocks
from posture_classifier.report.blocks_section import blocks_section
from posture_classifier.report.deleted_blocks import Deletion, measure_deletions, sampled_photos
from posture_classifier.report.finished_run import FinishedRun, read_finished_run
from posture_classifier.utils.errors import UserError
from tests.helpers.advice import arguments_of
from tests.helpers.made_runs import finish_run, make_run, some_right
from tests.helpers.photos import draw_photos
from tests.helpers.program import EXACT, fit_arguments

ANCHOR = '<section id="which-stages-your-photos-need">'


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that tested 32 photos of 4 people."""
    folder = tmp_path_factory.mktemp("finished")
    root = draw_photos(folder / "photos", people=10, each=4, classes=("left", "right"))
    options = ["--unfreezing.open_stages", "{0: all}", "--data.test_fraction", "0.4", *EXACT]
    assert main([*fit_arguments(root, folder, 3), *options]) == 0
    return folder / "lightning_logs" / root.name / "version_0"


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(finished, tmp_path / "version_0")


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def right_by_hand(run: FinishedRun, deleted_block: str | None) -> list[bool]:
    """Which photos are right without a block, by the ``Classifier`` of everyone."""
    classifier = Classifier.load(run.checkpoint, precision="fp32")
    network = classifier.model.backbone
    paths = [run.root / str(path) for path in run.evaluated.paths]
    block = next((block for block in find_blocks(network, 32) if block.name == deleted_block), None)
    if block is None:
        predictions = classifier.predict(paths)
    else:
        with deleted(network, block):
            predictions = classifier.predict(paths)
    return [p.label == run.classes[label] for p, label in zip(predictions, run.evaluated.predictions.labels, strict=True)]


def test_its_figures_are_those_by_hand(run: Path, tmp_path: Path) -> None:
    output = tmp_path / "to send"
    assert main(["report", str(run), "--blocks", "true", "--output", str(output)]) == 0
    whole, *blocks = read_table(output / "blocks.csv")
    read = read_finished_run(run)
    right = right_by_hand(read, None)
    assert (whole["deleted"], whole["images"], whole["groups"], whole["difference"]) == ("nothing", "32", "4", "")
    assert float(whole["accuracy"]) == np.mean(right)
    assert [(row["deleted"], row["stage"], row["stages_open"]) for row in blocks] == [
        ("conv1.3", "conv1", "6"),
        ("layer1.0", "layer1", "5"),
    ]
    for row in blocks:
        by_hand = right_by_hand(read, row["deleted"])
        assert float(row["accuracy"]) == np.mean(by_hand)
        assert float(row["difference"]) == pytest.approx(np.mean(by_hand) - np.mean(right))
        assert float(row["accuracy_low"]) < float(row["accuracy"]) < float(row["accuracy_high"])
        assert float(row["difference_low"]) < float(row["difference"]) < float(row["difference_high"])
        assert 0 < float(row["p"]) <= 1
    page = (output / "report.html").read_text(encoding="utf-8")
    section = page.partition(ANCHOR)[2].partition("</section>")[0]
    assert section.count("<tr>") == 4
    assert section.count("<svg") == 1
    assert "32 photos of 4 groups" in section


def test_a_network_without_blocks_says_so(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posture_classifier.report.deleted_blocks.find_blocks", lambda *_: [])
    read = read_finished_run(run)
    section = blocks_section(read, measure_deletions(read))
    assert "no block that could be deleted" in section.body
    assert "<table" not in section.body


@pytest.mark.slow
def test_the_report_names_the_command_and_the_command_works(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(run)]) == 0
    section = (run / "report.html").read_text(encoding="utf-8").partition(ANCHOR)[2].partition("</section>")[0]
    command = re.search(r"python -m posture_classifier report .*?--overwrite true", unescape(section), re.DOTALL)
    assert command
    assert not (run / "blocks.csv").exists()
    arguments = [str(run) if word == "RUN" else word for word in arguments_of(command[0])]
    assert str(run) in arguments
    assert main(arguments) == 0
    assert (run / "blocks.csv").exists()
    without_overwrite = arguments[:-2]
    assert main(without_overwrite) == 0, "it replaces its own files"
    (run / "blocks.csv").write_text("mine\n")
    assert main(without_overwrite) == 2
    assert "blocks.csv" in capsys.readouterr().err
    assert (run / "blocks.csv").read_text() == "mine\n"


@pytest.mark.parametrize("gone", ["photos", "checkpoint"])
def test_without_photos_or_checkpoint_there_is_no_section(run: Path, capsys: pytest.CaptureFixture[str], gone: str) -> None:
    if gone == "checkpoint":
        (run / "checkpoints" / "best.ckpt").unlink()
    else:
        config = run / "config.yaml"
        config.write_text(config.read_text().replace("/photos", "/elsewhere"))
    assert main(["report", str(run)]) == 0
    assert ANCHOR not in (run / "report.html").read_text(encoding="utf-8")
    assert main(["report", str(run), "--blocks", "true", "--overwrite", "true"]) == 2
    error = capsys.readouterr().err
    assert "--blocks true" in error
    assert error.count("\n") == 1
    assert not (run / "blocks.csv").exists()


def test_photos_that_cannot_be_read_any_more_are_left_out(run: Path, tmp_path: Path) -> None:
    read = read_finished_run(run)
    root = shutil.copytree(read.root, tmp_path / "damaged")
    config = run / "config.yaml"
    config.write_text(config.read_text().replace(str(read.root), str(root)))
    damaged = read_finished_run(run)
    first, *others = [root / str(path) for path in damaged.evaluated.paths]
    first.write_bytes(b"")
    assert [deletion.images for deletion in measure_deletions(damaged)] == [31] * 3
    for path in others:
        path.write_bytes(b"")
    with pytest.raises(UserError, match="damaged"):
        measure_deletions(damaged)


def test_a_sample_holds_all_groups_and_classes_by_their_share(tmp_path: Path) -> None:
    run = read_finished_run(finish_run(make_run(tmp_path / "run", some_right(0.8, 1, 300), each=30)))
    chosen = sampled_photos(run.evaluated, seed=0, most=100)
    assert len(set(chosen.tolist())) == 100
    assert np.unique(run.evaluated.groups[chosen], return_counts=True)[1].tolist() == [10] * 10
    assert np.bincount(run.evaluated.predictions.labels[chosen]).tolist() == [50, 50]
    assert sampled_photos(run.evaluated, seed=0).tolist() != chosen.tolist()
    assert sampled_photos(run.evaluated, seed=0, most=300).tolist() == list(range(300))


def deletion(name: str, stage: str, n_open: int, difference: float, p: float | None, reach: float = 0.02) -> Deletion:
    accuracy = 0.9 + difference
    change = Estimate(None) if p is None else Estimate(difference, difference - reach, difference + reach)
    return Deletion(name, stage, n_open, 150, 15, Estimate(accuracy, accuracy - 0.05, accuracy + 0.05), change, p)


WHOLE = deletion("nothing", "", 0, 0.0, None)
EARLY, LATE = deletion("layer1.0", "layer1", 5, -0.01, 1.0), deletion("layer3.1", "layer3", 3, -0.30, 0.001)


@pytest.fixture
def made(tmp_path: Path) -> FinishedRun:
    return read_finished_run(finish_run(make_run(tmp_path / "run", some_right(0.8, 1))))


def test_stages_whose_blocks_are_needed_are_advised(made: FinishedRun) -> None:
    last = deletion("layer4.1", "layer4", 2, -0.05, 0.04)
    body = unescape(str(blocks_section(made, [WHOLE, EARLY, LATE, last]).body))
    assert "layer3 (layer3.1: 30.0 points (95 % interval 28.0 to 32.0)); layer4 (layer4.1: 5.0 points" in body
    assert "Deleting one of layer1 costs 3.0 points at most" in body
    assert "--unfreezing.open_stages '{1: 3}')" in body
    assert "--model.stages" not in body


def test_the_advised_option_opens_the_stages_that_are_needed(finished: Path, made: FinishedRun, tmp_path: Path) -> None:
    read = read_finished_run(finished)
    assert read.classifier is not None
    stages = read.classifier.model.stages
    needed = deletion("layer1.0", "layer1", 1 + [stage.name for stage in reversed(stages)].index("layer1"), -0.3, 0.001)
    body = unescape(str(blocks_section(made, [WHOLE, needed]).body))
    option = re.search(r"\((--unfreezing\.open_stages .*?)\)", body)
    assert option
    arguments = [*fit_arguments(read.root, tmp_path, 2), *shlex.split(option[1]), *EXACT]
    assert main(arguments) == 0
    weights = [
        torch.load(tmp_path / "lightning_logs" / "photos" / "version_0" / "checkpoints" / name, weights_only=True)["state_dict"]
        for name in ("best.ckpt", "last.ckpt")
    ]
    start = Classifier.load(finished / "checkpoints" / "best.ckpt").model.state_dict()
    assert weights[1].keys() == start.keys()
    epochs = read_table(tmp_path / "lightning_logs" / "photos" / "version_0" / "metrics.csv")
    assert [int(float(row["stages_open"])) for row in epochs] == [1, 5]


def test_fine_stages_are_advised_as_such(made: FinishedRun) -> None:
    made.settings["model"]["stages"] = "fine"
    assert "--unfreezing.open_stages '{1: 3}' --model.stages fine)" in unescape(str(blocks_section(made, [WHOLE, LATE]).body))


def test_what_may_be_chance_advises_nothing(made: FinishedRun) -> None:
    body = str(blocks_section(made, [WHOLE, EARLY, deletion("layer2.1", "layer2", 4, 0.02, 0.01)]).body)
    assert "cannot be said which stages to open" in body
    assert "layer1.0 costs most, 1.0 points" in body
    assert "any one costs 3.0 points at most" in body
    assert "open_stages" not in body


def test_unknown_intervals_claim_nothing(made: FinishedRun) -> None:
    unknown = Deletion("layer1.0", "layer1", 5, 20, 2, Estimate(0.8, too_few="2 groups"), Estimate(-0.1, too_few="2 groups"), 1.0)
    whole = Deletion("nothing", "", 0, 20, 2, Estimate(0.9, too_few="2 groups"), Estimate(None), None)
    body = str(blocks_section(made, [whole, unknown]).body)
    assert "at most" not in body
    assert body.count("2 groups are too few for an interval") == 1
