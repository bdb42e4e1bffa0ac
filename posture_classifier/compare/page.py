"""``comparison.html``: verdict, metrics, tests, costs, curves and settings, on one page."""

import shlex
from pathlib import Path

import numpy as np
from markupsafe import Markup

from posture_classifier.compare.charts import FEW, MANY, accuracy_charts, cost_chart, forest_chart, learning_charts
from posture_classifier.compare.comparison import Comparison
from posture_classifier.compare.configurations import different_settings
from posture_classifier.compare.sentences import how_tested, limits, recommendation, standing, tested_on, what_would_settle_it
from posture_classifier.compare.tables import COSTS, NOT_TIMED, cost_cells, known_costs
from posture_classifier.metrics.reliability import BINS
from posture_classifier.metrics.scores import METRICS
from posture_classifier.rendering.elements import render, shaded_table
from posture_classifier.rendering.formatting import describe_interval, describe_value, p_value, why_unknown
from posture_classifier.rendering.page import Section, next_step, write_page
from posture_classifier.runs.names import CONFIG_YAML, SUMMARY_JSON
from posture_classifier.utils.text import plural

PAGE = "comparison.html"


def write_comparison(comparison: Comparison, path: Path, left_out: list[str]) -> None:
    """Write the page, which says of the runs that are ``left_out`` why they are."""
    sections = [
        Section("Which is better", _verdict(comparison, left_out)),
        Section("Metrics", _metrics(comparison)),
        Section("Costs", _costs(comparison)),
        Section("Tests against the best", _tests(comparison)),
        Section("Classes and groups", _charts(comparison, accuracy_charts(comparison))),
        Section("Agreement", _agreement(comparison)),
        Section("Learning curves", _charts(comparison, learning_charts(comparison))),
        Section("Settings that differ", _settings(comparison)),
        Section("Runs", _runs(comparison)),
    ]
    sections += _next_step(comparison)
    entries = plural(len(comparison.configurations), "entry", "entries")
    networks = plural(sum(map(len, comparison.predictions)), "trained network")
    facts = f"{entries}, {networks}, each tested on the same {tested_on(comparison)}."
    said = recommendation(comparison)
    lead = render(PAGE, "lead", recommendation=said, limits=limits(comparison), facts=facts, sections=sections)
    write_page(path, "Comparison", lead, sections)


def _next_step(comparison: Comparison) -> list[Section]:
    """Look at the best entry's first run, where its folder is on this machine."""
    best = comparison.configurations[comparison.verdict.best]
    folder = Path(best.runs[0].name)
    if not (folder / SUMMARY_JSON).is_file() or not (folder / CONFIG_YAML).is_file():
        return []
    command = shlex.join(["python", "-m", "posture_classifier", "report", str(folder)])
    return [next_step(f"Look at what {best.name} is wrong about, and at whom it fails on:", command)]


def _verdict(comparison: Comparison, left_out: list[str]) -> Markup:
    return render(
        PAGE,
        "verdict",
        most=MANY,
        n_entries=len(comparison.configurations),
        charts=[forest_chart(comparison), cost_chart(comparison)],
        what_would_settle_it=what_would_settle_it(comparison),
        how_tested=how_tested(comparison),
        left_out=left_out,
    )


def _charts(comparison: Comparison, charts: list[Markup]) -> Markup:
    return render(PAGE, "charts", most=FEW, n_entries=len(comparison.configurations), charts=charts)


def _metrics(comparison: Comparison) -> Markup:
    rows, metric = [], comparison.verdict.metric
    for index in comparison.verdict.order:
        seeds = comparison.network_values[index][metric]
        spread = f"{seeds.min():.3f} to {seeds.max():.3f}" if len(seeds) > 1 else ""
        estimates = [comparison.estimates[index][name] for name in METRICS]
        cells = [_two_lines(describe_value(estimate.value), describe_interval(estimate)) for estimate in estimates]
        rows.append([comparison.names[index], _two_lines(str(len(seeds)), spread), *cells])
    return render(
        PAGE,
        "metrics",
        titles=[metric.title for metric in METRICS.values()],
        rows=rows,
        tested_on=tested_on(comparison),
        metric=METRICS[metric].title,
        bins=BINS,
        unknown=why_unknown(estimate for estimates in comparison.estimates for estimate in estimates.values()),
    )


def _two_lines(value: str, below: str) -> Markup:
    return render("elements.html", "two_lines", value=value, below=below)


def _costs(comparison: Comparison) -> Markup:
    shown = known_costs(comparison)
    titles = [COSTS[name].title.replace("\n", " ").strip() for name in shown]
    rows = [[comparison.names[index], *cost_cells(comparison, index, shown)] for index in comparison.verdict.order]
    devices = sorted({cost.device for cost in comparison.costs if cost.device})
    speed = f"Speed: fp32 on {', '.join(devices)}, of one photo and of the run's batch." if devices else NOT_TIMED
    return render(PAGE, "costs", titles=titles, rows=rows, speed=speed)


def _tests(comparison: Comparison) -> Markup:
    verdict = comparison.verdict
    others = [index for index in verdict.order if index != verdict.best]
    return render(
        PAGE,
        "tests",
        metric=METRICS[verdict.metric].title,
        best=comparison.names[verdict.best],
        unit=comparison.unit,
        rows=[_test_row(comparison, index) for index in others],
    )


def _test_row(comparison: Comparison, index: int) -> list[str]:
    verdict, best = comparison.verdict, comparison.verdict.best
    further = verdict.additional_groups[index]
    return [
        comparison.names[index],
        f"{verdict.differences.values[index, best]:+.3f}",
        standing(comparison, index),
        p_value(verdict.p[index]),
        p_value(verdict.differences.p[index, best]),
        "-" if verdict.mcnemar is None else p_value(verdict.mcnemar[index, best]),
        "-" if further is None else f"{further:,}",
    ]


def _agreement(comparison: Comparison) -> Markup:
    shown = comparison.verdict.order[:MANY]
    predicted = np.array([comparison.predictions[index][0].predicted for index in shown])
    agreement = np.array([(predicted == row).mean(1) for row in predicted])
    least = agreement.min()
    shades = (agreement - least) / max(1 - least, 1e-9)
    cells = [[f"{100 * share:.0f}" for share in row] for row in agreement]
    matrix = shaded_table(cells, shades, [comparison.names[index] for index in shown])
    return render(PAGE, "agreement", matrix=matrix)


def _settings(comparison: Comparison) -> Markup:
    different = different_settings(comparison.configurations)
    rows = []
    for index in comparison.verdict.order:
        values = [values[index] for values in different.values()]
        rows.append([comparison.names[index], *("none" if value is None else str(value) for value in values)])
    return render(PAGE, "settings", names=list(different), rows=rows)


def _runs(comparison: Comparison) -> Markup:
    rows = [[entry.name, ", ".join(run.name for run in entry.runs)] for entry in comparison.configurations]
    return render(PAGE, "runs", rows=rows)
