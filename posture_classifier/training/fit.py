"""``fit``, ``validate`` and ``test``: a LightningCLI with a folder and a report for every run."""

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Any

from jsonargparse import Namespace
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Trainer
from lightning.pytorch.cli import ArgsType, LightningArgumentParser
from lightning.pytorch.plugins.precision import Precision as PrecisionPlugin
from lightning.pytorch.utilities import rank_zero_only, rank_zero_warn

from posture_classifier.callbacks.frozen_cache import FrozenCache
from posture_classifier.callbacks.of_trainer import callbacks_of
from posture_classifier.callbacks.save_config import RESTORED, SaveConfig
from posture_classifier.callbacks.wandb_report import WandbReport
from posture_classifier.data.fixes import check_unchanged
from posture_classifier.data.module import PostureData
from posture_classifier.models.checkpoint import read_seen
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.precision import MIXED_PRECISION
from posture_classifier.models.restore import check_weights
from posture_classifier.runs.folder import RunFolder, last_checkpoint, run_of
from posture_classifier.runs.names import LAST_CHECKPOINT, SPLIT_CSV
from posture_classifier.training.best_checkpoint import BestNetwork, store_evaluation_of_run
from posture_classifier.training.checkpoint_io import RunCheckpointIO
from posture_classifier.training.fit_options import TRAINER_DEFAULTS, FitOptions, Parser, experiment_folder, name_leading_words
from posture_classifier.training.foreign_loggers import check_loggers, log_configuration
from posture_classifier.training.launcher import own_the_ranks
from posture_classifier.training.messages import announce, describe, quiet
from posture_classifier.training.network_costs import training_costs
from posture_classifier.training.next_command import crossval_command, grouped_command
from posture_classifier.training.plugins import RunCheckpoint, TimmSyncBatchNorm, as_list, run_callbacks
from posture_classifier.training.recommended import SENTENCE, chooses_nothing, is_recommended, recommended
from posture_classifier.training.resumed_run import refuse_to_resume_unasked
from posture_classifier.training.resumed_state import check_state
from posture_classifier.training.slurm import Requeue, interrupted_checkpoint, remember_job
from posture_classifier.training.trained_checkpoint import TrainedCheckpoint
from posture_classifier.training.trainer_options import options_that_fit
from posture_classifier.utils.console import say, say_command
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.stop import Cause
from posture_classifier.utils.stopping import at_stop
from posture_classifier.utils.text import first_line


class PostureCLI(FitOptions):
    """Parses a command line, builds data, model and trainer, trains, and evaluates the result."""

    checkpoint: TrainedCheckpoint | None = None
    run_folder: RunFolder | None = None
    _recommended = False
    _requeue: Requeue | None = None
    datamodule: PostureData
    model: PostureClassifier

    def __init__(self, arguments: list[str]) -> None:
        quiet()
        self._command, self._arguments = arguments[0], arguments
        with at_stop(self._save_and_advise), options_that_fit(), ExitStack() as ending:
            ending.callback(self._release_run)
            super().__init__(
                PostureClassifier,
                PostureData,
                args=arguments,
                parser_class=Parser,
                save_config_callback=SaveConfig,
                save_config_kwargs={"save_to_log_dir": False},
                trainer_defaults=TRAINER_DEFAULTS,
                auto_configure_optimizers=False,
                load_from_checkpoint_support=False,
            )

    def _release_run(self) -> None:
        if self.run_folder:
            self.run_folder.release()

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse, and take the settings of the model from the checkpoint, if one is given."""
        super().parse_arguments(parser, args)
        command = self.config.subcommand
        _, *options = name_leading_words(self._arguments)
        if command == "fit" and chooses_nothing(options) and self._is_recommended():
            self._recommended = True
            super().parse_arguments(parser, [command, *recommended(options)])
        settings = self.config[command]
        for name in RESTORED:
            if settings.model[name] is not None:
                raise UserError(f"model.{name} is what a checkpoint restores; leave it out")
        if path := self._checkpoint_to_read(settings):
            self.checkpoint = TrainedCheckpoint.read(path)
            self.config = parser.parse_object({command: self._restored(self.checkpoint, settings)}, self.config)
        elif command != "fit":
            raise UserError(f"{command} needs --ckpt_path, a .ckpt of a run or last")

    def _is_recommended(self) -> bool:
        """Whether a training that chooses nothing is new, or one of the recommended recipe."""
        path = self._checkpoint_to_read(self.config.fit)
        return path is None or is_recommended(TrainedCheckpoint.read(path).model)

    def _checkpoint_to_read(self, settings: Namespace) -> Path | None:
        """The checkpoint that was asked for, or that a job of SLURM wrote before it began again."""
        if settings.ckpt_path == "last":
            return last_checkpoint(self._experiment())
        if settings.ckpt_path is None and self._command == "fit":
            return interrupted_checkpoint(self._experiment(), self._arguments)
        return None if settings.ckpt_path is None else Path(settings.ckpt_path)

    def _restored(self, checkpoint: TrainedCheckpoint, settings: Namespace) -> dict[str, Any]:
        """The settings that a checkpoint replaces."""
        data: dict[str, Any] = {"split": settings.data.split or checkpoint.split_file(Path(settings.data.root))}
        if self._command != "fit" and data["split"] and not settings.data.split and checkpoint.trained_on_all:
            raise UserError(
                f"checkpoint {checkpoint.path} was trained on all photos below {settings.data.root}, so none is left for "
                f"{self._command}; give photos of other people as --data.root"
            )
        if self._command == "fit":
            if changed := checkpoint.settings_not_used(settings.model):
                rank_zero_warn(f"a resumed run keeps the model settings of its checkpoint; not used: {', '.join(changed)}")
            if data["split"] is None and settings.ckpt_path == "last":
                raise UserError(
                    f"{checkpoint.path} was trained on other photos than those below {settings.data.root}; to resume from it with "
                    "these, give its path as --ckpt_path, or another --experiment for a new training"
                )
        if data["split"] != settings.data.split:
            data |= {"folds": None, "fold": None, "holdout_groups": None}  # they are in the run's split already
        # Lightning would read the checkpoint's settings once more.
        return {"model": checkpoint.model, "data": data, "ckpt_path": None}

    def _experiment(self) -> Path:
        return experiment_folder(self.config[self.config.subcommand])

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Add the run folder, its checkpoints and its reports to what the user configured."""
        settings = self.config_init[self.subcommand]
        trainer = settings.trainer
        # logger: true stands for Lightning's own choice of a logger, and ours is in its place.
        loggers = [logger for logger in as_list(trainer.logger) if not isinstance(logger, bool)]
        check_loggers(loggers, as_list(trainer.callbacks))
        layer_sync = [TimmSyncBatchNorm()] if trainer.sync_batchnorm else []
        self.run_folder = RunFolder(self._experiment(), self._run_to_resume(settings))
        try:
            made: Trainer = super().instantiate_trainer(
                callbacks=run_callbacks(trainer, settings.seed_everything, settings.data.choice.validates),
                logger=[self.run_folder, *loggers],
                plugins=[*as_list(trainer.plugins), RunCheckpointIO(), *layer_sync],
                sync_batchnorm=False,
                **kwargs,
            )
        # Lightning raises these when the machine or the combination of options does not allow it.
        except (MisconfigurationException, ValueError, TypeError, RuntimeError, OverflowError) as error:
            raise UserError(f"trainer: {' '.join(str(error).split())}") from error
        if layer_sync and made.world_size > 1 and made.strategy.root_device.type == "cpu":
            raise UserError("trainer.sync_batchnorm needs GPUs, since torch's SyncBatchNorm does; leave it out")
        self.run_folder.lock()
        own_the_ranks(made)
        self._requeue = Requeue(made)
        return made

    def _run_to_resume(self, settings: Namespace) -> Path | None:
        """The run folder to continue in; None is a new one, which other photos need."""
        same_photos = self.subcommand == "fit" and settings.data.choice.split is not None
        return run_of(self.checkpoint.path) if self.checkpoint and same_photos else None

    def after_instantiate_classes(self) -> None:
        """Pass settings on, and check that the photos fit the checkpoint."""
        settings = self.config_init[self.subcommand]
        self.datamodule.preprocessing = self.model.preprocessing
        own_precision = settings.trainer.precision is not None or type(self.trainer.precision_plugin) is not PrecisionPlugin
        self.model.precision = MIXED_PRECISION.get(self.trainer.precision, "fp32") if own_precision else settings.precision
        self._cache.verbose = settings.verbose
        self._check_start()
        if self.subcommand != "fit":
            self.datamodule.check()
        elif self.datamodule.augmentation is not None:
            self.datamodule.augmentation.check(self.model.preprocessing.image_size)

    def _check_start(self) -> None:
        """Check what the network starts from, a checkpoint or weights, and what that has seen."""
        if self.checkpoint:
            self.checkpoint.check_classes(self.datamodule)
            check_weights(self.checkpoint.path, self.checkpoint.content, self.model)
            check_state(str(self.subcommand), self.checkpoint.path, self.checkpoint.content, self.trainer, self.model)
            if (run := self._run_to_resume(self.config_init[self.subcommand])) and (run / SPLIT_CSV).is_file():
                check_unchanged(self.datamodule.photos, run / SPLIT_CSV)
            self.datamodule.start_from(self.checkpoint.path, self.checkpoint.seen)
            self.checkpoint = replace(self.checkpoint, content={})  # its weights take memory
        elif weights := self.model.hparams["weights"]:
            self.datamodule.start_from(Path(weights), read_seen(weights))

    @property
    def _cache(self) -> FrozenCache:
        return callbacks_of(self.trainer, FrozenCache)[0]

    @property
    def _checkpoint_path(self) -> Path | None:
        return self.checkpoint.path if self.checkpoint else None

    def _save_and_advise(self, cause: Cause) -> str | None:
        """Write the checkpoints that are held in memory, and say how to go on from the last one."""
        if self._requeue is None:  # there is no trainer yet
            return None
        self.trainer.strategy.checkpoint_io.teardown()
        if self._command != "fit":
            return None
        if requeued := self._requeue(cause):
            return requeued
        # Not asked of Trainer.log_dir, which would wait for all ranks.
        folders = [checkpoint.dirpath for checkpoint in callbacks_of(self.trainer, RunCheckpoint) if checkpoint.dirpath]
        written = [path for folder in folders if (path := Path(folder) / LAST_CHECKPOINT).is_file()]
        last = next(iter(written), self._checkpoint_path)
        return f"go on with the same command and --ckpt_path {quote(str(last))}" if last else "no epoch had ended: begin anew"

    def fit(self, **kwargs: Any) -> None:
        """Train, from a checkpoint if one was given."""
        if self.config_init.fit.refit:
            raise UserError("refit is an option of the command line; leave it out of the YAML file, and add --refit true")
        if self.checkpoint is None:
            refuse_to_resume_unasked(self.trainer)
        if self._recommended and self.trainer.is_global_zero:
            say(SENTENCE)
        with self._cache.decoded(self.datamodule):
            own = (self._arguments, self.config_init.fit, self.datamodule.choice)
            describe(self.model, self.datamodule, self.trainer, partial(grouped_command, *own), self.config_init.fit.verbose)
            if len(self.trainer.loggers) > 1:
                log_configuration(self.trainer, callbacks_of(self.trainer, SaveConfig)[0].settings())
            for report in callbacks_of(self.trainer, WandbReport):
                report.costs = training_costs(self.model, self.datamodule)
            if self.trainer.is_global_zero:
                remember_job(Path(self.trainer.loggers[0].log_dir or "."), self._arguments)
            self.trainer.fit(self.model, self.datamodule, ckpt_path=self._checkpoint_path)

    def after_fit(self) -> None:
        """Evaluate the best checkpoint on photos that it has not seen, and write the report."""
        # The best, or else (if it was removed before the run was resumed) the last.
        best = next(filter(None, (checkpoint.best_model_path for checkpoint in callbacks_of(self.trainer, RunCheckpoint))), None)
        evaluates, rules = self.datamodule.has_test or self.datamodule.has_val, None
        if evaluates:
            self.trainer.test(self.model, self.datamodule, ckpt_path=best, verbose=False)
            if best:
                network = BestNetwork(self.model, self.datamodule, self._cache.frozen_part)
                rules = store_evaluation_of_run(self.trainer, Path(best), network)
        self._cache.release()
        crossval = partial(crossval_command, self._arguments, self.config_init.fit, self.datamodule.choice)
        announce(self.trainer, best, crossval, rules or "")
        try:
            if evaluates and self.config_init.fit.report:
                self._write_report()
        finally:
            for report in callbacks_of(self.trainer, WandbReport):  # the report may have written val/predictions.csv
                report.finish()
        if best and self.trainer.is_global_zero:
            folder = quote(self.trainer.loggers[0].log_dir or ".")
            say_command("next, try it with the webcam or other photos", f"python -m posture_classifier app {folder}")

    @rank_zero_only
    def _write_report(self) -> None:
        from posture_classifier.report.page import NAME, write_report

        folder = Path(self.trainer.loggers[0].log_dir or ".")
        try:
            write_report(folder, folder / NAME)
        # The training is done and its results are written, so no fault of the report may fail it.
        except Exception as error:
            command = f"python -m posture_classifier report {quote(str(folder))}"
            rank_zero_warn(f"no {NAME} was written ({first_line(error)}); the run is complete: {command}")
        else:
            say(f"report: {folder / NAME}", whole=True)

    def validate(self, **kwargs: Any) -> None:
        """Evaluate on the validation split."""
        self.trainer.validate(self.model, self.datamodule, ckpt_path=self._checkpoint_path, verbose=False)
        announce(self.trainer, self._checkpoint_path)

    def test(self, **kwargs: Any) -> None:
        """Evaluate on the test split."""
        self.trainer.test(self.model, self.datamodule, ckpt_path=self._checkpoint_path, verbose=False)
        announce(self.trainer, self._checkpoint_path)
