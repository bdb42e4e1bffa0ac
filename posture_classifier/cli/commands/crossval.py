"""``crossval``: train all folds, so that every photo is tested once by a network that has not seen its group."""

from posture_classifier.utils.arguments import Rest


def crossval(fit_options: Rest, compare_splits: bool = False) -> int:
    """Train and test all folds of data.folds, and report on all photos together, each tested by a network that never saw its group.

    The same command goes on where it was stopped; while it still runs, a second one has a folder of its own. All that it writes is
    in lightning_logs/<experiment>/crossval_<N>/.

    Args:
        fit_options: Any option of fit, such as --config configs/cross_validation.yaml, is passed on to each fold's training.
        compare_splits: Repeat it with folds at random, each photo for itself, and say how far they flatter.

    Returns:
        Exit code 0.
    """
    # Imported late: --help should not cost the seconds that torch takes.
    from posture_classifier.experiments.cross_validation import CrossValidation
    from posture_classifier.experiments.pooled_predictions import report

    with CrossValidation.prepared(list(fit_options), compare_splits) as crossvalidation:
        report(crossvalidation, crossvalidation.train())
        crossvalidation.tidy()
    return 0
