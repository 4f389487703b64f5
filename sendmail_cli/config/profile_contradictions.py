"""Keys of one profile that can't be meant together: each has a sentence."""

from __future__ import annotations

from sendmail_cli.errors import ConfigError
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.config.profiles import Profile


def refuse_contradictions(profile: Profile) -> None:
    """Raise `ConfigError` for keys of `profile` that can't be meant together."""
    for key, sentence in _contradictions(profile):
        raise ConfigError(f"{profile.said_at(key)}: {sentence}")


def _contradictions(profile: Profile) -> Iterator[tuple[str, str]]:
    written = [url.user for url in profile.servers if url.user is not None]
    other = next((user for user in written if user != profile.login), None)
    if other is not None and profile.user is not None:
        yield "user", f"the server names another user, “{printable(other, 80)}”; keep one of them"
    elif other is not None:
        yield "server", f"the servers name different users, “{printable(other, 80)}” for one; keep one of them"
    if profile.auth == "none" and profile.login is not None:
        yield "auth", f"“none” contradicts the user “{printable(profile.login, 80)}”; keep one of them"
    if profile.tls is not None and profile.tls.value != "implicit" and any(url.is_smtps for url in profile.servers):
        yield "tls", f"“{profile.tls.value}” contradicts smtps://, which is TLS from the first byte"
    yield from _sender_contradictions(profile)
    yield from _oauth_contradictions(profile)
    if profile.signature is not None and profile.signature_file is not None:
        yield "signature_file", "“signature” says what stands below a text already; keep one of them"
    if profile.pipe is not None and profile.servers:
        yield "pipe", "the program is the server, and “server” names another; keep one of them"
    if profile.pipe is not None or (profile.servers and all(url.socket_path for url in profile.servers)):
        for key, value in (("proxy", profile.proxy), ("bind", profile.bind)):
            if value is not None:
                what = "a program" if profile.pipe is not None else "a unix socket"
                yield key, f"it is for connections over a network, and the server is {what}"


def _sender_contradictions(profile: Profile) -> Iterator[tuple[str, str]]:
    if profile.force_from and profile.from_ is None:
        yield "force_from", "it forces the profile's From, and the profile has none"
    if profile.force_from and profile.allow_from:
        yield "allow_from", "with force_from nobody else can be the sender; keep one of them"


def _oauth_contradictions(profile: Profile) -> Iterator[tuple[str, str]]:
    if profile.oauth is None:
        return
    from sendmail_cli.config.oauth.table import contradictions

    for key, sentence in contradictions(profile.oauth):
        yield f"oauth.{key}", sentence
    if profile.auth not in {None, "auto", "oauthbearer", "xoauth2"}:
        yield "auth", f"“{profile.auth}” is no sign-in with a token, and the table oauth gives one; keep one of them"
    for key in ("password_command", "password_file", "credential_source"):
        if getattr(profile, key) is not None:
            yield key.replace("_s", ".s"), "the table oauth says where the token comes from; keep one of them"
