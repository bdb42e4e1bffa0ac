"""A search by Optuna: shared, killed and taken up again, stopped early, chosen without tests."""

import json
import os
import signal
import threading
from pathlib import Path

import pytest

from posture_classifier.cli.program import main
from tests.helpers.callbacks import KillOnce
from tests.helpers.photos import draw_photos
from tests.helpers.program import REPOSITORY, fit_arguments, refusal, rows, run_forked, run_program

optuna = pytest.importorskip("optuna", minversion="5")
# Imports it, too.
from posture_classifier.experiments.search_space import Range  # noqa: E402
from posture_classifier.experiments.study import Claim, Study, open_study  # noqa: E402

RATES = "{model.learning_rate: {low: 1.0e-4, high: 1.0e-1, log: true}, unfreezing.open_stages: {choices: [{0: 1}, {1: all}]}}"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_photos(tmp_path_factory.mktemp("data") / "photos", people=10, each=2, classes=("left", "right"))


def call(photos: Path, output: Path, *options: str, space: str = RATES, trials: int = 3) -> list[str]:
    search = ["--experiment", "search", "--search.trials", str(trials)]
    # Of two ranges for one option, jsonargparse would make one.
    search += [] if "--search.space" in options else ["--search.space", space]
    return ["search", *fit_arguments(photos, output, 2)[1:], *search, *options]


def trials(folder: Path) -> list[dict[str, str]]:
    return sorted(rows(folder / "trials.csv"), key=lambda row: int(row["trial"]))


@pytest.mark.slow
def test_a_search_ends_with_one_tested_run(tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(call(photos, tmp_path)) == 0
    folder = tmp_path / "lightning_logs" / "search" / "search_0"
    found = rows(folder / "trials.csv")
    losses = [float(row["val_loss"]) for row in found]
    assert len(found) == 3
    assert losses == sorted(losses), "the best first"
    assert len({row["model.learning_rate"] for row in found}) == 3
    chosen = json.loads((folder / "summary.json").read_text())["chosen"]
    assert str(chosen["trial"]) == found[0]["trial"]

    split = {row["path"]: row["split"] for row in rows(folder / "splits" / "all.csv")}
    tested = {path for path, name in split.items() if name == "test"}
    for run in folder.glob("trial_*/version_0"):
        assert not tested & {row["path"] for row in rows(run / "split.csv")}, "nobody chooses by people that are tested"
    run = Path(chosen["run"])
    assert {row["path"] for row in rows(run / "test" / "predictions.csv")} == tested
    best = min(float(row["val/loss"]) for row in rows(run / "metrics.csv"))
    assert best == pytest.approx(chosen["val_loss"], abs=1e-5), "the tested network is the chosen one"

    before = (run / "metrics.csv").stat().st_mtime_ns
    assert main(call(photos, tmp_path)) == 0, "a worker that comes late"
    assert (run / "metrics.csv").stat().st_mtime_ns == before
    capsys.readouterr()
    assert main(call(photos, tmp_path, trials=4)) == 0
    assert "trial 3 (4 of 4)" in capsys.readouterr().out, "more trials go on with the same study"
    assert trials(folder)[:3] == sorted(found, key=lambda row: int(row["trial"]))
    assert [path.name for path in folder.parent.glob("search_*")] == ["search_0"]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_the_trial_of_a_killed_worker_is_taken_up(tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    killer = ("--trainer.callbacks", f"{KillOnce.__module__}.KillOnce", "--trainer.callbacks.diary")
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
    killed = call(photos, tmp_path / "a", *killer, str(tmp_path / "killed"))
    assert run_program(*killed, env=one_thread).returncode == -signal.SIGKILL
    assert main(killed) == 0
    said = capsys.readouterr().out
    assert "trial 1 (2 of 3)" in said
    assert "trial 0 (1 of 3)" not in said, "it had ended"
    run = tmp_path / "a" / "lightning_logs" / "search" / "search_0"
    assert [path.name for path in (run / "trial_1").glob("version_*")] == ["version_0"], "resumed after its first epoch"

    (tmp_path / "whole").write_text("here\n" * 9)  # so that nothing is killed
    assert main(call(photos, tmp_path / "b", *killer, str(tmp_path / "whole"))) == 0
    assert trials(run) == trials(tmp_path / "b" / "lightning_logs" / "search" / "search_0"), "as if nothing had happened"


@pytest.mark.slow
def test_a_trial_that_was_not_written_down_is_not_trained_again(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(self: Study, claim: Claim, state: object, loss: float | None = None) -> None:
        claim.lock.release()
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(Study, "end", killed)
        assert main(call(photos, tmp_path, trials=1)) == 1
    folder = tmp_path / "lightning_logs" / "search" / "search_0"
    before = rows(folder / "trial_0" / "version_0" / "metrics.csv")
    assert main(call(photos, tmp_path, trials=1)) == 0
    assert [path.name for path in (folder / "trial_0").glob("version_*")] == ["version_0"]
    assert rows(folder / "trial_0" / "version_0" / "metrics.csv") == before
    assert [row["state"] for row in trials(folder)] == ["complete"]


@pytest.mark.slow
def test_hopeless_trials_are_stopped_early(tmp_path: Path, photos: Path) -> None:
    space = "{model.learning_rate: {low: 1.0e-6, high: 1.0e+1, log: true}}"
    assert main(call(photos, tmp_path, "--search.prune_after", "1", "--trainer.max_epochs", "3", space=space, trials=10)) == 0
    folder = tmp_path / "lightning_logs" / "search" / "search_0"
    stopped = [row for row in trials(folder) if row["state"] == "pruned"]
    assert stopped
    assert all(int(row["epochs"]) <= 3 for row in stopped)
    assert min(int(row["epochs"]) for row in stopped) < 3
    assert not [row for row in stopped if list((folder / f"trial_{row['trial']}").glob("version_0/*/predictions.csv"))]


@pytest.mark.slow
def test_the_shipped_config_runs(tmp_path: Path, photos: Path) -> None:
    configs = [word for name in ("best", "optuna") for word in ("--config", str(REPOSITORY / "configs" / f"{name}.yaml"))]
    command = ["search", *configs, *fit_arguments(photos, tmp_path, 1)[1:]]
    assert main([*command, "--search.trials", "2"]) == 0
    found = trials(tmp_path / "lightning_logs" / "optuna" / "search_0")
    assert [row["state"] for row in found] == ["complete", "complete"]


@pytest.mark.slow
def test_workers_share_one_study(tmp_path: Path, photos: Path) -> None:
    command = call(photos, tmp_path, trials=4)
    codes: list[int] = []
    workers = [threading.Thread(target=lambda n=n: codes.extend(run_forked(*command, log=tmp_path / f"log_{n}"))) for n in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert codes == [0, 0], [(tmp_path / f"log_{n}").read_text() for n in range(2)]
    assert [path.name for path in (tmp_path / "lightning_logs" / "search").glob("search_*")] == ["search_0"]
    folder = tmp_path / "lightning_logs" / "search" / "search_0"
    assert [(row["trial"], row["state"]) for row in trials(folder)] == [(str(n), "complete") for n in range(4)]
    assert len(list(folder.glob("chosen_*/version_*"))) == 1, "one of them tested"
    said = [(tmp_path / f"log_{n}").read_text().count("val/loss") for n in range(2)]
    assert min(said) > 0, "both trained"


@pytest.mark.slow
def test_a_trial_that_fails_is_said_and_not_chosen(tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # A transformer with patches of 16 pixels cannot take 40.
    space = "{model.backbone: {choices: [test_resnet, test_vit]}}"
    assert main(call(photos, tmp_path, "--model.image_size", "40", space=space, trials=4)) == 1
    folder = tmp_path / "lightning_logs" / "search" / "search_0"
    states = {(row["model.backbone"], row["state"]) for row in trials(folder)}
    assert states == {("test_resnet", "complete"), ("test_vit", "fail")}
    assert "cannot take images of 40 px" in capsys.readouterr().out


def study(folder: Path, storage: str | None = None, n_trials: int = 8, place: str = "here") -> Study:
    folder.mkdir(exist_ok=True)
    space = {
        "rate": Range(low=1e-4, high=1e-1, log=True),
        "stages": Range(choices=[{0: 3}, {1: "all"}]),
        "size": Range(low=1, high=9),
    }
    return Study(open_study(storage, "name", folder, 2), folder, place, space, n_trials, 0)


def test_a_bad_trial_is_stopped(tmp_path: Path) -> None:
    worker = study(tmp_path)
    for _ in range(5):  # before, there is no median
        claim = worker.claim()
        assert claim is not None
        for epoch, loss in enumerate((0.9, 0.5, 0.4)):
            claim.report(epoch, loss)
        worker.end(claim, optuna.trial.TrialState.COMPLETE, 0.4)
    bad = worker.claim()
    assert bad is not None
    bad.report(0, 0.95)  # an epoch that every trial has
    with pytest.raises(optuna.TrialPruned):
        bad.report(1, 0.8)


@pytest.mark.parametrize("storage", [None, "folder", "sqlite"])
def test_values_are_proposed_once_and_the_same_after_a_resume(tmp_path: Path, storage: str | None) -> None:
    def open_in(name: str) -> Study:
        places = {None: None, "folder": str(tmp_path / name / "shared"), "sqlite": f"sqlite:///{tmp_path}/{name}.db"}
        return study(tmp_path / name, places[storage])

    def run(worker: Study, count: int) -> list[dict[str, str]]:
        values = []
        for _ in range(count):
            claim = worker.claim()
            assert claim is not None
            values.append(claim.values)
            worker.end(claim, optuna.trial.TrialState.COMPLETE, float(claim.values["rate"]))
        return values

    whole = run(open_in("a"), 8)
    assert open_in("a").claim() is None
    first, second = open_in("b"), open_in("b")
    halves = run(first, 4)
    running = first.claim()
    assert running is not None
    other = second.claim()
    assert other is not None
    assert other.trial.number == 5, "what another worker trains is left to it"
    running.lock.release()  # as the system does for a killed process
    again = second.claim()
    assert again is not None
    assert (again.trial.number, again.values) == (4, running.values)
    assert [*halves, again.values] == whole[:5]
    assert [second.values(trial) for trial in second.trials()][:4] == halves, "as they are in the storage"
    best = second.best()
    assert best is not None
    assert best.values[0] == min(float(values["rate"]) for values in halves)


def test_trials_in_folders_elsewhere_are_left_alone(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path}/study.db"
    elsewhere = study(tmp_path / "a", storage, 1, "there").claim()
    assert elsewhere is not None
    elsewhere.lock.release()
    assert study(tmp_path / "b", storage, 1).claim() is None


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        (["--search.space", "{}"], "search.space"),
        (["--search.space", "{model.learning_rate: {low: 1}}"], "low and high"),
        (["--search.space", "{model.learning_rate: {low: 2, high: 1}}"], "low must be below high"),
        (["--search.space", "{model.learning_rate: {low: 0, high: 1, log: true}}"], "log"),
        (["--search.space", "{model.learning_rate: {lo: 0, high: 1}}"], "lo"),
        (["--search.space", "{model.learning_rat: {low: 0.1, high: 1}}"], "learning_rat"),
        (["--search.space", "{model.layer_decay: {choices: [0.5, many]}}"], "layer_decay"),
        (["--search.space", "{model.backbone: {choices: [resnet81]}}"], "resnet81"),
        (["--search.space", "{model.backbone: {choices: [lenet5]}}", "--model.pretrained", "true"], "lenet5"),
        (["--search.space", "{data.root: {choices: [a, b]}}"], "data.root"),
        (["--search.space", "{trainer.devices: {choices: [1, 2]}}"], "trainer.devices"),
        (["--search.backbones", "[lenet5]"], "search.backbones"),
        (["--search.seeds", "[0, 1]"], "search.seeds"),
        (["--search.trials", "0"], "search.trials"),
        (["--search.prune_after", "0"], "search.prune_after"),
        (["--engine", "ray"], "--engine ray"),
        (["--engine", "gpus"], "CUDA_VISIBLE_DEVICES"),
        (["--data.folds", "3"], "data.folds"),
        (["--data.test_fraction", "0"], "data.test_fraction"),
        (["--data.val_fraction", "0"], "data.val_fraction"),
    ],
)
def test_what_cannot_be_searched_is_one_sentence(
    tmp_path: Path, photos: Path, options: list[str], fact: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refusal(call(photos, tmp_path, *options), capsys)
    assert fact in error
    assert not list(tmp_path.glob("lightning_logs/*/search_*"))


def test_without_optuna_the_command_that_installs_it_is_said(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("posture_classifier.experiments.search_options.find_spec", lambda name: None)
    assert main(call(photos, tmp_path)) == 2
    assert "posture-classifier[search]" in capsys.readouterr().err
