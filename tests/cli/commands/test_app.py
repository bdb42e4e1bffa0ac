"""``app``, from the command line."""

import re
import signal
import socket
import ssl
import sys
import urllib.request
from pathlib import Path

import pytest

from posture_classifier.cli.program import main
from tests.helpers.browser import wait_until
from tests.helpers.local_pages import encoded, frame
from tests.helpers.signalled import Program, started


def address_of(program: Program) -> str:
    """The address that is printed, with its key."""
    wait_until(lambda: "Ctrl-C" in program.said(), 120)
    found = re.search(r"open (https?://\S+)", program.said())
    assert found is not None
    return found[1]


def entered(address: str) -> tuple[str, str]:
    """The server's origin, and the cookie that the address gives."""
    with urllib.request.urlopen(address, timeout=20) as answer:
        return address.partition("/?")[0], answer.headers["Set-Cookie"].partition(";")[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["nowhere"], "does not exist"), ([".", "--port", "99999"], "port"), ([".", "--host", "192.0.2.99"], "192.0.2.99")],
)
def test_what_cannot_be_is_a_sentence(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["app", *arguments, "--browser", "false"]) == 2

    assert said in capsys.readouterr().err


def test_a_port_that_is_taken_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["app", str(tmp_path), "--port", str(taken.getsockname()[1]), "--browser", "false"]) == 2

    assert "--port" in capsys.readouterr().err


def test_phones_need_one_more_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)

    assert main(["app", str(tmp_path), "--host", "0.0.0.0", "--browser", "false"]) == 2

    assert "pip install 'posture-classifier[phone]'" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_within_seconds(tmp_path: Path, number: signal.Signals, code: int) -> None:
    (tmp_path / "photos").mkdir()
    with started(["app", str(tmp_path / "photos"), "--browser", "false"], tmp_path / "log") as program:
        address = address_of(program)
        port = int(address.partition("/?")[0].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as waiting:  # a browser keeps its connections
            waiting.sendall(b"GET / HTTP/1.1\r\n")
            ended = program.send(number, program.main.pid)

    assert (ended.code, ended.seconds < 6) == (code, True), ended
    assert "Traceback" not in ended.said
    assert f"stopped by {'Ctrl-C' if number == signal.SIGINT else number.name}" in ended.said


@pytest.mark.slow
def test_what_was_said_to_be_saved_survives_a_kill(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    root.mkdir()
    with started(["app", str(root), "--browser", "false"], tmp_path / "log") as program:
        origin, cookie = entered(address_of(program))
        saved = []
        for n in range(5):
            url = f"{origin}/api/collect/photo?class=left&person=anna&session=desk"
            headers = {"Origin": origin, "Cookie": cookie, "Content-Type": "image/jpeg"}
            request = urllib.request.Request(url, encoded(frame(n)), headers)
            with urllib.request.urlopen(request, timeout=20) as answer:
                assert answer.status == 201
            saved.append(f"left/anna_desk_{n + 1:03}.jpg")
        program.send(signal.SIGKILL, program.main.pid)

    assert sorted(path.relative_to(root).as_posix() for path in root.rglob("*.jpg")) == saved
    assert all((root / path).read_bytes().endswith(b"\xff\xd9") for path in saved)
    assert "anna" not in (tmp_path / "log").read_text()


@pytest.mark.slow
def test_without_host_nothing_but_this_machine_is_answered(tmp_path: Path) -> None:
    with started(["app", str(tmp_path), "--browser", "false"], tmp_path / "log") as program:
        port = int(address_of(program).partition("/?")[0].rpartition(":")[2])
        listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines() if f":{port:04X} 00000000" in line]

    assert listening == [f"0100007F:{port:04X}"]


@pytest.mark.slow
def test_the_local_network_gets_https_and_a_code(tmp_path: Path) -> None:
    with started(["app", str(tmp_path), "--browser", "false", "--host", "0.0.0.0"], tmp_path / "log") as program:
        address = address_of(program)
        wait_until(lambda: "code for the next device" in program.said())
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with urllib.request.urlopen(address, timeout=20, context=context) as answer:
            assert "Secure" in answer.headers["Set-Cookie"]
        files = list(Path("/tmp").glob("posture-classifier-*/key.pem"))
        assert all(file.stat().st_mode & 0o77 == 0 for file in files)
        program.send(signal.SIGTERM, program.main.pid)

    assert not [file for file in files if file.exists()]
