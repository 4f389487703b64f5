"""A sign-in as a server hears it: PLAIN and LOGIN, from AUTH to a user and a password (RFC 4954, RFC 4616)."""

from __future__ import annotations

from binascii import Error, a2b_base64

from sendmail_cli.smtp.answers import Answer
from sendmail_cli.smtp.asked import SignInAsked

MECHANISMS = ("PLAIN", "LOGIN")

_LOGIN_PROMPTS = ("VXNlcm5hbWU6", "UGFzc3dvcmQ6")  # “Username:” and “Password:” in base64, which some clients read


class SignIn:
    """One AUTH command and the lines that follow it."""

    def __init__(self, mechanism: str) -> None:
        self._mechanism = mechanism
        self._said: list[bytes] = []

    def step(self, line: str | None) -> Answer | SignInAsked:
        """What follows `line`, a response or the initial one; None where AUTH came without.

        A challenge (334), who wants to sign in, or why that can't be understood.
        """
        if line is None:
            return Answer(334, "", "" if self._mechanism == "PLAIN" else _LOGIN_PROMPTS[0])
        if line == "*":
            return Answer(501, "5.7.0", "Authentication cancelled")
        try:
            self._said.append(b"" if line == "=" else a2b_base64(line.encode("ascii"), strict_mode=True))
        except (Error, ValueError):
            return Answer(501, "5.5.2", "That is no base64")
        return self._plain() if self._mechanism == "PLAIN" else self._login()

    def _plain(self) -> Answer | SignInAsked:
        parts = self._said[0].split(b"\0")
        if len(parts) != 3:
            return Answer(501, "5.5.2", "That is no response of PLAIN")
        return _asked(parts[1], parts[2])

    def _login(self) -> Answer | SignInAsked:
        return _asked(*self._said) if len(self._said) == 2 else Answer(334, "", _LOGIN_PROMPTS[1])


def _asked(user: bytes, password: bytes) -> SignInAsked:
    return SignInAsked(user.decode("utf-8", "replace"), password)
