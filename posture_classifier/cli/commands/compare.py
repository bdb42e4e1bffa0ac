"""``compare``: which of several trained networks is really better, and which to take."""

from pathlib import Path
from typing import Literal

from posture_classifier.utils.console import say, terminal
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import check_output_folder
from posture_classifier.utils.tables import write_rows

Metric = Literal["accuracy", "balanced_accuracy", "macro_f1", "auroc", "log_loss", "ece"]


def compare(
    runs: list[str],
    metric: Metric = "accuracy",
    output: Path | None = None,
    measure: bool = False,
    wandb_group: str | None = None,
    overwrite: bool = False,
) -> int:
    """Compare trained networks on the photos that all were tested on: figures with intervals, paired tests, costs and settings.

    Args:
        runs: Run folders of fit or crossval, patterns such as 'lightning_logs/*/version_*', or wandb:entity/project.
        metric: What decides which is best.
        output: A folder to make for comparison.html and comparison.csv.
        measure: Time each network on this device, too: some four seconds each, longer for large ones.
        wandb_group: Of wandb:entity/project, the runs of this group only.
        overwrite: Replace the files in the output if they exist.

    Returns:
        Exit code: 1 if a run was left out, since it has no test results, else 0.
    """
    check_output_folder("--output", output, overwrite)
    # Imported late: a wrong option should not cost the seconds that torch takes.
    from posture_classifier.compare.comparison import Comparison
    from posture_classifier.compare.configurations import collect
    from posture_classifier.compare.costs import entry_costs
    from posture_classifier.compare.page import write_comparison
    from posture_classifier.compare.sentences import how_tested, recommendation, what_would_settle_it
    from posture_classifier.compare.sources import read_all
    from posture_classifier.compare.tables import COLUMNS, costs_table, quality_table, rows

    found, left_out = read_all(runs, wandb_group)
    for reason in left_out:
        say(f"left out: {reason}")
    if not found:
        raise UserError("none of the runs has test results; train one to its end")
    entries = collect(found)
    if repeats := len(found) - sum(len(entry.runs) for entry in entries):
        say(f"runs that repeat another with its settings and seed, of which the last counts: {repeats}")
    comparison = Comparison.of(entries, [entry_costs(entry, measure) for entry in entries], metric)
    say(quality_table(comparison, terminal().width), costs_table(comparison))
    say(recommendation(comparison), *what_would_settle_it(comparison), *how_tested(comparison))
    if output is not None:
        output.mkdir(exist_ok=True)
        write_rows(rows(comparison), COLUMNS, output / "comparison.csv")
        write_comparison(comparison, output / "comparison.html", left_out)
        say(f"comparison: {output / 'comparison.html'}")
    return 1 if left_out else 0
