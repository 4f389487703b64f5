"""qpsmtpd of Debian: no TLS, and plugins that make it an adversary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.servers import overlay
from tests.support.servers.kind import Way
from tests.support.servers.overlay import OverlayServer, Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path


MECHANISMS: Mapping[Way, tuple[str, ...]] = {Way.PLAIN: ("PLAIN", "LOGIN", "CRAM-MD5")}

# It hands mail on to another server as a rule; here a plugin of our own writes what /stage/keep would, without a child
# process, for which the perl of the server (-T) does not trust its environment.
KEEP = r"""
use strict;
use warnings;
use Qpsmtpd::Constants;
use Time::HiRes qw(time);

sub hook_rcpt {  # the server's own badrcptto lets those pass who have signed in
    my ($self, $transaction, $recipient) = @_;
    return $recipient->user eq 'nobody-here' ? (DENY, 'nobody of this name here') : DECLINED;
}

sub hook_queue {
    my ($self, $transaction) = @_;
    my $file = sprintf '%d-%d', time * 1e9, $$;
    open my $out, '>', "/stage/kept/.$file" or return DENYSOFT;
    print {$out} map { $_->address . "\n" } $transaction->sender, $transaction->recipients;
    print {$out} "\n", $transaction->header->as_string;
    $transaction->body_resetpos;
    while (my $line = $transaction->body_getline) { print {$out} $line }
    close $out or return DENYSOFT;
    rename "/stage/kept/.$file", "/stage/kept/$file" or return DENYSOFT;
    return OK, "kept $file";
}
"""

START = """
chmod 00700 /var/spool/qpsmtpd  # Debian has the bit for the group set, and the server refuses what inherits it
cd /etc/qpsmtpd
cp /stage/keep-plugin /usr/share/qpsmtpd/plugins/keep
cat /stage/plugins >plugins
echo 'logging/warn LOGINFO' >logging
echo mx.example.org >me
echo example.org >rcpthosts
cat /stage/passwords >flat_auth_pw
: >relayclients
# It asks for the client's name whatever --no-rdns says, and waits for an answer.
sed -i 's/tcpenv($nto_laddr, $nto_iaddr)/tcpenv($nto_laddr, $nto_iaddr, $NORDNS)/' /usr/bin/qpsmtpd-forkserver
export QPSMTPD_CONFIG=/etc/qpsmtpd TCPREMOTEIP=
qpsmtpd-forkserver --listen-address 127.0.0.1 --port $(cat /stage/port) --user qpsmtpd --max-from-ip 100 --no-rdns
"""

PLUGINS = """\
auth/auth_flat_file
keep
rcpt_ok
"""


def missing() -> str:
    """Why it cannot run here; "" when it can."""
    return overlay.missing("qpsmtpd")


def start(folder: Path, adversary: str = "") -> AbstractContextManager[OverlayServer]:
    """Starts one in the empty `folder`; `adversary` is a line of its plugins that comes before all others."""
    files = {
        "keep-plugin": KEEP,
        "plugins": f"{adversary}\n{PLUGINS}",
        "passwords": "{user}:{password}\n",
        "port": "{plain}",
    }
    return overlay.running(Recipe("qpsmtpd", MECHANISMS, START, files), folder)
