"""The exit code of findings."""

from hypothesis import given
from hypothesis import strategies as st

from posture_classifier.check.finding import SEVERITIES, Finding, Severity, exit_code


@given(st.lists(st.sampled_from(SEVERITIES)))
def test_the_gravest_finding_is_the_exit_code(severities: list[Severity]) -> None:
    code = exit_code([Finding("kind", severity, "text") for severity in severities])
    assert code == max(({"error": 2, "warning": 1, "note": 0}[severity] for severity in severities), default=0)
