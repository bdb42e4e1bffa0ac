"""A search as the command begins it."""

from posture_classifier.experiments.search import COMMAND, BackboneSearch
from posture_classifier.experiments.search_options import SearchCLI
from posture_classifier.experiments.training_series import parse_settings


def prepare_search(options: list[str]) -> BackboneSearch:
    return BackboneSearch.prepare(*parse_settings(SearchCLI, COMMAND, options))
