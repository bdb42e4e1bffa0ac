"""Who is answered, who is not, and that nothing that is sent brings the server down."""

import random
import re
import socket
import string
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from posture_classifier.app.access import Access
from posture_classifier.app.collect.collection import Collection
from posture_classifier.app.collect.photo import MOST_BYTES
from posture_classifier.app.security import HEADERS
from posture_classifier.app.server import build_app
from posture_classifier.app.workplace import Workplace
from tests.helpers.browser import served
from tests.helpers.local_pages import HOME, client_of, encoded, frame, names_in, send_photo

REQUESTS = 300


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    return tmp_path / "photos"


@pytest.fixture
def client(root: Path) -> TestClient:
    return client_of(Workplace(folder=root))


@pytest.mark.parametrize("path", ["/", "/collect", "/try", "/static/app.css", "/api/collect/state", "/web/try.js", "/nowhere"])
def test_nothing_is_answered_without_the_key(root: Path, path: str) -> None:
    stranger = client_of(Workplace(folder=root), entered=False)

    assert stranger.get(path).status_code == 401
    assert stranger.get(f"{path}?key=wrong").status_code == 401
    stranger.cookies.set("posture_classifier_8123", "wrong")
    assert stranger.get(path).status_code == 401


def test_the_key_gives_a_cookie_that_no_script_and_no_other_page_sees(root: Path) -> None:
    access = Access()
    client = client_of(Workplace(folder=root), access, entered=False)

    given = client.get(f"/?key={access.key}").headers["set-cookie"]

    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(given.split("; "))
    assert client.get("/collect").status_code == 200


def test_a_key_in_a_browsers_command_line_opens_once(root: Path) -> None:
    access = Access()
    key = access.one_time_key()

    first, second = (client_of(Workplace(folder=root), access, entered=False) for _ in range(2))

    assert first.get(f"/?key={key}").status_code == 200
    assert second.get(f"/?key={key}").status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8123", "127.0.0.1.evil.example", "a@127.0.0.1", "192.0.2.7:8123", ""]
)
def test_a_name_that_leads_here_is_not_answered(client: TestClient, host: str) -> None:
    """DNS rebinding: the page of evil.example asks evil.example, which now is 127.0.0.1."""
    assert client.get("/api/collect/state", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:8123", "[::1]:8123"])
def test_addresses_of_this_machine_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/api/collect/state", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1", f"{HOME}0", "https://127.0.0.1:8123", None])
def test_a_foreign_page_changes_nothing(client: TestClient, root: Path, origin: str | None) -> None:
    del client.headers["Origin"]
    headers = {"Content-Type": "image/jpeg"} | ({"Origin": origin} if origin else {})
    query = "class=left&person=anna&session=desk"

    answer = client.post(f"/api/collect/photo?{query}", content=encoded(frame(0)), headers=headers)

    assert answer.status_code == 403
    assert names_in(root) == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_foreign_page_reads_nothing(client: TestClient, site: str) -> None:
    assert client.get("/api/collect/state", headers={"Sec-Fetch-Site": site}).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/collect", 200),
        ("GET", "/static/app.css", 200),
        ("GET", "/nowhere", 404),
        ("DELETE", "/api/collect/photo", 405),
        ("POST", "/api/collect/photo", 400),
        ("POST", "/api/classify", 409),
    ],
)
def test_every_answer_has_the_headers(client: TestClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)

    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_the_policy_lets_pages_ask_this_server_only() -> None:
    sources = {word for part in HEADERS["Content-Security-Policy"].split("; ") for word in part.split()[1:]}

    assert sources == {"'none'", "'self'", "blob:", "data:"}


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py",
        "/static/..%2fserver.py",
        "/static/%2e%2e/server.py",
        "/static//etc/passwd",
        "/web/..%2fartifact.py",
        "/web/%2fetc%2fpasswd",
        "/web/languages",
        "/static/languages/..%5c..%5cserver.py",
    ],
)
def test_no_path_leads_out_of_the_pages(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("name", ["..", "../../x", "/etc", "a/b", "a\\b", "con", ".hidden", "a\0b", "a\nb", "x" * 41, "~", "$HOME"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_no_name_leads_out_of_the_folder(client: TestClient, root: Path, name: str, place: int) -> None:
    labels = ["left", "anna", "desk"]
    labels[place] = name

    assert send_photo(client, encoded(frame(0)), (labels[0], labels[1], labels[2])).status_code == 400
    assert names_in(root.parent) == ["secret.txt"]


@pytest.mark.parametrize("path", ["../secret.txt", "/etc/hostname", "left/../../secret.txt", "a\0b", ""])
def test_nothing_but_what_was_just_saved_is_deleted(client: TestClient, root: Path, path: str) -> None:
    assert client.post("/api/collect/undo", json={"path": path}).status_code == 409
    assert names_in(root.parent) == ["secret.txt"]


@pytest.mark.parametrize(
    ("length", "chunk"),
    [("Content-Length: 999999999999", b""), ("Transfer-Encoding: chunked", b"100000\r\n" + bytes(2**20) + b"\r\n")],
)
def test_a_body_that_is_too_large_is_not_read_to_its_end(root: Path, length: str, chunk: bytes) -> None:
    access = Access()
    with served(build_app(Workplace(folder=root), access)) as address:
        host = address.removeprefix("http://").rstrip("/")
        cookie = access.set_cookie(int(host.rpartition(":")[2])).partition(";")[0]
        head = f"Host: {host}\r\nOrigin: http://{host}\r\nCookie: {cookie}\r\nContent-Type: image/jpeg\r\n{length}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", int(host.rpartition(":")[2])), timeout=30) as wire:
            wire.sendall(f"POST /api/collect/photo?class=left&person=anna&session=desk HTTP/1.1\r\n{head}".encode())
            for _ in range(MOST_BYTES // 2**20 + 1 if chunk else 0):
                wire.sendall(chunk)
            assert wire.recv(100).startswith(b"HTTP/1.1 413")
    assert names_in(root) == []


@pytest.mark.parametrize(
    ("path", "kind", "body", "status"),
    [
        ("/api/collect/photo?class=left&person=anna&session=desk", "text/html", b"<p>", 415),
        ("/api/collect/photo?class=left&person=anna&session=desk", "", b"x", 415),
        ("/api/collect/photo?class=left&person=anna&session=desk", "image/jpeg", b"", 400),
        (
            "/api/collect/photo?class=left&person=anna&session=desk",
            "image/svg+xml",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            400,
        ),
        ("/api/collect/undo", "text/plain", b'{"path": "a"}', 415),
        ("/api/collect/undo", "application/json", b'{"path": ', 400),
        ("/api/collect/undo", "application/json", b'{"path": 3}', 400),
        ("/api/collect/undo", "application/json", b"[" * 60_000, 400),
        ("/api/collect/undo", "application/json", b" " * 70_000, 413),
    ],
)
def test_what_is_not_asked_for_is_refused(client: TestClient, root: Path, path: str, kind: str, body: bytes, status: int) -> None:
    answer = client.post(path, content=body, headers={"Content-Type": kind})

    assert answer.status_code == status
    assert answer.json().keys() == {"error"}, "one shape, the error object of the Open Inference Protocol"
    korean = client.post(path, content=body, headers={"Content-Type": kind, "Accept-Language": "ko"})
    assert re.search("[가-힣]", korean.json()["error"])
    assert names_in(root) == []


def test_an_error_that_nobody_foresaw_names_no_photo(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("anna_desk_001.jpg is strange")

    monkeypatch.setattr(Collection, "save", fail)
    answer = send_photo(client, encoded(frame(0)))

    assert answer.status_code == 500
    printed = capsys.readouterr().out
    assert "RuntimeError" in printed
    assert "anna" not in answer.text + printed


def _noise(dice: random.Random, most: int) -> str:
    letters = string.printable + "한글\0\x7fé\ud800"
    return "".join(dice.choice(letters) for _ in range(dice.randrange(most)))


def test_malformed_requests_are_refused_and_print_nothing(
    client: TestClient, root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of 300 requests with random parts none fails, and none leaves anything."""
    dice = random.Random(0)
    paths = ["/", "/collect", "/try", "/api/collect/state", "/api/collect/photo", "/api/collect/undo", "/api/info", "/api/classify"]
    kinds = ["application/json", "image/jpeg", "application/octet-stream", "text/plain", "multipart/form-data", ""]
    names = ["class", "person", "session", "thin", "path", "width", "height", "key"]
    statuses = set()
    for _ in range(REQUESTS):
        query = {dice.choice(names): _noise(dice, 60).encode(errors="replace").decode() for _ in range(dice.randrange(6))}
        path = dice.choice([*paths, "/static/" + _noise(dice, 20).encode("ascii", "replace").decode()])
        odd = dice.choice(["Cookie", "Range", "Range", "If-Modified-Since", "Accept"])
        headers = {"Content-Type": dice.choice(kinds), odd: ascii(_noise(dice, 20))}
        body = dice.randbytes(dice.randrange(200)) if dice.random() < 0.5 else _noise(dice, 100).encode(errors="replace")
        method = dice.choice(["GET", "POST", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
        url = HOME + quote(path, safe="/.")
        statuses.add(client.request(method, url, params=query, content=body, headers=headers).status_code)

    assert max(statuses) < 500
    assert {400, 404, 405, 415} <= statuses
    assert names_in(root) == []
    assert "".join(capfd.readouterr()) == ""


def test_what_is_no_http_does_not_stop_the_server(root: Path) -> None:
    dice = random.Random(1)
    access = Access()
    with served(build_app(Workplace(folder=root), access)) as address:
        port = int(address.rstrip("/").rpartition(":")[2])
        for _ in range(REQUESTS):
            head = dice.choice(
                [b"GET / HTTP/1.1\r\n", b"POST /api/classify HTTP/9.9\r\n", b"\x16\x03\x01\x02", b"", b"GET " + b"a" * 70_000]
            )
            with socket.create_connection(("127.0.0.1", port)) as wire:
                wire.sendall(head + dice.randbytes(dice.randrange(300)) + b"\r\n\r\n")
                wire.shutdown(socket.SHUT_WR)
                wire.settimeout(5)
                try:
                    answer = wire.recv(200)
                except ConnectionError:
                    answer = b""
                assert not answer or answer.split()[1].startswith(b"4"), answer
        with socket.create_connection(("127.0.0.1", port)) as wire:
            wire.sendall(f"GET /?key={access.key} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            assert wire.recv(100).startswith(b"HTTP/1.1 200")
