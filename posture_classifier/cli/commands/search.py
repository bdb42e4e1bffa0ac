"""``search``: train several backbones on the same photos with the same budget, and compare them."""


def search(*options: str) -> int:
    """Train every backbone with every seed on one division of the photos, and compare them.

    The same command resumes where it was stopped, and tries again what failed. All that it writes
    is in lightning_logs/<experiment>/search_<N>/, a run folder for each training.

    Args:
        options: All options of fit, such as --config configs/search.yaml, and
            --search.{backbones,seeds,settings,weights,without_weights}. --engine in_order trains in
            this process, gpus in one process per GPU of this machine, ray on a Ray cluster; without
            it several GPUs are taken where there are. With --search.space Optuna proposes
            --search.trials sets of options, as in configs/optuna.yaml; --search.{prune_after,
            storage} belong to it, and several processes of the same command share the trials.

    Returns:
        Exit code 0, or 1 if a training failed.
    """
    # Imported late: --help should not cost the seconds that torch takes.
    from posture_classifier.cli.commands.compare import compare
    from posture_classifier.experiments.search import COMMAND, BackboneSearch
    from posture_classifier.experiments.search_options import SearchCLI, check_optuna
    from posture_classifier.experiments.training_series import end_series, parse_settings

    settings, plain = parse_settings(SearchCLI, COMMAND, list(options))
    if settings.search.space is not None:
        check_optuna()
        from posture_classifier.experiments.study_choice import choose
        from posture_classifier.experiments.study_search import StudySearch

        study = StudySearch.prepare(settings, plain)
        study.train()
        return 0 if choose(study) else 1
    with BackboneSearch.prepare(settings, plain) as series:
        failures = series.train()
        try:
            if results := series.results():
                compare([str(folder) for folder in results], output=series.folder / "comparison", overwrite=True)
        finally:
            series.report(failures)
        if not failures:
            end_series(series.folder, {"runs": list(series.trainings)})
    return 1 if failures else 0
