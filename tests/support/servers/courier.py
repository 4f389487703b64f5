"""The MTA of Courier as Debian packages it, with a database of users of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.servers import overlay
from tests.support.servers.kind import Way
from tests.support.servers.overlay import Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.support.servers.kind import RealServer

_ALL = ("PLAIN", "LOGIN", "CRAM-MD5")
MECHANISMS: Mapping[Way, tuple[str, ...]] = {Way.IMPLICIT: _ALL, Way.STARTTLS: _ALL, Way.PLAIN: _ALL}

# Come on top of Debian's settings of esmtpd, which are shell assignments; the last one holds.
ESMTPD = """
ADDRESS=127.0.0.1
TCPDOPTS="$TCPDOPTS -nodnslookup"
BOFHCHECKDNS=0
TARPIT=0
MAXDAEMONS=100
MAXPERC=100
MAXPERIP=100
TLS_CERTFILE=/etc/courier/mx.pem
ESMTPAUTH="PLAIN LOGIN CRAM-MD5"
ESMTPAUTH_TLS="PLAIN LOGIN CRAM-MD5"
"""

START = r"""
cd /etc/courier
install -o courier -m 600 /stage/server.pem mx.pem
for file in esmtpd esmtpd-ssl; do cat /stage/esmtpd >>$file; done
echo "PORT=$(cat /stage/ports)" >>esmtpd
echo "SSLPORT=$(cat /stage/ssl-port) SSLADDRESS=127.0.0.1" >>esmtpd-ssl
echo mx.example.org >me
echo mx.example.org >locals
echo example.org >hosteddomains/ours
echo example.org >esmtpacceptmailfor.dir/ours
echo "opt MIME=none" >bofh  # or it writes MIME anew, boundaries and all
makehosteddomains
makeacceptmailfor
echo '@example.org: keeper' >aliases/ours
makealiases
install -d -o nobody /home/keeper
echo '|| exec /stage/keep "$DEFAULT@example.org"' >/home/keeper/.courier-default
echo "authmodulelist=authuserdb" >>authdaemonrc
for user in keeper alice@example.org; do userdb $user set uid=65534 gid=65534 home=/home/keeper shell=/bin/sh; done
userdbpw </stage/passwords | userdb alice@example.org set systempw
userdbpw -hmac-md5 </stage/passwords | userdb alice@example.org set hmac-md5pw
makeuserdb
install -d -o courier -g courier /run/courier /run/courier/authdaemon
/usr/sbin/authdaemond start
/usr/sbin/courier start
/usr/sbin/esmtpd start
/usr/sbin/esmtpd-ssl start
sleep infinity
"""

RECIPE = Recipe(
    "courier",
    MECHANISMS,
    START,
    {
        "esmtpd": ESMTPD,
        "ports": "{starttls},{plain}",
        "ssl-port": "{implicit}",
        "passwords": "{password}\n{password}\n",
    },
    queue="var/lib/courier/[mt][sm][gp]*/*/*",  # msgs, msgq, tmp
    headers_may_change=True,  # it folds lists of addresses anew
    refused="nobody-here@mx.example.org",  # example.org takes everybody
)


def missing() -> str:
    """Why it cannot run here; "" when it can."""
    return overlay.missing("courier")


def start(folder: Path) -> AbstractContextManager[RealServer]:
    """Starts one in the empty `folder`."""
    return overlay.running(RECIPE, folder)
