"""Reports a ``fit`` to Weights & Biases."""

import json
import os
import shlex
import shutil
import signal
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import WandbLogger

from posture_classifier.cache.fingerprint import fingerprint
from posture_classifier.callbacks.evaluation_report import EvaluationReport, split_sizes
from posture_classifier.callbacks.of_trainer import callbacks_of, data_of
from posture_classifier.callbacks.save_config import SaveConfig
from posture_classifier.data.module import PostureData
from posture_classifier.metrics.intervals import Estimate
from posture_classifier.metrics.scores import METRICS
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.rendering.formatting import describe_interval
from posture_classifier.runs.status import status_line
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.stop import Stop
from posture_classifier.utils.text import first_line

if TYPE_CHECKING:
    from wandb import Run

WANDB_JSON = "wandb.json"
"""File of the run folder that names its W&B run."""
TIMEOUTS = {"WANDB_INIT_TIMEOUT": "30", "WANDB_FINISH_TIMEOUT": "600", "WANDB_FINISH_TIMEOUT_RAISES": "true"}
"""Seconds that wandb waits for its server, unless the environment says otherwise.

wandb's own limits are 90 seconds at the start and none at the end. The last value makes it raise an
error when the time is over.
"""
BEST = {"val/loss": "min", "val/accuracy": "max", "val/f1": "max"}
"""The best value of a metric over all epochs, which W&B shows for the run."""
FILES_WITHOUT_NAMES = ("summary.json", "metrics.csv")
FILES_WITH_NAMES = ("split.csv", "test/predictions.csv", "val/predictions.csv")
"""Files of the run folder that name photos and groups."""


class WandbReport(Callback):
    """Reports a ``fit``, and the test at its end, to Weights & Biases.

    A resumed run resumes its W&B run. It needs ``wandb login`` once, or WANDB_API_KEY. Without it,
    without a network, or with WANDB_MODE=offline, everything stays in the run folder, and ``wandb
    sync`` uploads it later; WANDB_MODE=disabled does nothing. Other callbacks write to the same W&B
    run through Lightning's ``WandbLogger``, which this callback adds to the trainer.

    Args:
        project: W&B project.
        entity: W&B user or team; None is your default one.
        group: Name that joins runs in W&B; None is the experiment.
        tags: Tags of the run, beside the backbone and the data folder.
        notes: A sentence about the run; None says what is trained on what.
        log_model: Whether to upload the best checkpoint too, as an artifact with class names and
            preprocessing.
        names: Whether to upload what names photos and groups: the predictions and the split, which
            ``compare`` reads, and the paths of mistakes. Choose false where a path or a group names
            a person who should not be named. The configuration is uploaded as it is.
        photos: Whether to upload small copies of the test photos that were most wrong. Otherwise no
            photo leaves the machine.

    Attributes:
        costs: Numbers that the run's summary shows as ``costs/<name>``, beside the seconds of its
            training.

    Example:
        In YAML: ``trainer: {callbacks: [{class_path: WandbReport, init_args: {names: false}}]}``.

        >>> WandbReport(names=False).names
        False
    """

    def __init__(
        self,
        project: str = "posture_classifier",
        entity: str | None = None,
        group: str | None = None,
        tags: list[str] | None = None,
        notes: str | None = None,
        log_model: bool = False,
        names: bool = True,
        photos: bool = False,
    ) -> None:
        self.project, self.entity, self.group, self.tags, self.notes = project, entity, group, tags or [], notes
        self.log_model, self.names, self.photos = log_model, names, photos
        self.costs: dict[str, float] = {}
        self._folder = Path()
        self._run: Run | None = None
        self._complete = True
        self._metadata: dict[str, Any] = {}  # of the model, once it is tested
        self._stop_requested = False

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Begin the W&B run, or resume that of the run folder."""
        folder = Path(trainer.log_dir or ".")  # every rank has to ask
        saved = [callback for callback in trainer.callbacks if isinstance(callback, SaveConfig)]  # type: ignore[attr-defined]
        if stage != "fit" or not trainer.is_global_zero or not saved:
            return
        assert isinstance(pl_module, PostureClassifier)
        self._folder = folder
        settings = saved[0].settings()
        self._run = begin_run(folder, self._options(settings, pl_module, data_of(trainer)), self._request_stop)
        if self._run is None:
            return
        self._run.define_metric("epoch")
        self._run.define_metric("*", step_metric="epoch")
        for name, best in BEST.items():
            self._run.define_metric(name, step_metric="epoch", summary=best)
        self._run.summary.update({f"costs/{name}": cost for name, cost in self.costs.items()})
        trainer.loggers = [*trainer.loggers, WandbLogger(experiment=self._run)]

    def _options(self, settings: dict[str, Any], model: PostureClassifier, data: PostureData) -> dict[str, Any]:
        """Arguments for ``wandb.init``."""
        root = Path(data.root).resolve().name
        experiment = PurePosixPath(settings["experiment"] or root)
        backbone, weights = model.hparams["backbone"], model.hparams["weights_source"]
        facts = {
            "weights": weights,
            "classes": data.class_names,
            "splits": split_sizes(data.photos),
            "dataset_fingerprint": _photos_fingerprint(data),
        }
        return {
            "project": self.project,
            "entity": self.entity,
            "name": f"{experiment}/{self._folder.name}",
            # The folds of a cross-validation belong together, and so do the runs of a search.
            "group": self.group or str(experiment.parent if len(experiment.parts) > 1 else experiment),
            "job_type": "fit",
            "tags": [tag[:64] for tag in (backbone, root, *self.tags)],  # W&B refuses longer ones
            "notes": self.notes or f"{backbone} (weights: {weights}) on {len(data.photos)} photos of {data.photos.source}",
            # Names that begin with run_ are no options of fit.
            "config": settings | {"run_folder": str(self._folder.resolve()), "run_facts": facts},
        }

    def _request_stop(self) -> None:
        """Remember the stop button of W&B's page; wandb calls this in a thread of its own.

        wandb itself would send SIGINT, which a shell has ignored by what a script runs in the
        background, and which is lost where Python is in a destructor.
        """
        self._stop_requested = True

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """End the training as Ctrl-C does if W&B's stop button was pressed."""
        if self._stop_requested:
            raise KeyboardInterrupt

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add metrics with intervals, charts, mistakes, and the files that ``compare`` reads."""
        assert isinstance(pl_module, PostureClassifier)
        predictions = pl_module.predictions()  # gathered from all ranks
        if self._run is None:
            return
        from posture_classifier.callbacks.wandb_charts import mistakes, wandb_charts

        data = data_of(trainer)
        summary = callbacks_of(trainer, EvaluationReport)[0].summary
        split = summary["split"]
        photos = data.photos.in_split(split).select(predictions.indices)
        table = mistakes(predictions, photos, self.names, self.photos, pl_module.preprocessing.white)
        drawn = wandb_charts(predictions, data.class_names)
        seconds = sum(phase["seconds"] for phase in summary["phases"])
        own = {"status": status_line(summary["status"]) or "fine", "costs/seconds": round(seconds, 3)}
        self._run.summary.update(_estimates(summary) | own)
        self._metadata = {"class_names": summary["classes"], "preprocessing": pl_module.preprocessing.to_dict()}
        self._metadata |= {"backbone": summary["backbone"], "figures": _estimates(summary)}
        self._try("charts and mistakes", lambda run: run.log(drawn | {f"{split}/mistakes": table}))

    def _try(self, what: str, upload: "Callable[[Run], object]") -> None:
        """Send something to W&B; a training that is done goes on if that cannot be reached."""
        assert self._run is not None
        try:
            upload(self._run)
        # wandb asks its server for tables and models, and its parts raise many kinds of errors.
        except Exception as error:
            self._complete = False
            say(f"W&B cannot be reached ({first_line(error)}); not in the run: {what}")

    def _upload_model(self, run: "Run") -> None:
        import wandb

        artifact = wandb.Artifact(f"model-{run.id}", type="model", metadata=self._metadata)
        # The file does not change any more, so wandb need not copy it.
        artifact.add_file(str(self._folder / "checkpoints" / "best.ckpt"), policy="immutable")
        run.log_artifact(artifact, aliases=["best"])

    def finish(self) -> None:
        """Upload the files of the run folder, and end the W&B run; called when all are written."""
        if self._run is None:
            return
        if self.log_model and self._metadata:
            self._try("model", self._upload_model)
        for name in FILES_WITHOUT_NAMES + (FILES_WITH_NAMES if self.names else ()):
            if (self._folder / name).is_file():
                # wandb itself would make a link, which breaks when the folder is moved.
                copy = Path(self._run.dir) / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self._folder / name, copy)
                self._run.save(str(copy), base_path=self._run.dir, policy="now", glob=False)
        self._end(0)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """End the W&B run as failed; ``--ckpt_path last`` resumes it.

        A trial that the agent of a sweep stopped ends as finished. Of a failed one the search would
        assume the worst metric of all trials, whatever the trial had reached (wandb/sweeps,
        bayes_search.py, ``_construct_gp_data``).
        """
        by_agent = isinstance(exception, Stop) and exception.cause.signal == signal.SIGTERM
        stopped = by_agent and self._run is not None and self._run.sweep_id
        self._end(0 if stopped else 1)

    def _end(self, code: int) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        folder = shlex.quote(str(Path(run.dir).parent))
        where = f"not uploaded; upload it with: wandb sync {folder}" if run.offline else run.url
        try:
            run.finish(exit_code=code)
        # wandb gave up after its time limit, or its own process failed; the run folder is complete.
        except Exception:
            self._complete = False
        if not self._complete and not run.offline:
            where = f"{where}, where a part is missing; upload it with: wandb sync --include-online {folder}"
        say(f"W&B run: {where}")


def begin_run(folder: Path, options: dict[str, Any], stop: Callable[[], None]) -> "Run | None":
    """Begin or resume the W&B run of a run folder, offline if W&B cannot be reached.

    Its options are those of ``wandb.init``; ``stop`` is called in another thread when W&B wants the
    run to stop. Its name is kept in ``wandb.json`` of the run folder.

    Returns:
        The W&B run; None if WANDB_MODE=disabled.

    Raises:
        UserError: W&B refuses the options.
    """
    import wandb

    for name, seconds in TIMEOUTS.items():
        os.environ.setdefault(name, seconds)
    file = folder / WANDB_JSON
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    # Nothing but names: wandb would also take the address of its server from here.
    names = {key: value for key, value in known.items() if key in ("id", "project", "entity") and isinstance(value, str | None)}
    options |= {"dir": str(folder), "resume": "allow", "settings": wandb.Settings(silent=True, stop_fn=stop)} | names
    try:
        run = wandb.init(**options)
    except (wandb.Error, OSError) as error:
        say(f"W&B cannot be reached ({first_line(error)}); the run is recorded offline")
        run = _begin_offline(options)
    if run.disabled:
        return None
    identity = {"id": run.id, "project": run.project, "entity": run.entity or None}
    file.write_text(f"{json.dumps(identity)}\n", encoding="utf-8")
    return run


def _begin_offline(options: dict[str, Any]) -> "Run":
    import wandb

    try:
        return wandb.init(**options, mode="offline")
    except (wandb.Error, OSError) as error:
        raise UserError(f"WandbReport: W&B refuses the run: {first_line(error)}") from error


def _photos_fingerprint(data: PostureData) -> str:
    """A fingerprint of the photos and their classes, whatever their names and their split."""
    order = np.lexsort((data.photos.labels, data.digests))
    return fingerprint(data.class_names, data.digests[order], data.photos.labels[order])


def _estimates(summary: dict[str, Any]) -> dict[str, float | int | str | None]:
    """Metrics of a summary with the ends of their intervals, and the numbers of photos and groups.

    Their names are ``test/accuracy``, ``test/accuracy_low``, ``test/accuracy_high`` and so on; an
    interval that is unknown is also written out, as ``test/accuracy_interval``.
    """
    split = summary["split"]
    ends = {"value": "", "low": "_low", "high": "_high"}
    figures = {f"{split}/{name}{suffix}": summary[name][end] for name in METRICS for end, suffix in ends.items()}
    unknown = {
        f"{split}/{name}_interval": describe_interval(Estimate(**summary[name])) for name in METRICS if summary[name]["low"] is None
    }
    return figures | unknown | {f"{split}/{name}": summary[name] for name in ("images", "groups")}
