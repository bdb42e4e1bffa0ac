"""``fit``, ``validate`` and ``test``: a LightningCLI that links data and model, and gives every run its folder."""

from inspect import signature
from itertools import chain
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from jsonargparse.typing import restricted_number_type
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback, ProgressBar
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from lightning.pytorch.plugins.precision import Precision as PrecisionPlugin
from lightning.pytorch.utilities import rank_zero_only, rank_zero_warn

from posture_classifier.callbacks.epoch_seed import EpochSeed
from posture_classifier.callbacks.evaluation_report import EvaluationReport
from posture_classifier.callbacks.frozen_cache import FrozenCache
from posture_classifier.callbacks.metrics_csv import MetricsCSV
from posture_classifier.callbacks.progress import Progress
from posture_classifier.callbacks.progressive_unfreezing import ProgressiveUnfreezing
from posture_classifier.callbacks.save_config import RESTORED, SaveConfig
from posture_classifier.data.module import PostureData
from posture_classifier.data.split import is_split_of
from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.precision import MIXED_PRECISION, Precision
from posture_classifier.runs.folder import RunFolder, last_checkpoint, run_of
from posture_classifier.runs.names import BEST_CHECKPOINT, LAST_CHECKPOINT
from posture_classifier.training.checkpoint_io import RunCheckpointIO
from posture_classifier.training.messages import announce, describe, quiet
from posture_classifier.training.plugins import RunCheckpoint, TimmSyncBatchNorm, WriteHeldCheckpoints
from posture_classifier.utils.arguments import OneSentenceErrors
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import first_line, shortlist

LOGS = "lightning_logs"
LINKED = ("class_names", "class_counts")
"""Arguments of the model that the data gives."""
Seed = restricted_number_type("Seed", int, [(">=", 0), ("<", 2**32)], docstring="A seed as NumPy takes it.")
NO_COMMANDS = ("spawn", "fork", "notebook")
"""Parts of the names of strategies that start their processes from within a Python program, rather than from a command line."""


class Parser(OneSentenceErrors, LightningArgumentParser):
    """Lightning's parser with our errors."""


class PostureCLI(LightningCLI):
    """Parses, links, trains, and evaluates the best checkpoint at the end.

    Args:
        arguments: The command line, subcommand first.
    """

    checkpoint: Path | None = None
    datamodule: PostureData
    model: PostureClassifier

    def __init__(self, arguments: list[str]) -> None:
        quiet()
        self._command = arguments[0]
        super().__init__(
            PostureClassifier,
            PostureData,
            args=arguments,
            parser_class=Parser,
            save_config_callback=SaveConfig,
            save_config_kwargs={"save_to_log_dir": False},
            # Photos were all decoded once before this, so a sanity check would find nothing.
            trainer_defaults={"max_epochs": 20, "num_sanity_val_steps": 0, "log_every_n_steps": 1, "enable_model_summary": False},
            auto_configure_optimizers=False,
            load_from_checkpoint_support=False,
        )

    def subcommands(self) -> dict[str, set[str]]:  # type: ignore[override]
        """The one that is wanted: building the parsers of the others takes as long again for each."""
        return {self._command: LightningCLI.subcommands()[self._command] | {"weights_only"}}

    def add_default_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """The seed has a default, so that a run can be repeated without a word."""
        parser.add_argument(
            "--seed_everything", type=Seed, default=0, help="Seed of the split, the new head, the order and the augmentation."
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """What links data and model, and what names a run."""
        parser.add_argument(
            "--experiment",
            type=str | None,
            default=None,
            help="Runs go to lightning_logs/<experiment>/; by default the data folder's name.",
        )
        parser.add_argument(
            "--precision",
            type=Precision,
            default="auto",
            help="auto computes in bfloat16 where the hardware has it, fp32 nowhere; a trainer.precision of yours replaces it.",
        )
        parser.add_argument("--report", type=bool, default=True, help="Whether fit writes report.html at its end.")
        parser.add_lightning_class_args(ProgressiveUnfreezing, "unfreezing")
        parser.add_lightning_class_args(FrozenCache, "cache")
        parser.link_arguments("seed_everything", "data.seed")
        for name in LINKED:
            parser.link_arguments(f"data.{name}", f"model.{name}", apply_on="instantiate")

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Read the checkpoint before anything is built: its settings are the model's, whatever is configured."""
        super().parse_arguments(parser, args)
        command = self.config.subcommand
        settings = self.config[command]
        if given := [name for name in RESTORED if settings.model[name] is not None]:
            raise UserError(f"model.{given[0]} is what a checkpoint restores; leave it out")
        if settings.ckpt_path is None:
            if command != "fit":
                raise UserError(f"{command} needs --ckpt_path, a .ckpt of a run or last")
            return
        self.checkpoint = last_checkpoint(self._experiment()) if settings.ckpt_path == "last" else Path(settings.ckpt_path)
        checkpoint = read_checkpoint(self.checkpoint)
        # A setting that the version which trained it did not know had what is now its default.
        defaults = {name: each.default for name, each in signature(PostureClassifier).parameters.items()}
        trained = defaults | checkpoint["hyper_parameters"]
        self._trained_classes = list(trained["class_names"])
        self._seen = checkpoint.get(PostureData.__qualname__, {})
        model = {key: value for key, value in trained.items() if key not in LINKED}
        changed = [key for key in model if key not in RESTORED and settings.model[key] != model[key]]
        if command == "fit" and changed:
            rank_zero_warn(f"a resumed run keeps the model settings of its checkpoint; not used: {', '.join(changed)}")
        split = settings.data.split or self._trained_split(self.checkpoint, Path(settings.data.root))
        if command == "fit" and split is None and settings.ckpt_path == "last":
            raise UserError(
                f"{self.checkpoint} was trained on other photos than those below {settings.data.root}; to go on from it with "
                "these, give its path as --ckpt_path, or another --experiment to start anew"
            )
        data: dict[str, Any] = {"split": split}
        if split != settings.data.split:
            data |= {"folds": None, "fold": None, "holdout_groups": None}  # the run's split is of them already
        self.config = parser.parse_object({command: {"model": model, "data": data, "ckpt_path": None}}, self.config)

    def _trained_split(self, checkpoint: Path, root: Path) -> str | None:
        """The split of the checkpoint's run, if it is known and of these photos: another would test on trained ones."""
        run = run_of(checkpoint)
        split = run / "split.csv" if run else None
        known = set(chain.from_iterable(column.tolist() for column in self._seen.values()))
        return str(split) if split and split.is_file() and is_split_of(split, root, known) else None

    def _experiment(self) -> Path:
        return experiment_folder(self.config[self.config.subcommand])

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Add the run folder, its checkpoints and its reports to what the user configured."""
        settings = self.config_init[self.subcommand]
        trainer, seed = settings.trainer, settings.seed_everything
        own_callbacks = [EpochSeed(seed), MetricsCSV(), EvaluationReport(seed)]
        callbacks: list[Callback] = [WriteHeldCheckpoints(), *(trainer.callbacks or []), *own_callbacks]
        if trainer.enable_progress_bar is not False and not any(isinstance(c, ProgressBar) for c in callbacks):
            callbacks.append(Progress())
        if trainer.enable_checkpointing is not False:
            # Two, because save_last=True skips the epochs that bring no new best; the last one holds the state of the best.
            for name, monitor in ((BEST_CHECKPOINT, "val/loss"), (LAST_CHECKPOINT, None)):
                callbacks.append(
                    RunCheckpoint(
                        filename=Path(name).stem, monitor=monitor, save_on_train_epoch_end=True, enable_version_counter=False
                    )
                )
        # logger: true is Lightning's own choice, in whose place ours is.
        loggers = [logger for logger in _as_list(trainer.logger) if not isinstance(logger, bool)]
        # Of other photos the old run's split.csv and metrics would no longer be true.
        same_photos = self.subcommand == "fit" and settings.data.split is not None
        resume = run_of(self.checkpoint) if self.checkpoint and same_photos else None
        if any(part in str(trainer.strategy) for part in NO_COMMANDS):
            raise UserError(f"trainer.strategy {trainer.strategy} starts processes that cannot report back; use ddp")
        own = [RunCheckpointIO(), *([TimmSyncBatchNorm()] if trainer.sync_batchnorm else [])]
        try:
            return super().instantiate_trainer(
                callbacks=callbacks,
                logger=[RunFolder(self._experiment(), resume), *loggers],
                plugins=[*_as_list(trainer.plugins), *own],
                sync_batchnorm=False,
                **kwargs,
            )
        # Lightning says so in any of these when the machine or the combination of options does not allow it.
        except (MisconfigurationException, ValueError, TypeError, RuntimeError) as error:
            raise UserError(f"trainer: {' '.join(str(error).split())}") from error

    def after_instantiate_classes(self) -> None:
        """Show the data what the network wants to see, and refuse a checkpoint of other classes."""
        self.datamodule.preprocessing = self.model.preprocessing
        settings = self.config_init[self.subcommand]
        own = settings.trainer.precision is not None or type(self.trainer.precision_plugin) is not PrecisionPlugin
        self.model.precision = MIXED_PRECISION.get(self.trainer.precision, "fp32") if own else settings.precision
        if self.checkpoint and self._trained_classes != self.datamodule.class_names:
            raise UserError(
                f"checkpoint {self.checkpoint} tells {shortlist(self._trained_classes)} apart, but {self.datamodule.root} has "
                f"{shortlist(self.datamodule.class_names)}; give the folder that it was trained on"
            )
        if self.checkpoint and self._seen:
            self._refuse_seen_photos()
        if self.subcommand != "fit":
            self.datamodule.check()

    @property
    def _cache(self) -> FrozenCache:
        return next(c for c in self.trainer.callbacks if isinstance(c, FrozenCache))  # type: ignore[attr-defined]

    def _refuse_seen_photos(self) -> None:
        """Photos that the checkpoint learnt from say nothing about new ones, whatever they are called now."""
        for split in ("val", "test"):
            if seen := self.datamodule.seen_before(split, self._seen):
                message = (
                    f"{seen} of the {len(self.datamodule.photos.of(split))} {split} photos below {self.datamodule.root} are photos "
                    f"that {self.checkpoint} learnt from or was chosen by"
                )
                if self.datamodule.split is None:
                    raise UserError(f"{message}, so its figures would flatter; give the split.csv of its run as --data.split")
                rank_zero_warn(f"{message}: copies of one photo on two sides of the split")

    def fit(self, **kwargs: Any) -> None:
        """Train, going on from a checkpoint if one was given."""
        with self._cache.decoded(self.datamodule):
            describe(self.model, self.datamodule, self.trainer)
            self.trainer.fit(self.model, self.datamodule, ckpt_path=self.checkpoint)

    def after_fit(self) -> None:
        """Evaluate the best checkpoint on photos that neither training nor the choice of the epoch saw."""
        own = [c for c in self.trainer.checkpoint_callbacks if isinstance(c, RunCheckpoint) and c.monitor]
        best = own[0].best_model_path if own else None
        self.trainer.test(self.model, self.datamodule, ckpt_path=best or None, verbose=False)
        self._cache.release()
        announce(self.trainer, best)
        if self.config_init.fit.report:
            self._write_report()

    @rank_zero_only
    def _write_report(self) -> None:
        from posture_classifier.report.page import NAME, write_report

        folder = Path(self.trainer.loggers[0].log_dir or ".")
        try:
            write_report(folder, folder / NAME)
        # Whatever goes wrong in a drawing: the training is done, and its figures are written.
        except Exception as error:
            rank_zero_warn(
                f"no {NAME} was written ({first_line(error)}); the run is complete: python -m posture_classifier report {folder}"
            )
        else:
            say(f"report: {folder / NAME}")

    def validate(self, **kwargs: Any) -> None:
        """Evaluate on the validation split."""
        self.trainer.validate(self.model, self.datamodule, ckpt_path=self.checkpoint, verbose=False)
        announce(self.trainer, self.checkpoint)

    def test(self, **kwargs: Any) -> None:
        """Evaluate on the test split."""
        self.trainer.test(self.model, self.datamodule, ckpt_path=self.checkpoint, verbose=False)
        announce(self.trainer, self.checkpoint)


def experiment_name(settings: Namespace) -> str:
    """What a run belongs to: by default, the photos."""
    return settings.experiment or Path(settings.data.root).resolve().name


def experiment_folder(settings: Namespace) -> Path:
    """Where the runs of these settings go."""
    return Path(settings.trainer.default_root_dir or ".") / LOGS / experiment_name(settings)


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
