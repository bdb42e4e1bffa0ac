"""Which values of an option of ``fit`` a search may try."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from posture_classifier.utils.arguments import as_word
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

FIXED = ("experiment", "seed_everything", "ckpt_path", "report", "refit", "verbose", "engine", "search", "cache")
"""Options, or sections of them, that all networks have in common or that change none of them."""
VARIED_DATA = ("data.augmentation", "data.batch_size")
FIXED_TRAINER = ("accelerator", "default_root_dir", "devices", "logger", "num_nodes", "strategy")


@dataclass(frozen=True)
class Range:
    """Values of one option: numbers from ``low`` to ``high``, or one of ``choices``.

    Args:
        low: The smallest value.
        high: The largest one. Both whole numbers propose whole numbers.
        log: Whether it is the logarithm that is spread evenly, as for learning rates.
        step: Distance of two values, from ``low`` on.
        choices: The values themselves, of any type that the option takes.

    Example:
        >>> Range(low=1e-4, high=1e-2, log=True).samples()
        ['0.0001', '0.01']
        >>> Range(choices=[{0: 3}, {1: "all"}]).samples()
        ['{0: 3}', '{1: all}']
    """

    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    step: int | float | None = None
    choices: list[Any] | None = None

    def fault(self) -> str | None:
        """What is wrong with it, in words."""
        if self.choices is not None:
            return "choices stand alone, and there is at least one" if self._numbers() or not self.choices else None
        if self.low is None or self.high is None:
            return "either low and high or choices are needed"
        if not self.low < self.high:
            return "low must be below high"
        if self.log and (self.low <= 0 or self.step is not None):
            return "log needs a low above 0, and no step"
        return "step must be above 0" if self.step is not None and self.step <= 0 else None

    def _numbers(self) -> bool:
        return self.log or any(value is not None for value in (self.low, self.high, self.step))

    def samples(self) -> list[str]:
        """Values that must be possible, as words of a command line: the ends, or all choices."""
        return [as_word(value) for value in ([self.low, self.high] if self.choices is None else self.choices)]

    def propose(self, trial: "BaseTrial", name: str) -> str:
        """Ask a trial for a value; returns it as a word of a command line."""
        if self.choices is not None:
            return trial.suggest_categorical(name, self.samples())
        low, high = self.low, self.high
        if isinstance(low, int) and isinstance(high, int) and not isinstance(self.step, float):
            return as_word(trial.suggest_int(name, low, high, step=self.step or 1, log=self.log))
        assert low is not None  # as fault() has seen
        assert high is not None
        return as_word(trial.suggest_float(name, low, high, step=self.step, log=self.log))


def check_space(space: dict[str, Range]) -> None:
    """Check what can be said without the options' own types.

    Raises:
        UserError: There is no range, one is impossible, or one is of an option that all networks
            have in common.
    """
    if not space:
        raise UserError("search.space must name at least one option of fit with its low and high, or its choices")
    for name, values in space.items():
        if fault := values.fault():
            raise UserError(f"search.space: {name}: {fault}")
    if common := [name for name in space if _is_fixed(name)]:
        raise UserError(f"search.space: {shortlist(common)} cannot vary, since all trainings have it in common; leave it out there")


def _is_fixed(name: str) -> bool:
    section, _, option = name.partition(".")
    if section == "data":
        return name not in VARIED_DATA
    return section in FIXED or (section == "trainer" and option in FIXED_TRAINER)


def words(values: dict[str, str]) -> list[str]:
    """Values as options of ``fit``.

    Example:
        >>> words({"model.backbone": "resnet18"})
        ['--model.backbone', 'resnet18']
    """
    return [word for name, value in values.items() for word in (f"--{name}", value)]


def describe(values: dict[str, str]) -> str:
    """Values as people read them.

    Example:
        >>> describe({"model.learning_rate": "0.0012520653814999472", "model.backbone": "resnet18"})
        'model.learning_rate 0.001252, model.backbone resnet18'
    """
    return ", ".join(f"{name} {_rounded(word)}" for name, word in values.items())


def _rounded(word: str) -> str:
    try:
        return word if word.isdigit() else f"{float(word):.4g}"
    except ValueError:
        return word


def corners(space: dict[str, Range]) -> list[dict[str, str]]:
    """Values that together show each end of each range and each choice.

    Example:
        >>> corners({"a": Range(choices=["x", "y", "z"]), "b": Range(low=0, high=9)})
        [{'a': 'x', 'b': '0'}, {'a': 'y', 'b': '9'}, {'a': 'z', 'b': '9'}]
    """
    samples = {name: values.samples() for name, values in space.items()}
    count = max(map(len, samples.values()))
    return [{name: words[min(n, len(words) - 1)] for name, words in samples.items()} for n in range(count)]
