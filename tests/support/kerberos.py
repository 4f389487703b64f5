"""A real Kerberos realm of the test run's own: MIT's KDC on loopback, with one user and one mail service.

Database, keys and tickets live in a temporary directory; nothing of the machine's Kerberos is read or changed.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.support.patience import PATIENCE
from tests.support.ports import reserve_ports
from tests.support.postfix import CLEAN_ENVIRONMENT, FOLDER, missing_programs

REALM = "EXAMPLE.ORG"
USER = "alice"
PASSWORD = "correct horse"

# Names are taken as they are typed, and the server's key fits whatever name it has for itself.
KRB5_CONF = """\
[libdefaults]
  default_realm = {realm}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  ignore_acceptor_hostname = true
[realms]
  {realm} = {{
    kdc = 127.0.0.1:{port}
  }}
[domain_realm]
  localhost = {realm}
"""

KDC_CONF = """\
[realms]
  {realm} = {{
    database_name = {root}/principal
    key_stash_file = {root}/stash
    acl_file = {root}/kadm5.acl
    kdc_listen = 127.0.0.1:{port}
    kdc_tcp_listen = 127.0.0.1:{port}
  }}
"""


@dataclass(frozen=True, slots=True)
class Realm:
    """Where its files are."""

    root: Path
    user: str = USER

    @property
    def keytab(self) -> Path:
        """The mail service's key."""
        return self.root / "service/smtp.keytab"

    @property
    def configuration(self) -> Path:
        """What clients and services read."""
        return self.root / "krb5.conf"

    @property
    def without_ticket(self) -> dict[str, str]:
        """The variables of somebody who has no ticket yet."""
        return {"KRB5_CONFIG": str(self.configuration), "KRB5CCNAME": f"FILE:{self.root}/none"}

    @property
    def with_ticket(self) -> dict[str, str]:
        """The variables of somebody who has the user's ticket."""
        return {"KRB5_CONFIG": str(self.configuration), "KRB5CCNAME": f"FILE:{self.root}/ticket"}


def why_unavailable() -> str | None:
    """Why there can be no realm on this machine; None when there can."""
    if os.geteuid() != 0:
        return "the mail server of the realm can only be started by root"
    if find_spec("gssapi") is None:
        return "not installed: the Python package gssapi (pip install '.[gssapi]')"
    return missing_programs("krb5kdc", "kdb5_util", "kadmin.local", "kinit", "setpriv")


@contextmanager
def running_realm() -> Iterator[Realm]:
    """Starts its KDC, and leaves neither process nor file behind."""
    root = Path(tempfile.mkdtemp(prefix="kerberos-", dir=FOLDER))
    try:
        root.chmod(0o755)
        realm = Realm(root)
        variables = _lay_out(realm)
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "krb5kdc", "-n"],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _get_ticket(realm)
            yield realm
        finally:
            process.terminate()
            process.wait(PATIENCE)
    finally:
        shutil.rmtree(root)


def _lay_out(realm: Realm) -> dict[str, str]:
    """Database, principals and keytab; gives the variables of the KDC."""
    root = realm.root
    [port] = reserve_ports(1)
    realm.configuration.write_text(KRB5_CONF.format(realm=REALM, port=port))
    (root / "kdc.conf").write_text(KDC_CONF.format(realm=REALM, port=port, root=root))
    (root / "service").mkdir()
    variables = {
        **CLEAN_ENVIRONMENT,
        "KRB5_CONFIG": str(realm.configuration),
        "KRB5_KDC_PROFILE": str(root / "kdc.conf"),
    }
    _run(variables, "kdb5_util", "create", "-s", "-r", REALM, "-P", "master")
    for command in (
        f'addprinc -pw "{PASSWORD}" {USER}',
        "addprinc -randkey smtp/localhost",
        f"ktadd -k {realm.keytab} smtp/localhost",
    ):
        _run(variables, "kadmin.local", "-r", REALM, "-q", command)
    os.chown(realm.keytab, pwd.getpwnam("postfix").pw_uid, -1)
    return variables


def _get_ticket(realm: Realm) -> None:
    """Sign the user in, as soon as the KDC answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        done = subprocess.run(
            ["kinit", USER],
            env={**CLEAN_ENVIRONMENT, **realm.with_ticket},
            input=PASSWORD + "\n",
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"the KDC gives no ticket: {done.stderr}")
        time.sleep(0.05)


def _run(variables: dict[str, str], *argv: str) -> None:
    done = subprocess.run(argv, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}: {done.stdout}{done.stderr}")
