"""What each exit code means, in a phrase that fits a line of help and of the man page."""

from __future__ import annotations

from sendmail_cli.status import ExitCode

EXIT_CODE_MEANINGS = {
    ExitCode.OK: "success; a message was accepted for every recipient",
    ExitCode.USAGE: "wrong flags, or no recipients",
    ExitCode.DATAERR: "the message, an address, a header or the sender can't be used",
    ExitCode.NOINPUT: "an input file can't be read",
    ExitCode.NOUSER: "every recipient was refused for good",
    ExitCode.NOHOST: "the server's name does not exist",
    ExitCode.UNAVAILABLE: "refused for good; or TLS: certificate rejected, not offered",
    ExitCode.SOFTWARE: "a fault of sendmail-cli itself",
    ExitCode.OSERR: "the operating system refused a resource",
    ExitCode.CANTCREAT: "an output file can't be written",
    ExitCode.IOERR: "reading or writing failed half-way",
    ExitCode.TEMPFAIL: "nobody got the message and trying again may help",
    ExitCode.PROTOCOL: "the server does not speak SMTP, or the TLS handshake failed",
    ExitCode.NOPERM: "authentication failed, or the server's policy refused",
    ExitCode.CONFIG: "the configuration is wrong, or no password is set up",
    ExitCode.PARTIAL: "partly delivered: some recipients accepted, some refused",
    ExitCode.IN_DOUBT: "in doubt: the connection broke, the server may have the message",
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C)",
    ExitCode.TERMINATED: "terminated (SIGTERM)",
}
