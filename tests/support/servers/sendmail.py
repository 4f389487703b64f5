"""sendmail of Debian, with a configuration made by its own m4 macros."""

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
MECHANISMS: Mapping[Way, tuple[str, ...]] = {
    Way.IMPLICIT: _ALL,
    Way.STARTTLS: _ALL,
    Way.PLAIN: ("CRAM-MD5",),  # confAUTH_OPTIONS p: no password in the clear
}

# The flags of the mailer keep: l local, m several recipients at once, n no line that begins with "From ".
CONFIGURATION = """\
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `mx.example.org')dnl
define(`confPID_FILE', `/run/sendmail.pid')dnl
define(`STATUS_FILE', `/run/sendmail.st')dnl
define(`ALIAS_FILE', `')dnl
define(`confCACERT_PATH', `/etc/ssl/certs')dnl
define(`confCACERT', `/etc/mail/server.pem')dnl
define(`confSERVER_CERT', `/etc/mail/server.pem')dnl
define(`confSERVER_KEY', `/etc/mail/server.pem')dnl
define(`confDONT_BLAME_SENDMAIL', `GroupReadableKeyFile,GroupReadableSASLDBFile')dnl
define(`confAUTH_MECHANISMS', `PLAIN LOGIN CRAM-MD5 DIGEST-MD5')dnl
TRUST_AUTH_MECH(`PLAIN LOGIN CRAM-MD5 DIGEST-MD5')dnl
define(`confAUTH_OPTIONS', `A p')dnl
define(`confTO_IDENT', `0')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confDELAY_LA', `0')dnl
define(`confCONNECTION_RATE_THROTTLE', `0')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`no_default_msa')dnl
DAEMON_OPTIONS(`Name=MSP, Family=inet, Addr=127.0.0.1, Port={implicit}, M=s')dnl
DAEMON_OPTIONS(`Name=MSA, Family=inet, Addr=127.0.0.1, Port={starttls}')dnl
DAEMON_OPTIONS(`Name=MTA, Family=inet, Addr=127.0.0.1, Port={plain}')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl
MAILER_DEFINITIONS
Mkeep, P=/usr/bin/env, F=lmn, T=DNS/RFC822/X-Unix, U=nobody:nogroup, L=0, A=env SENDER=$g /stage/keep $u
LOCAL_RULE_0
R$+ <@ example.org .>	$#keep $@ example.org $: $1@example.org
R$+ <@ example.org>	$#keep $@ example.org $: $1@example.org
LOCAL_RULESETS
SLocal_check_rcpt
R<nobody-here@$*>	$#error $@ 5.1.1 $: "550 nobody of this name here"
R<$*@example.org>	$#OK
"""

START = """
cp /stage/server.pem /etc/mail/server.pem
chmod 600 /etc/mail/server.pem
m4 /usr/share/sendmail/cf/m4/cf.m4 /stage/sendmail.mc >/etc/mail/sendmail.cf
chown root: /var/spool/mqueue
chmod 700 /var/spool/mqueue
rm -f /etc/sasldb2
cat /stage/password | saslpasswd2 -c -p -u example.org alice
printf 'pwcheck_method: auxprop\nauxprop_plugin: sasldb\n' >/usr/lib/sasl2/Sendmail.conf
/usr/sbin/sendmail-mta -bD
"""

RECIPE = Recipe(
    "sendmail",
    MECHANISMS,
    START,
    {"sendmail.mc": CONFIGURATION, "password": "{password}"},
    queue="var/spool/mqueue/*",
    headers_may_change=True,
)


def missing() -> str:
    """Why it cannot run here; "" when it can."""
    return overlay.missing("sendmail")


def start(folder: Path) -> AbstractContextManager[RealServer]:
    """Starts one in the empty `folder`."""
    return overlay.running(RECIPE, folder)
