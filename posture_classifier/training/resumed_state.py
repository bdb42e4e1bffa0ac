"""What a checkpoint holds beside the network, checked before Lightning restores it."""

from pathlib import Path
from typing import Annotated, Any, NotRequired

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.callbacks.early_stopping import EarlyStoppingReason
from pydantic import AfterValidator, Field, InstanceOf
from torch import Tensor, int64, strided
from torch.optim import Optimizer
from typing_extensions import TypedDict  # pydantic reads Python's own from 3.12 on

from posture_classifier.models.checkpoint import MOST_STEPS, Count, damaged
from posture_classifier.models.restore import difference
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import plural, printable
from posture_classifier.utils.validation import mismatch

PARTS = ("epoch", "global_step", "loops", "callbacks", "optimizer_states", "lr_schedulers")
"""Parts of a checkpoint that a training needs to go on, and an evaluation does not."""
VERSION = "pytorch-lightning_version"


def _single(value: Tensor) -> Tensor:
    if value.shape or value.is_meta or value.layout != strided or not (value.is_floating_point() or value.dtype == int64):
        raise ValueError("should be a single number")
    return value


Number = Annotated[InstanceOf[Tensor], AfterValidator(_single)]


class _EarlyStoppingState(TypedDict):
    wait_count: Count
    stopped_epoch: Count
    best_score: Number
    patience: Count
    stopping_reason: NotRequired[Annotated[int, AfterValidator(EarlyStoppingReason)]]
    stopping_reason_message: NotRequired[str | None]


class _ModelCheckpointState(TypedDict, total=False):
    monitor: str | None
    best_model_score: Number | None
    best_model_path: str
    current_score: Number | None
    dirpath: str | None
    best_k_models: dict[str, Number]
    kth_best_model_path: str
    kth_value: Number
    last_model_path: str


class _OptimizerState(TypedDict):
    state: dict[Annotated[int, Field(ge=0)], dict[str, InstanceOf[Tensor] | None]]
    param_groups: list[dict[str, Any]]


CALLBACKS: dict[type[Callback], Any] = {EarlyStopping: _EarlyStoppingState, ModelCheckpoint: _ModelCheckpointState}
"""States of Lightning's callbacks, ours among them, which do not look at what they are given."""


def check_state(command: str, path: Path, checkpoint: dict[str, Any], trainer: Trainer, model: LightningModule) -> None:
    """Check the loops, callbacks and optimizer of a checkpoint against those of a new trainer.

    Raises:
        UserError: A part is missing or is not what this program writes, or more epochs than
            ``max_epochs`` were trained already.
    """
    resumes = command == "fit"
    for part in (VERSION, *PARTS) if resumes else (VERSION,):
        if part not in checkpoint:
            raise damaged(path, f"it has no {part}")
    reason = _callbacks_reason(trainer, checkpoint.get("callbacks", {}))
    if "loops" in checkpoint:
        loop = f"{command}_loop"
        reason = reason or _difference_of_plain("loops", checkpoint["loops"].get(loop), getattr(trainer, loop).state_dict())
    if resumes:
        reason = reason or _optimizer_reason(model.configure_optimizers(), checkpoint["optimizer_states"])
    if reason:
        raise damaged(path, printable(reason))
    if resumes:
        _check_epochs(path, checkpoint, trainer)


def _check_epochs(path: Path, checkpoint: dict[str, Any], trainer: Trainer) -> None:
    # Not "completed": a checkpoint is written before its epoch counts as that.
    trained = checkpoint["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"]
    if trainer.max_epochs is not None and -1 < trainer.max_epochs < trained:
        raise UserError(f"{path} has trained more than trainer.max_epochs {trainer.max_epochs} epochs; give more, to go on from it")


def _callbacks_reason(trainer: Trainer, states: dict[str, Any]) -> str | None:
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        state = states.get(callback.state_key)
        for kind, expected in CALLBACKS.items():
            if state is not None and isinstance(callback, kind) and (reason := mismatch(state, expected)):
                return f"callbacks.{kind.__name__}.{reason}"
    return None


def _optimizer_reason(optimizer: Any, states: list[dict[str, Any]]) -> str | None:
    assert isinstance(optimizer, Optimizer)
    if len(states) != 1:
        return "optimizer_states is not the state of one optimizer"
    (state,) = states
    if reason := mismatch(state, _OptimizerState):
        return f"optimizer_states.{reason}"
    expected_groups = optimizer.state_dict()["param_groups"]
    # torch sets the flags that an older version did not have.
    flags = {name: value for name, value in expected_groups[0].items() if value is None or isinstance(value, bool)}
    if reason := _difference_of_plain("param_groups", [flags | group for group in state["param_groups"]], expected_groups):
        return f"optimizer_states.{reason}"
    parameters = [parameter.detach() for group in optimizer.param_groups for parameter in group["params"]]
    momenta = {"momentum_buffer"} if "momentum" in optimizer.defaults else {"step", "exp_avg", "exp_avg_sq"}
    for number, values in state["state"].items():
        place = f"optimizer_states.state.{number}"
        if number >= len(parameters) or values.keys() != momenta:
            return f"{place} is not the state of a parameter"
        for name, value in values.items():
            expected = parameters[number].sum() if name == "step" else parameters[number]
            # SGD has no momentum before a parameter's first step.
            reason = difference(value, expected) if value is not None else None if "momentum" in name else "is missing"
            if reason:
                return f"{place}.{name} {reason}"
    return None


def _difference_of_plain(place: str, found: Any, expected: Any) -> str | None:
    """Say where plain values have other keys, lengths or types than expected, or odd numbers."""
    if isinstance(expected, dict):
        if not isinstance(found, dict) or found.keys() != expected.keys():
            return f"{place} should have the keys {', '.join(expected)}"
        pairs = {key: (found[key], expected[key]) for key in found}
    elif isinstance(expected, (list, tuple)):
        if not isinstance(found, (list, tuple)) or len(found) != len(expected):
            return f"{place} should have {plural(len(expected), 'value')}"
        pairs = dict(enumerate(zip(found, expected, strict=True)))
    elif expected is None or isinstance(expected, bool):
        return _mismatch_at(place, found, bool | None)
    else:
        return _mismatch_at(place, found, Annotated[type(expected), Field(ge=0, le=MOST_STEPS, allow_inf_nan=False)])
    return next((text for key, pair in pairs.items() if (text := _difference_of_plain(f"{place}.{key}", *pair))), None)


def _mismatch_at(place: str, found: Any, expected: Any) -> str | None:
    reason = mismatch(found, expected)
    return reason and f"{place}: {reason}"
