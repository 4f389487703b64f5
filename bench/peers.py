"""The commands that send one message, or a row of them, with each program one would use instead of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

SENDER = "ada@example.org"
BODY = "hello\n"
SENDMAIL_CLI = str(Path(sys.executable).with_name("sendmail-cli"))

MESSAGE = f"From: {SENDER}\nTo: bob@example.org\nSubject: bench\n\n{BODY}"

# What somebody writes with the standard library: one connection, one `send_message` for each message.
SMTPLIB = """\
import smtplib, sys
from email.message import EmailMessage
port, count, sender, *recipients = sys.argv[1:]
with smtplib.SMTP("127.0.0.1", int(port)) as server:
    for _ in range(int(count)):
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = sender, ", ".join(recipients), "bench"
        message.set_content("hello")
        server.send_message(message)
"""

AIOSMTPLIB = """\
import asyncio, sys
from email.message import EmailMessage
import aiosmtplib
async def main(port, count, sender, *recipients):
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=int(port)) as server:
        for _ in range(int(count)):
            message = EmailMessage()
            message["From"], message["To"], message["Subject"] = sender, ", ".join(recipients), "bench"
            message.set_content("hello")
            await server.send_message(message)
asyncio.run(main(*sys.argv[1:]))
"""

PATCH = f"""\
From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001
From: Ada <{SENDER}>
Date: Mon, 1 Jan 2024 00:00:00 +0000
Subject: [PATCH] bench

hello
---
"""


class Job(NamedTuple):
    """Something to run: a program with its input, or the reason why it can't be."""

    name: str
    argv: tuple[str, ...] = ()
    stdin: str = ""
    missing: str = ""


class Place(NamedTuple):
    """Where the jobs run: the server's port, a folder of their own, and a Python that has the peers' libraries."""

    port: int
    folder: Path
    python: str

    @property
    def server(self) -> str:
        return f"127.0.0.1:{self.port}"

    def write(self, name: str, text: str) -> str:
        """A file in the folder; its path."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return str(path)


def one_message(place: Place, recipients: list[str]) -> list[Job]:
    """One message to `recipients` by each program; ours first."""
    return [
        ours(place, recipients),
        *(_found(job) for job in _mail_programs(place, recipients)),
        _script(place, "smtplib", SMTPLIB, 1, recipients),
        _script(place, "aiosmtplib", AIOSMTPLIB, 1, recipients),
    ]


def row_of_messages(place: Place, count: int) -> list[Job]:
    """`count` messages to one recipient each, on one connection where the program can do that; ours first."""
    recipients = ["bob@example.org"]
    message = place.write("message.eml", MESSAGE)
    each = ("--mail-from", SENDER, "--mail-rcpt", recipients[0], "-T", message, f"smtp://{place.server}/bench.example")
    again = tuple(word for _ in range(count - 1) for word in ("--next", "-sS", *each))
    return [
        our_row(place, count, "sendmail-cli", "--pipelining"),
        our_row(place, count, "sendmail-cli, eager BDAT", "--pipelining", "--chunking"),
        our_row(place, count, "sendmail-cli, stranger"),
        _script(place, "smtplib", SMTPLIB, count, recipients),
        _script(place, "aiosmtplib", AIOSMTPLIB, count, recipients),
        _found(Job("curl --next", ("curl", "-q", "-sS", *each, *again))),
        _mailmerge(place, count),
    ]


def ours(place: Place, recipients: list[str]) -> Job:
    return Job("sendmail-cli", (SENDMAIL_CLI, "send", "-S", place.server, "-m", "hello", "-f", SENDER, *recipients))


def our_row(place: Place, count: int, name: str, *flags: str) -> Job:
    """There is no command for it yet: the interface that one would call."""
    return Job(name, (sys.executable, "-m", "bench.row", str(place.port), str(count), *flags))


def ours_eager(place: Place, recipients: list[str]) -> Job:
    """BDAT along with MAIL and RCPT, which only a profile can ask for."""
    text = f'[profile.eager]\nfrom = "{SENDER}"\nserver = "{place.server}"\nchunking = "eager"\n'
    config = place.write("profiles.toml", text)
    argv = (SENDMAIL_CLI, "send", "-p", "eager", "-m", "hello", *recipients)
    return Job("sendmail-cli, eager BDAT", ("env", f"SENDMAIL_CLI_CONFIG={config}", *argv))


def _mail_programs(place: Place, recipients: list[str]) -> list[Job]:
    port, to = str(place.port), ",".join(recipients)
    message = place.write("one.eml", MESSAGE)
    rcpts = [word for recipient in recipients for word in ("--mail-rcpt", recipient)]
    swaks = f"swaks --server 127.0.0.1 --port {port} --silent 2 --from {SENDER} --to {to}".split()
    s_nail = (
        f"s-nail -:/ -Sv15-compat=yes -Ssmtp-auth=none -Smta=smtp://{place.server} -Sfrom={SENDER} -s bench".split()
    )
    sendemail = f"sendemail -s {place.server} -o tls=no -q -f {SENDER} -u bench -m hello -t".split()
    msmtp = f"msmtp -C /dev/null --host=127.0.0.1 --port={port} --auth=off --tls=off --from={SENDER} --".split()
    curl = f"curl -q -sS smtp://{place.server}/bench.example --mail-from {SENDER} -T".split()
    return [
        Job("msmtp", (*msmtp, *recipients), MESSAGE),
        Job("swaks", tuple(swaks)),
        Job("swaks --pipeline", (*swaks, "--pipeline")),
        Job("curl", (*curl, message, *rcpts)),
        Job("s-nail", (*s_nail, *recipients), BODY),
        Job("mutt", ("mutt", "-n", "-F", _muttrc(place), "-s", "bench", "--", *recipients), BODY),
        Job("sendEmail", (*sendemail, *recipients)),
        _git_send_email(place, recipients),
    ]


def _muttrc(place: Place) -> str:
    settings = f'smtp_url="smtp://{place.server}/"', "ssl_starttls=no", "ssl_force_tls=no", f"from={SENDER}", "copy=no"
    return place.write("muttrc", "".join(f"set {setting}\n" for setting in settings))


def _git_send_email(place: Place, recipients: list[str]) -> Job:
    if not _has_git_send_email():
        return Job("git send-email", missing="not installed")
    ourselves = "git -c user.name=Ada -c user.email=ada@example.org send-email"
    how = f"--smtp-server=127.0.0.1 --smtp-server-port={place.port} --smtp-domain=bench.example"
    asks = "--suppress-cc=all --confirm=never --quiet"
    to = [f"--to={recipient}" for recipient in recipients]
    patch = place.write("0001-bench.patch", PATCH)
    return Job("git send-email", (*f"{ourselves} {how} {asks} --from={SENDER}".split(), *to, patch))


def _found(job: Job) -> Job:
    """`job`, or that its program is missing."""
    if job.missing or shutil.which(job.argv[0]) is not None:
        return job
    return Job(job.name, missing="not installed")


def _has_git_send_email() -> bool:
    try:
        found = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return False
    return os.path.exists(os.path.join(found, "git-send-email"))


def _script(place: Place, module: str, text: str, count: int, recipients: list[str]) -> Job:
    """A script for a Python that has `module`."""
    path = place.write(f"{module}_script.py", text)
    argv = (place.python, path, str(place.port), str(count), SENDER, *recipients)
    return Job(module, argv) if _has_module(place.python, module) else Job(module, missing="not installed")


def _mailmerge(place: Place, count: int) -> Job:
    if not _has_module(place.python, "mailmerge"):
        return Job("mailmerge", missing="not installed")
    template = place.write("template.txt", f"TO: {{{{email}}}}\nSUBJECT: bench\nFROM: {SENDER}\n\nhello\n")
    rows = place.write("rows.csv", "email\n" + "bob@example.org\n" * count)
    config = place.write("server.conf", f"[smtp_server]\nhost = 127.0.0.1\nport = {place.port}\n")
    files = ("--template", template, "--database", rows, "--config", config)
    program = str(Path(place.python).with_name("mailmerge"))
    return Job("mailmerge", (program, *files, "--no-dry-run", "--no-limit"))


def _has_module(python: str, module: str) -> bool:
    return subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0
