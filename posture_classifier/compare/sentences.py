"""What a comparison says, in sentences."""

import numpy as np

from posture_classifier.compare.comparison import Comparison
from posture_classifier.compare.verdict import LEVEL
from posture_classifier.metrics.paired_tests import POWER, ROUNDING_ERROR
from posture_classifier.metrics.scores import METRICS
from posture_classifier.rendering.formatting import describe_estimate, operations
from posture_classifier.runs.status import find_status, limits_of_photos
from posture_classifier.utils.text import describe_size, plural, shortlist

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
    """Say which entry to take, and why, or that none is shown to be good enough."""
    verdict, chosen, title = comparison.verdict, comparison.chosen, METRICS[comparison.verdict.metric].title
    best, value = comparison.names[verdict.best], describe_estimate(comparison.estimates[verdict.best][verdict.metric])
    if len(verdict.order) == 1:
        return f"{best} is alone, so there is nothing to compare it with; its {title} is {value}."
    if chosen is None:
        level = [comparison.names[index] for index in verdict.level]
        ahead = (
            f"{best} is ahead so far"
            if len(level) == 1
            else f"{' and '.join(level[:2]) if len(level) == 2 else shortlist(level)} are level so far"
        )
        return f"Nothing is recommended on this evidence. {ahead}, with {title} {value}, but {_not_shown(comparison)}."
    name, good = comparison.names[chosen], verdict.good_enough.indices
    if chosen == verdict.best and len(verdict.tied) == 1:
        others = f"each of the {len(verdict.order) - 1} others" if len(verdict.order) > 2 else "the other"
        return f"Take {name}: by {title} it is better than {others}, by more than chance."
    shown = f"shown to be at most {verdict.good_enough.margin:g} worse in {title} than any other"
    if len(good) == 1:
        return f"Take {name}: it is the only one that is {shown}."
    cost = comparison.costs[chosen].multiply_adds
    adds = f" ({operations(cost)} multiply-adds)" if cost is not None else ""
    equal = len({comparison.costs[index].multiply_adds for index in good}) == 1
    cheapest = "as cheap as any" if equal else "the cheapest"
    ahead = "and has the best value" if chosen == verdict.best else f"while {best} has the best value"
    return f"Take {name}: it is {cheapest}{adds} of the {len(good)} that are {shown}, {ahead}."


def limits(comparison: Comparison) -> list[str]:
    """Say what limits how far all the values can be trusted, the gravest first."""
    counted = [run.near_copies for one in comparison.configurations for run in one.runs if run.near_copies]
    most = max(counted, key=lambda found: found.images / found.of, default=None)
    groups = comparison.n_groups if comparison.grouped else None
    if len(comparison.names) == 1:
        alone, accuracy = comparison.predictions[0][0], comparison.estimates[0]["accuracy"]
        return list(find_status(alone, comparison.classes, accuracy, groups, near_copies=most).values())
    found = limits_of_photos(comparison.labels, comparison.classes, groups, near_copies=most)
    if comparison.verdict.too_few_groups:  # which is told with what would settle it
        found.pop("few_groups", None)
    return list(found.values())


def _not_shown(comparison: Comparison) -> str:
    """Say why even the best value's entry is not shown to be good enough."""
    good, tested, name = comparison.verdict.good_enough, tested_on(comparison), comparison.names[comparison.verdict.best]
    counts = np.bincount(comparison.labels, minlength=len(comparison.classes))
    commonest = shortlist([comparison.classes[int(counts.argmax())]])
    if np.count_nonzero(counts) == 1:
        return f"all {tested} are of {commonest}, so always saying it would be right every time"
    if not good.best_above_chance:
        return f"{tested} do not show that anything is better than always saying {commonest} ({good.chance:.3f})"
    others = "the other" if len(comparison.names) == 2 else "any other"
    return f"{tested} do not show that {name} is at most {good.margin:g} worse than {others}"


def what_would_settle_it(comparison: Comparison) -> list[str]:
    """Say for entries not significantly worse than the best how much more to test."""
    verdict, unit = comparison.verdict, comparison.unit
    sentences = _what_would_show_it(comparison) if comparison.chosen is None else []
    if verdict.too_few_groups:
        n_entries = len(verdict.order)
        few = f"{comparison.n_groups} {unit} cannot tell {n_entries} entries apart, whatever their values; test on more {unit}."
        return [*sentences, few]
    pairs = [index for index in verdict.tied if index != verdict.best]
    sentences += [_what_would_settle_pair(comparison, index) for index in pairs[:MOST_PAIRS]]
    if len(pairs) > MOST_PAIRS:
        hidden = plural(len(pairs) - MOST_PAIRS, "more pair is", "more pairs are")
        sentences.append(f"{hidden} in the table of tests.")
    return sentences


def _what_would_show_it(comparison: Comparison) -> list[str]:
    """Say how much more to test until the best value's entry is shown to be good enough."""
    verdict, good, name = comparison.verdict, comparison.verdict.good_enough, comparison.names[comparison.verdict.best]
    if len(verdict.order) == 1:
        return []
    if good.more_groups is not None:
        more = _more(comparison, good.more_groups).capitalize()
        return [f"{more} would show whether {name} is good enough, if the values stay as they are."]
    value = comparison.estimates[verdict.best][verdict.metric].value
    assert value is not None  # a metric that is not defined decides nothing
    better = value > good.chance if METRICS[verdict.metric].higher_is_better else value < good.chance
    if len(set(comparison.labels.tolist())) == 1:
        return ["Test photos of every class would settle it."]
    if not better:
        return [f"{name} is no better than always saying the commonest class, so more {comparison.unit} would not show it."]
    return [f"More {comparison.unit} alone would not show {name} to be good enough: its seeds differ too much; train more seeds."]


def _more(comparison: Comparison, groups: int) -> str:
    photos = f" (some {groups * len(comparison.groups) // comparison.n_groups:,} photos)" if comparison.grouped else ""
    return f"about {groups:,} more {comparison.unit}{photos}"


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
    return f"{pair}: {_more(comparison, further)}, if they truly differ by the {difference:.3f} measured."


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
        f"Recommended is the cheapest of those that are shown to be at most {verdict.good_enough.margin:g} worse than any other "
        "(--margin), and better than always saying the commonest class. The chance that it is truly worse than another by more is "
        f"at most {100 * LEVEL:.0f} %.",
        "Not told apart does not mean equal: these photos do not show which is better. How much more would settle it is for a "
        f"chance of {100 * POWER:.0f} % to find the difference.",
        f"Intervals hold 95 % and are about other {unit} of the same kind. {seeds}",
    ]
    if len(verdict.order) == 1:
        del lines[:3]  # nothing was decided
    if any(entry.is_crossvalidation for entry in comparison.configurations):
        lines.append(
            "The folds of a cross-validation share most of their training photos, of which intervals and tests know nothing "
            "(Bengio and Grandvalet 2004)."
        )
    return lines
