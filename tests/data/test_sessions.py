"""Recording sessions by camera and time."""

import math

from posture_classifier.data.sessions import session_names
from posture_classifier.images.exif import Shot


def test_a_session_ends_with_a_pause_or_another_camera() -> None:
    shots = [Shot("B", 4001.0), Shot("A", 0.0), Shot("A", 600.0), Shot("A", math.nan), Shot("A", 4000.0)]
    first = "A 1970-01-01 00:00:00"
    assert session_names(shots) == ["B 1970-01-01 01:06:41", first, first, None, "A 1970-01-01 01:06:40"]
