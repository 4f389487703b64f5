"""The options of `send` that say whom a message is for and what is in it."""

from __future__ import annotations

from sendmail_cli.cli.groups import option
from sendmail_cli.cli.options import stack
from sendmail_cli.cli.params import ADDRESSEES, ADDRESSES, FILE, MAILBOXES, REVERSE_PATH, TEXT
from sendmail_cli.errors import UsageError
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

# What says something about a message that is composed here, and nothing about one that is ready.
MESSAGE_OPTIONS = (
    "to", "cc", "bcc", "from_", "reply_to", "subject", "body", "html", "markdown", "body_file", "html_file",
    "markdown_file", "header", "in_reply_to", "no_alternative", "inline", "inline_root", "format_flowed", "signature",
    "signature_file", "no_signature", "charset", "encoding", "attach", "attach_as", "attach_type", "attach_charset",
    "attach_disposition", "calendar", "skip_empty", "no_stdin", "sender", "reply_to_message", "reply_all", "forward",
    "resend", "list_unsubscribe", "auto_submitted", "importance", "request_receipt",
)  # fmt: skip
UNSAID = (None, (), False)

who_options = stack(
    option("-t", "--to", multiple=True, type=ADDRESSEES, section="Who", help="Send to this address. May be repeated."),
    option("-c", "--cc", multiple=True, type=ADDRESSEES, section="Who", help="Send a copy to this address."),
    option("-b", "--bcc", multiple=True, type=ADDRESSEES, section="Who", help="Send a copy that nobody else sees."),
    option(
        "-f",
        "--from",
        "from_",
        once=True,
        type=MAILBOXES,
        section="Who",
        help="Send as this address; several, with commas, stand together in From. Default: the profile's.",
    ),
    option(
        "--envelope-from",
        type=REVERSE_PATH,
        section="Who",
        help="Have failures reported to this address; '' or '<>': to nobody. Default: --sender's, else --from's.",
    ),
    option("--reply-to", multiple=True, type=ADDRESSES, section="Who", help="Have answers sent to this address."),
)

what_options = stack(
    option("-s", "--subject", once=True, type=TEXT, section="What", help="The subject."),
    option("-m", "--body", once=True, type=TEXT, section="What", help="The text. Standard input is not read then."),
    option(
        "--body-file", once=True, type=FILE, section="What", help="Read the text from this file; - is standard input."
    ),
    option(
        "--html",
        once=True,
        type=TEXT,
        section="What",
        help="The text as HTML. For readers that show none, text is made of it unless -m or --body-file gives one.",
    ),
    option(
        "--html-file", once=True, type=FILE, section="What", help="Read the HTML from this file; - is standard input."
    ),
    option(
        "--markdown",
        once=True,
        type=TEXT,
        section="What",
        help="The text in Markdown: it goes as it is, and as HTML made of it.",
    ),
    option(
        "--markdown-file",
        once=True,
        type=FILE,
        section="What",
        help="Read the Markdown from this file; - is standard input.",
    ),
    option(
        "--no-stdin", is_flag=True, section="What", help="Never read standard input, for loops over ssh or while read."
    ),
    option("--skip-empty", is_flag=True, section="What", help="Send nothing, and exit 0, when the text is empty."),
)

ready_options = stack(
    option(
        "--raw",
        type=FILE,
        section="A ready message",
        help="Send this ready message (RFC 5322); - is standard input. Arguments are the envelope's recipients then, "
        "and without any the message's own To, Cc and Bcc. Of an mbox or a Maildir each message is sent.",
    ),
    option(
        "--no-fixup",
        is_flag=True,
        section="A ready message",
        help="With --raw: send the message without any change, or not at all. Refused are lines that don't end in CR "
        "LF, a Bcc field, a NUL, lines over 998 octets, and 8-bit text where the server takes none.",
    ),
)


def refuse_beside(mode: str, values: dict[str, Any], names: Iterable[str]) -> None:
    """Raises `UsageError` for the first of the options `names` that was given beside --`mode`, a ready message's."""
    for name in names:
        if values[name] not in UNSAID:
            flag = "--" + name.rstrip("_").replace("_", "-")
            hint = "--envelope-from sets the sender of the envelope." if name == "from_" else ""
            raise UsageError(f"--{mode} sends a ready message as it is, so {flag} can't be given with it", hint=hint)
