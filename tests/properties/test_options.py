"""Whatever an option of `send` is given: a message whose header has the fields that were meant, or a refusal."""

from __future__ import annotations

import email
import email.policy
import os
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.command import Machine, Runner

if TYPE_CHECKING:
    from email.message import EmailMessage

PLAIN = ["send", "--dry-run", "-f", "ada@example.org", "-t", "bob@example.org", "-s", "s", "-m", "text"]
USUAL = {"date", "from", "to", "subject", "message-id", "mime-version", "content-type", "content-transfer-encoding"}
# Each option with the fields that it may write.
OPTIONS = {
    "--to": {"to"},
    "--cc": {"cc"},
    "--bcc": set(),
    "--reply-to": {"reply-to"},
    "--sender": {"sender"},
    "--in-reply-to": {"in-reply-to", "references"},
    "--list-unsubscribe": {"list-unsubscribe", "list-unsubscribe-post"},
    "--request-receipt": {"disposition-notification-to"},
    "--signature": set(),
    "--charset": set(),
    "--html": set(),
}
PREFIXED = {  # the rest of the value is whatever it is
    ("--header", "X-Any: "): {"x-any"},
    ("--header", "Subject:"): set(),
    ("--header", "Reply-To: Ada "): {"reply-to"},
    ("--header", "List-Id: "): {"list-id"},
    ("--to", "Ada <ada@example.org>, "): {"to"},
    ("--to", "g: a@example.org;"): {"to"},
    ("--list-unsubscribe", "https://example.org/"): {"list-unsubscribe", "list-unsubscribe-post"},
    ("--in-reply-to", "<a@"): {"in-reply-to", "references"},
}
WAYS = {**{(option, ""): fields for option, fields in OPTIONS.items()}, **PREFIXED}
HOSTILE = [
    "\r", "\n", "\r\n", "\r\n ", "\n\n", "\t", " ", "\x00", "\x1b[2J", "\x7f", "\x85", "\u2028", "\u202e", "\udcff",
    "Bcc: eve@example.org", "X:", ":", ";", ",", "<", ">", "@", "a@b.example", "ü@b.example", "a@bücher.example", '"',
    "\\", "(", ")", "=?utf-8?q?=0D=0ABcc:_e@x?=", "=?", "?=", "https://x.example/", "mailto:a@b.example", "x" * 1000,
    "日本", "🎉", "utf-8", "[", "]", "-", ".", "'", "/", "%0D%0A",
]  # fmt: skip
# What isn't UTF-8 comes from the command line as one of the surrogates up to U+DCFF.
texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.lists(st.sampled_from(HOSTILE), max_size=8).map("".join),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    return Runner(Machine(tmp_path_factory.mktemp("machine")))


def fields_of(octets: bytes) -> list[str]:
    """The names in the header, in lower case, of a message fit for every server."""
    assert not set(b"\r\n") & set(octets.replace(b"\r\n", b""))
    assert b"\0" not in octets
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    header = octets.partition(b"\r\n\r\n")[0]
    lines = [line for line in header.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    names = [re.fullmatch(rb"([!-9;-~]+):.*", line) for line in lines]
    assert all(names), lines
    message: EmailMessage = email.message_from_bytes(octets, policy=email.policy.default)
    assert not any(part.defects for part in message.walk())
    assert len(message.items()) == len(lines)
    return [name.lower() for name in message.keys()]  # noqa: SIM118  # each as often as it is there


@pytest.mark.parametrize("way", WAYS)
@given(text=texts)
@settings(max_examples=40)
def test_an_option_writes_its_own_fields_or_is_refused(way: tuple[str, str], run: Runner, text: str) -> None:
    option, prefix = way
    done = run(*PLAIN, f"{option}={prefix}{text}")
    assert "Traceback" not in done.err
    assert done.code in {0, 64, 65}, done
    if done.code != 0:
        assert done.out == b""
        return
    names = fields_of(done.out)
    assert len(set(names)) == len(names)
    assert set(names) - USUAL <= WAYS[way]


@given(name=texts)
@settings(max_examples=60)
def test_a_file_name_adds_no_field_and_arrives(run: Runner, name: str) -> None:
    path = run.machine.folder / "data"
    path.write_bytes(b"\x00")
    done = run(*PLAIN, "--attach-as", name, path)
    assert done.code in {0, 65}, done
    if done.code == 0:
        assert set(fields_of(done.out)) == USUAL - {"content-transfer-encoding"}
        message: EmailMessage = email.message_from_bytes(done.out, policy=email.policy.default)
        (part,) = message.iter_attachments()
        assert part["content-disposition"].params["filename"] == _as_read(os.fsencode(name))


def _as_read(octets: bytes) -> str:
    """UTF-8; what isn't is ISO-8859-1, all of it."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("iso-8859-1")
