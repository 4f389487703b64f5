"""chasquid of Debian, as a server for its domain on 25, 587 and 465.

It does not let a domain that has come over TLS come without it again, so the way without TLS is a server of its own.
On 587 and 465 it wants AUTH; on 25, which offers STARTTLS and AUTH as well, it takes mail for its domain from anybody.
"""

from __future__ import annotations

import subprocess
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from tests.support.patience import wait_until
from tests.support.ports import reserve_ports
from tests.support.postfix import CLEAN_ENVIRONMENT
from tests.support.servers.kept import read_kept
from tests.support.servers.kind import Way
from tests.support.servers.process import missing_programs, serving
from tests.support.servers.running import DOMAIN, HOST_NAME, PASSWORD, REFUSED, USER, Running, write_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.support.servers.kind import Delivered, RealServer

MECHANISMS: Mapping[Way, tuple[str, ...]] = {Way.IMPLICIT: ("PLAIN",), Way.STARTTLS: ("PLAIN",), Way.PLAIN: ()}

CONFIGURATION = f"""\
hostname: "{HOST_NAME}"
mail_delivery_agent_bin: "{{folder}}/deliver"
mail_delivery_agent_args: "%from%"
mail_delivery_agent_args: "%to%"
suffix_separators: ""
drop_characters: ""
data_dir: "{{folder}}/data"
mail_log_path: "<stderr>"
"""
LISTENING = {
    Way.IMPLICIT: 'submission_over_tls_address: "127.0.0.1:{port}"\n',
    Way.STARTTLS: 'smtp_address: "127.0.0.1:{port}"\n',
    Way.PLAIN: 'smtp_address: "127.0.0.1:{port}"\n',
}
SERVERS = ((Way.IMPLICIT, Way.STARTTLS), (Way.PLAIN,))

# Recipients exist where they have an account or an alias: all but one have, and the alias has none. Of whoever has none
# chasquid asks what the alias of * is.
RESOLVE = f"""#!/bin/sh
case $1 in
    {REFUSED} | kept-* | [*]@*) ;;
    *) echo "kept-$1" ;;
esac
"""

# See kept.py.
DELIVER = """#!/bin/sh
set -e
file=$(mktemp {kept}/.XXXXXXXX)
{{ printf '%s\\n' "$1" "${{2#kept-}}" ''; cat; }} >"$file"
mv "$file" "{kept}/$(basename "$file" | tr -d .)"
"""


def missing() -> str:
    """Why it cannot run here; "" when it can."""
    return missing_programs("chasquid", "chasquid-util")


@contextmanager
def start(folder: Path) -> Iterator[RealServer]:
    """A process for the ways with TLS, and one for that without."""
    kept = folder / "kept"
    kept.mkdir()
    ca_file, certificate = write_certificates(folder)
    free = reserve_ports(len(MECHANISMS))
    with ExitStack() as stack:
        ports = dict(zip(MECHANISMS, free, strict=True))
        homes = []
        for ways in SERVERS:
            home = folder / ways[0].value
            _configure(home, {way: ports[way] for way in ways}, kept, certificate)
            argv = ("chasquid", "-config_dir", home)
            stack.enter_context(serving(*argv, log=folder / "log", ports=[ports[way] for way in ways]))
            homes.append(home)
        yield Running(
            name="chasquid",
            ports=ports,
            mechanisms=MECHANISMS,
            delivered=partial(_delivered, kept, homes),
            ca_file=ca_file,
        )


def _configure(home: Path, ports: Mapping[Way, int], kept: Path, certificate: Path) -> None:
    for name in ("certs/localhost", f"domains/{DOMAIN}", "hooks", "data"):
        (home / name).mkdir(parents=True)
    listening = "".join(LISTENING[way].format(port=port) for way, port in ports.items())
    (home / "chasquid.conf").write_text(CONFIGURATION.format(folder=home) + listening)
    for name in ("fullchain.pem", "privkey.pem"):  # Go picks from either what it needs
        (home / "certs/localhost" / name).symlink_to(certificate)
    for name, text in (("hooks/alias-resolve", RESOLVE), ("deliver", DELIVER.format(kept=kept))):
        (home / name).write_text(text)
        (home / name).chmod(0o755)
    argv = ("chasquid-util", f"-C={home}", "user-add", USER, f"--password={PASSWORD}")
    subprocess.run(argv, env=CLEAN_ENVIRONMENT, check=True, capture_output=True)


def _delivered(kept: Path, homes: Sequence[Path]) -> list[Delivered]:
    """Each message is queued as a file before it is delivered; that of one under way stays."""
    wait_until(lambda: not any(file for home in homes for file in home.glob("data/queue/*")))
    return read_kept(kept)
