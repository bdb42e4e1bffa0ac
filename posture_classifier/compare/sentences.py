"""What a comparison says, in sentences."""

from posture_classifier.compare.comparison import Comparison
from posture_classifier.compare.verdict import LEVEL
from posture_classifier.metrics.paired_tests import POWER, ROUNDING_ERROR
from posture_classifier.metrics.scores import METRICS
from posture_classifier.rendering.formatting import describe_estimate, operations
from posture_classifier.utils.text import describe_size, plural

MOST_PAIRS = 5
"""Most entries that get a sentence on what would show whether the best is better."""


def tested_on(comparison: Comparison) -> str:
    """Say how many photos all entries were tested on: ``150 photos of 15 groups``."""
    return describe_size({"images": len(comparison.groups), "groups": comparison.n_groups if comparison.grouped else None})


def standing(comparison: Comparison, index: int) -> str:
    """Name the verdict on an entry: ``best``, ``not told apart`` from it, or ``behind`` it."""
    if index == comparison.verdict.best:
        return "best"
    return "behind" if comparison.verdict.p[index] < LEVEL else "not told apart"


def recommendation(comparison: Comparison) -> str:
    """Say which entry to take, and why, in one sentence."""
    verdict, chosen = comparison.verdict, comparison.chosen
    name, title = comparison.names[chosen], METRICS[verdict.metric].title
    if len(verdict.order) == 1:
        value = describe_estimate(comparison.estimates[chosen][verdict.metric])
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
    """Say for entries not significantly worse than the best how much more to test."""
    verdict, unit = comparison.verdict, comparison.unit
    if verdict.too_few_groups:
        n_entries = len(verdict.order)
        return [f"{comparison.n_groups} {unit} cannot tell {n_entries} entries apart, whatever their values; test on more {unit}."]
    pairs = [index for index in verdict.tied if index != verdict.best]
    sentences = [_what_would_settle_pair(comparison, index) for index in pairs[:MOST_PAIRS]]
    if len(pairs) > MOST_PAIRS:
        hidden = plural(len(pairs) - MOST_PAIRS, "more pair is", "more pairs are")
        sentences.append(f"{hidden} in the table of tests.")
    return sentences


def _what_would_settle_pair(comparison: Comparison, index: int) -> str:
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
    """Say what the verdict rests on, and what it does not cover."""
    verdict, unit = comparison.verdict, comparison.unit
    test = (
        "McNemar's exact test on single photos, which are taken to be independent of each other"
        if verdict.test == "mcnemar"
        else f"a paired bootstrap over {unit}, with the same resamples for all entries"
    )
    seeds = (
        "The value of several seeds is their mean. Its interval is not about training anew, but the tests between entries are: the "
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
