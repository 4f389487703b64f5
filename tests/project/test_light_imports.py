"""Start-up time is held by lists: what `--version`, one plain text message (below cli/) and sendmail(1) may load.

A module that appears here was decided on; one that doesn't was an accident. Each costs every start.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BARE = "import sys; bare = set(sys.modules);"
SHOW = "print(*sorted(set(sys.modules) - bare))"

FOR_VERSION = {"__future__", "sendmail_cli", "sendmail_cli.__main__"}

OURS_FOR_A_SEND = {
    "sendmail_cli",
    "sendmail_cli.addresses",
    "sendmail_cli.config",
    "sendmail_cli.config.credential_settings",
    "sendmail_cli.config.origins",
    "sendmail_cli.config.profile_contradictions",
    "sendmail_cli.config.profile_keys",
    "sendmail_cli.config.profiles",
    "sendmail_cli.config.queue_keys",
    "sendmail_cli.config.sender_rules",
    "sendmail_cli.config.server_settings",
    "sendmail_cli.config.server_url",
    "sendmail_cli.config.settings",
    "sendmail_cli.config.tls_settings",
    "sendmail_cli.config.toml_kinds",
    "sendmail_cli.config.toml_lines",
    "sendmail_cli.config.trusted_file",
    "sendmail_cli.config.variable_settings",
    "sendmail_cli.config.way_settings",
    "sendmail_cli.delivery",
    "sendmail_cli.environment",
    "sendmail_cli.errors",
    "sendmail_cli.jobs",
    "sendmail_cli.message",
    "sendmail_cli.message.compose",
    "sendmail_cli.message.draft",
    "sendmail_cli.message.encoded_words",
    "sendmail_cli.message.encoding",
    "sendmail_cli.message.fields",
    "sendmail_cli.message.headers",
    "sendmail_cli.message.parts",
    "sendmail_cli.net",
    "sendmail_cli.net.dial",
    "sendmail_cli.net.race",
    "sendmail_cli.net.stream",
    "sendmail_cli.octets",
    "sendmail_cli.opening",
    "sendmail_cli.people",
    "sendmail_cli.printable",
    "sendmail_cli.queue",
    "sendmail_cli.queue.choice",
    "sendmail_cli.report",
    "sendmail_cli.secret",
    "sendmail_cli.server",
    "sendmail_cli.request",
    "sendmail_cli.series",
    "sendmail_cli.service",
    "sendmail_cli.session",
    "sendmail_cli.smtp",
    "sendmail_cli.smtp.capabilities",
    "sendmail_cli.smtp.commands",
    "sendmail_cli.smtp.connection",
    "sendmail_cli.smtp.content",
    "sendmail_cli.smtp.envelope",
    "sendmail_cli.smtp.parameters",
    "sendmail_cli.smtp.replies",
    "sendmail_cli.smtp.transaction",
    "sendmail_cli.status",
    "sendmail_cli.submission",
    "sendmail_cli.trace",
    "sendmail_cli.typing",
}
OURS_FOR_COMPOSING = {
    "sendmail_cli.message.compose",
    "sendmail_cli.message.encoded_words",
    "sendmail_cli.message.encoding",
    "sendmail_cli.message.fields",
    "sendmail_cli.message.parts",
}
OURS_FOR_SENDMAIL = OURS_FOR_A_SEND - OURS_FOR_COMPOSING | {
    "sendmail_cli.addressees",
    "sendmail_cli.cli",
    "sendmail_cli.cli.endings",
    "sendmail_cli.cli.headline",
    "sendmail_cli.cli.interrupts",
    "sendmail_cli.cli.output",
    "sendmail_cli.cli.sendmail",
    "sendmail_cli.cli.sendmail_grammar",
    "sendmail_cli.message.lines",
    "sendmail_cli.message.local_mail",
    "sendmail_cli.message.raw",
    "sendmail_cli.message.raw_header",
    "sendmail_cli.message.source",
    "sendmail_cli.message.spans",
}
LIBRARY_FOR_COMPOSING = {"binascii", "struct", "_struct"}  # base64 in lines
LIBRARY_FOR_SENDMAIL = {
    # re
    "__future__", "collections", "collections.abc", "contextlib", "copyreg", "enum", "functools", "itertools",
    "keyword", "operator", "re", "re._casefix", "re._compiler", "re._constants", "re._parser", "reprlib", "types",
    "_collections", "_functools", "_operator", "_sre",
    # what stands below `socket`
    "errno", "select", "_socket",
}  # fmt: skip


def loaded_by(code: str, environment: dict[str, str] | None = None) -> set[str]:
    """The modules that `code` loads in a fresh interpreter, beyond those that are there anyway."""
    result = subprocess.run(
        [sys.executable, "-I", "-c", f"{BARE}\n{code}\n{SHOW}"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert result.returncode == 0, result.stderr
    return set(result.stdout.splitlines()[-1].split())


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


def test_version_loads_next_to_nothing() -> None:
    loaded = loaded_by(
        "sys.argv = ['sendmail-cli', '--version']\nfrom sendmail_cli.__main__ import main\nmain()",
    )
    assert loaded <= FOR_VERSION, sorted(loaded - FOR_VERSION)


def test_plain_text_message_loads_what_was_decided_on(sink: Sink, tmp_path: Path) -> None:
    config = tmp_path / "profiles.toml"
    config.write_text(f'[profile.here]\nfrom = "ada@example.org"\nserver = "127.0.0.1:{sink.port}"\n')
    config.chmod(0o600)
    loaded = loaded_by(
        "from sendmail_cli.addresses import parse_address_list\n"
        "from sendmail_cli.environment import Environment\n"
        "from sendmail_cli.request import Request\n"
        "from sendmail_cli.service import send\n"
        f"environment = Environment({{'HOME': {str(tmp_path)!r}, 'SENDMAIL_CLI_CONFIG': {str(config)!r}}})\n"
        "request = Request(to=parse_address_list('bob@example.org'), subject='plain', text='hello\\n')\n"
        "report = send(request, environment)\n"
        "assert report.exit_code == 0, report\n"
    )
    allowed = OURS_FOR_A_SEND | LIBRARY_FOR_SENDMAIL | LIBRARY_FOR_COMPOSING
    assert loaded <= allowed, sorted(loaded - allowed)
    assert b"hello" in sink.received


def test_sendmail_mode_loads_what_was_decided_on(sink: Sink, tmp_path: Path) -> None:
    config = tmp_path / "profiles.toml"
    config.write_text(f'[profile.here]\nfrom = "ada@example.org"\nserver = "127.0.0.1:{sink.port}"\n')
    config.chmod(0o600)
    loaded = loaded_by(
        "import io\n"
        "from sendmail_cli.cli.sendmail import main\n"
        "from sendmail_cli.environment import Environment\n"
        f"variables = dict(HOME={str(tmp_path)!r}, SENDMAIL_CLI_CONFIG={str(config)!r})\n"
        f"variables['SENDMAIL_CLI_SPOOL'] = {str(tmp_path / 'spool')!r}\n"
        "environment = Environment(variables, stdin=io.BytesIO(b'Subject: x\\n\\nhello\\n'))\n"
        "assert main('sendmail', ['-i', 'bob@example.org'], environment) == 0\n"
    )
    allowed = OURS_FOR_SENDMAIL | LIBRARY_FOR_SENDMAIL
    assert loaded <= allowed, sorted(loaded - allowed)
    assert b"hello" in sink.received


@pytest.mark.parametrize("module", ["sendmail_cli", "sendmail_cli.cli.app"])
def test_import_loads_nothing_heavy(module: str) -> None:
    heavy = {"keyring", "ssl", "email", "asyncio", "importlib.metadata", "aiosmtpd", "cryptography", "magic", "tomlkit"}
    assert not heavy & loaded_by(f"import {module}")
