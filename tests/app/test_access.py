"""One-time codes, by which a phone is let in."""

from pathlib import Path

import pytest

from posture_classifier.app.access import MOST_TRIES, PAUSE, Access
from posture_classifier.app.workplace import Workplace
from tests.helpers.local_pages import client_of


@pytest.fixture
def shown() -> list[str]:
    return []


@pytest.fixture
def access(shown: list[str]) -> Access:
    made = Access(secure=True, show_code=shown.append)
    made.new_code()
    return made


def test_a_code_lets_one_device_in(access: Access, shown: list[str]) -> None:
    assert access.is_code(shown[0])
    assert not access.is_code(shown[0])
    assert access.is_code(shown[1])


def test_guessing_is_slow(access: Access, shown: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    wrong = "0" * 6 if shown[0] != "0" * 6 else "1" * 6

    assert not any(access.is_code(wrong) for _ in range(MOST_TRIES))

    assert len(shown) == 2  # the code itself is replaced
    assert not access.is_code(shown[-1])
    now[0] += PAUSE + 1
    assert access.is_code(shown[-1])


def test_without_a_network_there_are_no_codes() -> None:
    access = Access()
    access.new_code()

    assert not access.takes_codes
    assert not access.is_code("")


def test_a_phone_gives_the_code_and_gets_a_cookie_for_https_only(tmp_path: Path, access: Access, shown: list[str]) -> None:
    phone = client_of(Workplace(folder=tmp_path), access, entered=False)

    assert phone.get("/collect").headers["location"] == "/enter"
    assert phone.get("/api/collect/state").status_code == 401
    assert 'name="code"' in phone.get("/enter").text
    assert phone.post("/enter", data={"code": "abc"}).status_code == 403
    given = phone.post("/enter", data={"code": shown[-1]})
    assert given.status_code == 200
    assert "Secure" in given.headers["set-cookie"].split("; ")


def test_wrong_codes_of_a_phone_are_answered_by_a_pause(tmp_path: Path, access: Access, shown: list[str]) -> None:
    phone = client_of(Workplace(folder=tmp_path), access, entered=False)

    statuses = [phone.post("/enter", data={"code": "abc"}).status_code for _ in range(MOST_TRIES + 1)]

    assert statuses == [403] * MOST_TRIES + [429]
    assert phone.post("/enter", data={"code": shown[-1]}).status_code == 429


def test_the_form_is_there_for_the_network_only(tmp_path: Path) -> None:
    assert client_of(Workplace(folder=tmp_path)).get("/enter").status_code == 404
