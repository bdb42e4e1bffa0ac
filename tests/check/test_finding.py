"""The order and the exit code of findings."""

from hypothesis import given
from hypothesis import strategies as st

from posture_classifier.check.finding import SEVERITIES, Finding, Severity, by_harm, exit_code


@given(st.lists(st.sampled_from(SEVERITIES)))
def test_the_gravest_finding_is_the_exit_code(severities: list[Severity]) -> None:
    code = exit_code([Finding("kind", severity, "text") for severity in severities])
    assert code == max(({"error": 2, "warning": 1, "note": 0}[severity] for severity in severities), default=0)


def test_the_most_harmful_comes_first_and_notes_last() -> None:
    severities: dict[str, Severity] = {
        "gps_position": "warning",
        "a_new_kind": "warning",
        "unreadable": "error",
        "groups": "warning",
        "leaks": "error",
        "contradictory_labels": "error",
        "label_errors": "note",
        "blurred": "note",
    }
    kinds = [finding.kind for finding in by_harm(Finding(kind, severity, "text") for kind, severity in severities.items())]
    actions = ["leaks", "groups", "contradictory_labels", "unreadable", "a_new_kind", "gps_position"]
    assert kinds == [*actions, "label_errors", "blurred"]
