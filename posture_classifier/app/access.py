"""Who may use the pages: whoever has the cookie, given for a secret address or a one-time code."""

import secrets
import time
from collections.abc import Callable

MOST_TRIES = 5
"""Wrong codes after which the code is replaced, and none is taken for a while."""
PAUSE = 60.0
"""Seconds without any code being taken, after ``MOST_TRIES`` wrong ones."""
CODE_DIGITS = 6


class Access:
    """The secrets of one start of the server.

    Args:
        secure: Whether the cookie is only sent over https.
        show_code: Called with each one-time code, which lets one more device in; None takes no
            codes.
    """

    def __init__(self, secure: bool = False, show_code: Callable[[str], None] | None = None) -> None:
        self.secure = secure
        self.key = secrets.token_urlsafe(32)
        self._cookie = secrets.token_urlsafe(32)
        self._one_time_keys: set[str] = set()
        self._show_code = show_code
        self._code = ""
        self._wrong = 0
        self._closed_until = 0.0

    @property
    def takes_codes(self) -> bool:
        """Whether a device can be let in by a code."""
        return self._show_code is not None

    def one_time_key(self) -> str:
        """A key that is taken once: a browser is started with it, in sight of everybody here."""
        key = secrets.token_urlsafe(32)
        self._one_time_keys.add(key)
        return key

    def is_key(self, key: str) -> bool:
        """Whether a key of an address is right; a one-time key is used up."""
        one_time = [known for known in self._one_time_keys if _equal(known, key)]
        self._one_time_keys.difference_update(one_time)
        return bool(one_time) or _equal(self.key, key)

    def is_cookie(self, value: str) -> bool:
        """Whether a cookie's value is right."""
        return _equal(self._cookie, value)

    def set_cookie(self, port: int) -> str:
        """The header that gives a browser the cookie; browsers share cookies between ports."""
        secure = "; Secure" if self.secure else ""
        return f"{cookie_name(port)}={self._cookie}; Path=/; HttpOnly; SameSite=Strict{secure}"

    def new_code(self) -> None:
        """Replace the code, and show it."""
        if self._show_code is not None:
            self._code = "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))
            self._show_code(self._code)

    @property
    def wait(self) -> float:
        """Seconds until a code is taken again; 0 or less where one is."""
        return self._closed_until - time.monotonic()

    def is_code(self, code: str) -> bool:
        """Whether a code is right; it is used up then, and replaced after too many wrong ones."""
        right = bool(self._code) and self.wait <= 0 and _equal(self._code, code)
        self._wrong = 0 if right else self._wrong + 1
        if self._wrong >= MOST_TRIES:
            self._wrong, self._closed_until = 0, time.monotonic() + PAUSE
            self.new_code()
        elif right:
            self.new_code()
        return right


def cookie_name(port: int) -> str:
    """The cookie's name: servers on other ports of this machine have others."""
    return f"posture_classifier_{port}"


def _equal(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode(errors="replace"))
