"""What a comparison says, in sentences and cells."""

from posture_classifier.compare.comparison import Comparison
from posture_classifier.compare.verdict import LEVEL
from posture_classifier.metrics.intervals import Estimate
from posture_classifier.metrics.paired_tests import POWER, ROUNDING_ERROR
from posture_classifier.metrics.scores import METRICS

SHOWN = 5
"""Entries for which it is said in words what would tell them from the best."""


def number(value: float | None, unit: float = 1) -> str:
    """Three digits, or nothing."""
    if value is None:
        return ""
    value /= unit
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def decimals(value: float | None) -> str:
    """Of a metric: ``0.867``; a dash where it is not defined."""
    return "-" if value is None else f"{value:.3f}"


def operations(value: float) -> str:
    """``70.5 M``, ``4.1 G``."""
    return f"{value / 1e9:.3g} G" if value >= 1e9 else f"{value / 1e6:.3g} M"


def measured(figure: Estimate) -> str:
    """``0.867 (0.774 to 0.933)``."""
    return decimals(figure.value) + (f" ({span(figure)})" if figure.low is not None else "")


def span(figure: Estimate) -> str:
    """``0.774 to 0.933``."""
    return "" if figure.low is None or figure.high is None else f"{figure.low:.3f} to {figure.high:.3f}"


def tested_on(comparison: Comparison) -> str:
    """``150 photos of 15 groups``."""
    return f"{len(comparison.groups)} photos" + (f" of {comparison.n_groups} groups" if comparison.grouped else "")


def standing(comparison: Comparison, index: int) -> str:
    """What the verdict says of an entry: ``best``, ``not told apart`` from it, or ``behind`` it."""
    verdict = comparison.verdict
    if index == verdict.best:
        return "best"
    return f"{'behind' if verdict.p[index] < LEVEL else 'not told apart'} (p {p_value(verdict.p[index])})"


def p_value(value: float) -> str:
    """``0.03``, ``< 0.001``."""
    return "< 0.001" if value < 0.001 else f"{value:.2g}"


def recommendation(comparison: Comparison) -> str:
    """Which entry to take, and why, in one sentence."""
    verdict, chosen = comparison.verdict, comparison.chosen
    name, title = comparison.names[chosen], METRICS[verdict.metric].title
    if len(verdict.order) == 1:
        value = measured(comparison.estimates[chosen][verdict.metric])
        return f"{name} is alone, so there is nothing to compare it with; its {title} is {value}."
    if len(verdict.tied) == 1:
        others = f"each of the {len(verdict.order) - 1} others" if len(verdict.order) > 2 else "the other"
        return f"Take {name}: by {title} it is better than {others}, by more than chance."
    cost = comparison.costs[chosen].multiply_adds
    adds = f" ({operations(cost)} multiply-adds)" if cost is not None else ""
    equal = len({comparison.costs[index].multiply_adds for index in verdict.tied}) == 1
    cheapest = "as cheap as any" if equal else "the cheapest"
    tied = f"the {len(verdict.tied)} that cannot be told apart by {title}"
    best = "and has the best value" if chosen == verdict.best else f"of which {comparison.names[verdict.best]} has the best value"
    return f"Take {name}: it is {cheapest}{adds} of {tied}, {best}."


def what_would_settle_it(comparison: Comparison) -> list[str]:
    """For each entry that cannot be told from the best, how much more would have to be tested."""
    verdict, unit = comparison.verdict, comparison.unit
    if verdict.too_few_groups:
        n_entries = len(verdict.order)
        return [f"{comparison.n_groups} {unit} cannot tell {n_entries} entries apart, whatever their figures; test on more {unit}."]
    pairs = [index for index in verdict.tied if index != verdict.best]
    more = [f"{len(pairs) - SHOWN} more pairs are in the table of tests."] if len(pairs) > SHOWN else []
    return [_settled(comparison, index) for index in pairs[:SHOWN]] + more


def _settled(comparison: Comparison, index: int) -> str:
    verdict, unit, further = comparison.verdict, comparison.unit, comparison.verdict.additional_groups[index]
    pair = f"{comparison.names[verdict.best]} and {comparison.names[index]}"
    difference = abs(verdict.differences.values[verdict.best, index])
    if further is None:
        why = (
            "their values are equal"
            if difference < ROUNDING_ERROR
            else "the spread of their seeds may explain it; train more seeds"
        )
        return f"{pair}: no number of {unit} would tell them apart, since {why}."
    photos = f" (some {further * len(comparison.groups) // comparison.n_groups:,} photos)" if comparison.grouped else ""
    return f"{pair}: about {further:,} more {unit}{photos}, if they truly differ by the {difference:.3f} measured."


def how_tested(comparison: Comparison) -> list[str]:
    """What the verdict rests on, and what it does not cover."""
    verdict, unit = comparison.verdict, comparison.unit
    test = (
        "McNemar's exact test on single photos, which are taken to be independent of each other"
        if verdict.test == "mcnemar"
        else f"a paired bootstrap over {unit}, with the same draws for all entries"
    )
    seeds = (
        "A figure of several seeds is their mean. Its interval is not about training anew, but the tests between entries are: the "
        "spread of the seeds is part of their error."
        if any(len(networks) > 1 for networks in comparison.predictions)
        else "Nothing here is about training anew with another seed, which may change as much; train several."
    )
    lines = [
        f"What decides is {METRICS[verdict.metric].title}, by {test}. P-values "
        "are Holm's over all pairs of entries, because the best is found on the same photos that it is tested on: that any of "
        f"{len(verdict.order)} equal entries is called worse has a chance of at most {100 * LEVEL:.0f} %.",
        "Not told apart does not mean equal: these photos do not show which is better. How much more would settle it is for a "
        f"chance of {100 * POWER:.0f} % to find the difference.",
        f"Intervals hold 95 % and are about other {unit} of the same kind. {seeds}",
    ]
    if len(verdict.order) == 1:
        del lines[:2]  # nothing was decided
    if any(entry.is_crossvalidation for entry in comparison.configurations):
        lines.append(
            "The folds of a cross-validation share most of their training photos, of which intervals and tests know nothing "
            "(Bengio and Grandvalet 2004)."
        )
    return lines
