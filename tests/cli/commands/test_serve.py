"""A served model as a process: what it prints is true, and it ends in order."""

import re
import signal
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from posture_classifier import Classifier
from posture_classifier.cli.program import main
from tests.helpers.photos import DrawFolder
from tests.helpers.program import Fit


@pytest.mark.slow
def test_what_it_prints_can_be_asked_and_a_signal_lets_requests_end(draw_folder: DrawFolder, fit: Fit) -> None:
    root = draw_folder()
    run = fit(root)
    photo = next(root.rglob("*.png"))
    command = [
        sys.executable,
        "-m",
        "posture_classifier",
        "serve",
        str(run),
        "--port",
        "0",
        "--precision",
        "fp32",
        "--device",
        "cpu",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    told = re.search(r"curl --data-binary @photo.jpg (\S+)", "".join(process.stdout.readline() for _ in range(2)))
    assert told
    expected = Classifier.load(run, "cpu", "fp32").predict(photo).probabilities
    assert httpx2.post(told[1], content=photo.read_bytes()).json()["probabilities"] == pytest.approx(expected, abs=1e-6)

    address = urlsplit(told[1])
    asking = [HTTPConnection(address.netloc, timeout=30) for _ in range(20)]
    for connection in asking:
        connection.request("POST", address.path, photo.read_bytes())
    answers = [asking[0].getresponse().status]  # while it was computed, the other requests came in
    process.send_signal(signal.SIGTERM)
    answers += [connection.getresponse().status for connection in asking[1:]]
    _, told_at_end = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert answers == [200] * 20
    assert "Traceback" not in told_at_end


def test_a_name_that_no_address_can_hold_and_a_taken_port_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(tmp_path), "--name", "a/b"]) == 2
    assert main(["serve", str(tmp_path), "--port", "99999"]) == 2
    assert main(["serve", str(tmp_path / "none.ckpt"), "--port", "0"]) == 2
    told = capsys.readouterr().err.splitlines()
    assert ["--name" in told[0], "--port" in told[1], "does not exist" in told[2]] == [True] * 3
