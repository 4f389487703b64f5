"""Dovecot as in `dovecot`, for tokens that it asks a provider about, each time somebody signs in (RFC 7662)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.servers import dovecot
from tests.support.servers.dovecot_oauth import BY_TOKEN, PASSDB

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.servers.oidc_provider import Provider
    from tests.support.servers.running import Running

TOKENS = """\
introspection_mode = post
introspection_url = {url}
active_attribute = active
active_value = true
username_attribute = username
"""


@contextmanager
def start(folder: Path, provider: Provider, *, mechanisms: tuple[str, ...] = BY_TOKEN) -> Iterator[Running]:
    """Takes the tokens of `provider`, and nothing else."""
    with dovecot.home() as at:
        (at / "tokens").write_text(TOKENS.format(url=provider.introspection))
        with dovecot.start(folder, mechanisms=mechanisms, passdbs=PASSDB.format(home=at)) as server:
            yield server
