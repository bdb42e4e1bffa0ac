"""``search``: train several backbones on the same photos with the same budget, and compare them."""

from posture_classifier.utils.arguments import Rest


def search(fit_options: Rest) -> int:
    """Train every backbone of search.backbones with every seed of search.seeds on one division of the photos, and compare them.

    The same command goes on where it was stopped, and tries again what failed. All that it writes is in
    lightning_logs/<experiment>/search_<N>/, a run folder for each training.

    Args:
        fit_options: Any option of fit, such as --config FILE, and --search.{backbones,seeds,settings,weights,without_weights}.

    Returns:
        Exit code 0, or 1 if a training failed.
    """
    # Imported late: --help should not cost the seconds that torch takes.
    from posture_classifier.experiments.search import BackboneSearch

    with BackboneSearch.prepared(list(fit_options)) as prepared:
        failures = prepared.train()
        try:
            if results := prepared.results():
                from posture_classifier.cli.commands.compare import compare

                compare([str(folder) for folder in results], output=prepared.folder / "comparison", overwrite=True)
        finally:
            prepared.report(failures)
        if not failures:
            prepared.finish()
    return 1 if failures else 0
