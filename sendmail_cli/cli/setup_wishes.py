"""What the options of `setup` say; what they don't is None, found out or asked."""

from __future__ import annotations

from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sendmail_cli.config.providers import Provider
    from sendmail_cli.config.server_url import ServerURL
    from sendmail_cli.server import TLSMode


class Wishes(NamedTuple):
    """The options, with `provider` and `server` as values."""

    provider: Provider | None = None
    server: ServerURL | None = None
    region: str | None = None
    tls: TLSMode | None = None
    ca_file: str | None = None  # absolute
    tls_pin: str | None = None
    is_foreign_taken: bool = False
    is_offline: bool = False
    is_show: bool = False
    name_shown: str | None = None
    user: str | None = None
    password_fd: int | None = None
    password_file: str | None = None  # absolute
    password_command: tuple[str, ...] | None = None
    is_insecure_keyring_allowed: bool = False  # as profiles.toml says
    oauth: tuple[str, str] | None = None  # who gives the token: a key of the table oauth, and its value
    client_id: str | None = None
    is_device: bool = False
    is_without_browser: bool = False
    is_kept: bool = True
    name: str | None = None
    is_replacing: bool = False
    is_default: bool = False
    is_test_sent: bool | None = None
