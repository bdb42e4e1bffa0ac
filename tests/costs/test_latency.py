"""Power and energy, with a device that tells what it draws: none of these needs a GPU."""

import pytest
import torch

from posture_classifier.costs import latency
from posture_classifier.utils.errors import UserError

CPU = torch.device("cpu")


@pytest.fixture
def watts(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the sensor tells, one reading after the other."""
    readings = [200.0, 300.0, 310.0, 320.0]
    monkeypatch.setattr(latency, "read_watts", lambda device: readings.pop(0))
    monkeypatch.setattr(latency, "POWER_SECONDS", 0.01)
    return readings


def test_a_cpu_tells_nothing_and_is_not_asked_again() -> None:
    steps: list[int] = []
    assert latency.mean_watts(lambda: steps.append(1), CPU) is None
    assert not steps
    with pytest.raises(UserError, match=r"cpu.*nvidia-ml-py"):
        latency.check_power(CPU)


def test_power_is_read_while_it_works_only(watts: list[float]) -> None:
    steps: list[int] = []
    mean = latency.mean_watts(lambda: steps.append(len(watts)), CPU)
    assert mean == 310.0, "the first reading is of an idle device"
    assert set(steps) == {3, 2, 1}, "it worked before each of the others"


def test_a_missing_library_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(device: torch.device) -> int:
        raise ModuleNotFoundError("nvidia-ml-py does not seem to be installed")

    monkeypatch.setattr(torch.cuda, "power_draw", missing)
    assert latency.read_watts(torch.device("cuda")) is None
    monkeypatch.setattr(torch.cuda, "power_draw", lambda device: 250_000)
    assert latency.read_watts(torch.device("cuda")) == 250.0, "torch tells milliwatts"


def test_energy_is_power_by_time(watts: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "SECONDS", 0.02)
    watts += [100.0, 500.0, 500.0, 500.0]
    two, eight = latency.measure_batches("test_resnet", 64, [2, 8], CPU)
    assert (two.watts, eight.watts) == (310.0, 500.0)
    for speed in (two, eight):
        assert speed.watts is not None
        assert speed.joules_per_photo == pytest.approx(speed.watts * speed.ms_per_photo / 1000)
        assert speed.photos_per_second == pytest.approx(1000 / speed.ms_per_photo)
    assert two.latency_median_ms == eight.latency_median_ms, "single photos are timed once"
