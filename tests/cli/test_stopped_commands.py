"""Commands that are stopped while they compute: no traceback, and what they have is written."""

import signal
import sys
import time
from pathlib import Path

import pytest

from posture_classifier.utils.stop import Cause
from posture_classifier.utils.tables import read_rows, rows_so_far
from tests.helpers.photos import DrawFolder
from tests.helpers.program import REPOSITORY, fit_arguments
from tests.helpers.signalled import started

linux = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found below /proc")
CHECKPOINT = REPOSITORY / "tests" / "helpers" / "old_run" / "version_0" / "checkpoints" / "best.ckpt"


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_the_rows_so_far_are_a_whole_table(tmp_path: Path, suffix: str) -> None:
    rows = [{"path": "a", "label": "left"}]
    output = tmp_path / f"table{suffix}"
    will = rows_so_far(rows, ["path", "label"], output, of="3 photos")
    rows.append({"path": "b", "label": "right"})
    said = will(Cause.of_signal(signal.SIGTERM))
    assert said is not None
    assert "2 of 3 photos" in said
    assert str(output) in said
    assert len(output.read_text().splitlines()) == (3 if suffix == ".csv" else 2)
    assert list(tmp_path.iterdir()) == [output], "no temporary file"


@linux
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_the_rows_of_predict_are_in_its_part(tmp_path: Path, draw_folder: DrawFolder, number: signal.Signals, code: int) -> None:
    root, output, begun = draw_folder(people=25), tmp_path / "out.csv", tmp_path / "begun"
    slowly = tmp_path / "slowly.py"
    slowly.write_text(
        "import sys, time\nfrom pathlib import Path\nfrom posture_classifier import inference\n"
        "from posture_classifier.cli import main\nclassify = inference.Classifier._classify\n"
        "def classify_slowly(self, batch):\n"
        f"    answer = classify(self, batch); Path({str(begun)!r}).open('a').write('.'); time.sleep(0.2); return answer\n"
        "inference.Classifier._classify = classify_slowly\nsys.exit(main())\n"
    )
    arguments = ["predict", str(CHECKPOINT), str(root), "--batch_size", "1", "--output", str(output)]
    with started(arguments, tmp_path / "log.txt", program=[sys.executable, str(slowly)], PYTHONPATH=str(REPOSITORY)) as program:
        program.wait_for(begun.name, tmp_path)
        while len(begun.read_text()) < 5:
            time.sleep(0.05)
        ended = program.send(number, program.main.pid)
    assert ended.code == code
    assert "Traceback" not in ended.said
    assert not output.exists()
    part = tmp_path / "out.csv.part"
    rows = read_rows(part)
    assert 1 <= len(rows) < 100
    assert all(row["label"] in ("left", "right") for row in rows)
    said = " ".join(ended.said.split())
    assert f"{len(rows)} of 100 photos are in {part}; the same command goes on" in said


@linux
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("command", "target"), [("crossval", "main"), ("search", "main"), ("search", "all")], ids=["crossval", "search", "search, all"]
)
def test_a_series_that_is_stopped_is_resumed(tmp_path: Path, draw_folder: DrawFolder, command: str, target: str) -> None:
    root = draw_folder(people=10)
    options = ["--data.folds", "2"] if command == "crossval" else ["--search.backbones", "[test_resnet]", "--search.seeds", "[0]"]
    workers = ["--data.num_workers", "2", "--cache.enabled", "false"]  # which a signal to all reaches, too
    arguments = [command, *fit_arguments(root, tmp_path, 1_000_000)[1:], *options, *workers]
    with started(arguments, tmp_path / "log.txt") as program:
        table = program.wait_for("lightning_logs/**/version_0/metrics.csv", tmp_path)
        time.sleep(1)
        ended = program.send(signal.SIGTERM, program.main.pid if target == "main" else None)
    assert ended.code == 143, ended.said
    assert "Traceback" not in ended.said
    assert "failed" not in ended.said
    (folder,) = tmp_path.glob(f"lightning_logs/*/{command}_0")
    assert f"the same command goes on in {folder}" in ended.said
    assert (table.parent / "checkpoints" / "last.ckpt").exists()
    with started(arguments, tmp_path / "again.txt") as program:
        program.wait_for("lightning_logs/**/version_0/config.resumed-1.yaml", tmp_path)
        assert f"resuming in {folder}" in program.said()
