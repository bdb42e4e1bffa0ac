"""``crossval``: train all folds; each photo is tested by a network that has not seen its group."""


def crossval(*options: str) -> int:
    """Train and test all folds of data.folds, and report on all photos together.

    Each photo is tested once, by a network that has not seen its group. The same command resumes
    where it was stopped; while it still runs, a second one has a folder of its own. All that it
    writes is in lightning_logs/<experiment>/crossval_<N>/, with a page on all photos, report.html.

    Args:
        options: All options of fit, such as --config configs/cross_validation.yaml. --final trains
            one more network, on all photos, whose checkpoint holds the figures of the folds; it
            may also be given afterwards. --compare_splits repeats it with folds at random, each
            photo for itself, and says how far they flatter. --report false writes no page.
            --engine in_order trains in this process, gpus in one process per GPU of this machine,
            ray on a Ray cluster; without it several GPUs are taken where there are.

    Returns:
        Exit code 0.
    """
    # Imported late: --help should not cost the seconds that torch takes.
    from posture_classifier.experiments.cross_validation import CrossValidation

    with CrossValidation.prepare(list(options)) as series:
        series.train_folds()
        series.report()
    return 0
