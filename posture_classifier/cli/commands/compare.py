"""``compare``: which of several trained networks is really better, and which to take."""

from pathlib import Path

from jsonargparse.typing import PositiveFloat

from posture_classifier.utils.console import say, terminal
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import check_output_folder
from posture_classifier.utils.tables import write_rows
from posture_classifier.utils.text import plural


def compare(
    runs: list[str],
    metric: str = "accuracy",
    margin: PositiveFloat = 0.02,
    output: Path | None = None,
    measure: bool = False,
    wandb_group: str | None = None,
    overwrite: bool = False,
) -> int:
    """Compare trained networks on the photos that all were tested on: metrics, tests and costs.

    Args:
        runs: Run folders, patterns such as 'lightning_logs/*/version_*', or wandb:entity/project.
        metric: What decides which is best: accuracy, macro_f1 or another metric of summary.json; a
            wrong name lists all.
        margin: How much worse than any other, in the unit of the metric, an entry may be to be
            recommended.
        output: A folder to make for comparison.html and comparison.csv.
        measure: Time each network on this device, too: some four seconds each, longer for large
            ones.
        wandb_group: Group that runs of wandb:entity/project must belong to; by default all count.
        overwrite: Replace the files in the output if they exist.

    Returns:
        Exit code: 1 if a run was left out, since it has no test results, else 0.
    """
    from posture_classifier.metrics.scores import METRICS  # takes some tenths of a second, which --help does not need

    if metric not in METRICS:
        raise UserError(f"--metric {metric} is unknown; choose one of {', '.join(METRICS)}")
    check_output_folder("--output", output, overwrite)
    # Imported late: a wrong option should not cost the seconds that torch takes.
    from posture_classifier.compare.comparison import Comparison
    from posture_classifier.compare.configurations import group_runs
    from posture_classifier.compare.costs import configuration_costs
    from posture_classifier.compare.page import write_comparison
    from posture_classifier.compare.sentences import how_tested, limits, recommendation, what_would_settle_it
    from posture_classifier.compare.sources import read_runs
    from posture_classifier.compare.tables import costs_table, quality_table, rows

    found, left_out = read_runs(runs, wandb_group)
    for reason in left_out:
        say(f"left out: {reason}")
    if not found:
        raise UserError("none of the runs has test results; train one to its end")
    configurations = group_runs(found)
    if repeats := len(found) - sum(len(configuration.runs) for configuration in configurations):
        say(f"left out: {plural(repeats, 'run')} with the settings and the seed of a later one")
    costs = [configuration_costs(configuration, measure) for configuration in configurations]
    comparison = Comparison.of(configurations, costs, metric, margin)
    say(quality_table(comparison, terminal().width), costs_table(comparison))
    say(recommendation(comparison), *limits(comparison), *what_would_settle_it(comparison), *how_tested(comparison))
    if output is not None:
        output.mkdir(exist_ok=True)
        table = rows(comparison)
        write_rows(table, list(table[0]), output / "comparison.csv")
        write_comparison(comparison, output / "comparison.html", left_out)
        say(f"comparison: {output / 'comparison.html'}")
    return 1 if left_out else 0
