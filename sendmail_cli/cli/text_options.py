"""The options of `send` for the form of the text, and the text itself, from wherever it comes."""

from __future__ import annotations

import click

from sendmail_cli.cli import standard_input
from sendmail_cli.cli.groups import option
from sendmail_cli.cli.options import stack
from sendmail_cli.cli.params import CHARSET, FILE, FOLDER, TEXT
from sendmail_cli.errors import InputError, UsageError
from sendmail_cli.message.draft import TextForm, decode_body
from sendmail_cli.message.encoding import ENCODINGS
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any

    from sendmail_cli.cli.editor import Manuscript
    from sendmail_cli.cli.options import Talk
    from sendmail_cli.message.inline_images import Page

_FORMS = ("body", "html", "markdown")
_FILES = ("body_file", "html_file", "markdown_file", "signature_file")

text_options = stack(
    option(
        "--no-alternative", is_flag=True, section="Form of the text", help="Send HTML alone: no text is made of it."
    ),
    option(
        "--inline",
        is_flag=True,
        section="Form of the text",
        help="Send the image files along that the HTML shows: those of its src, srcset, poster, background and of "
        "url() in its styles, from the HTML file's folder and below. What is on the network stays there.",
    ),
    option(
        "--inline-root",
        once=True,
        type=FOLDER,
        section="Form of the text",
        help="With --inline, which this implies: take image files from this folder and below.",
    ),
    option(
        "--format-flowed",
        is_flag=True,
        section="Form of the text",
        help="Let readers wrap the text to their window (RFC 3676): a paragraph is one line, > begins a quotation.",
    ),
    option(
        "--signature",
        once=True,
        type=TEXT,
        section="Form of the text",
        help="Put this below the text, after a line of two hyphens.",
    ),
    option(
        "--signature-file",
        once=True,
        type=FILE,
        section="Form of the text",
        help="Read the signature from this file; - is standard input.",
    ),
    option("--no-signature", is_flag=True, section="Form of the text", help="Leave the profile's signature out."),
    option(
        "--charset",
        once=True,
        type=CHARSET,
        section="Form of the text",
        help="Write text and HTML in this charset. Default: us-ascii where that says it all, else utf-8.",
    ),
    option(
        "--encoding",
        type=click.Choice(ENCODINGS),
        section="Form of the text",
        help="Encode text and HTML so. Default: what is shortest and arrives unchanged.",
    ),
)


class Texts(NamedTuple):
    """What a message says, as it was given."""

    text: str | None = None
    html: str | None = None
    markdown: str | None = None

    @property
    def is_empty(self) -> bool:
        """True when there is nothing to read."""
        return not any(self)


def form_of(values: dict[str, Any]) -> TextForm:
    """The form that the options of `text_options` ask for."""
    return TextForm(values["charset"], values["encoding"], values["format_flowed"])


def check_texts(values: dict[str, Any]) -> None:
    """Raises `UsageError` for options that both say what the text is, or the signature."""
    for text, file in ((name, f"{name}_file") for name in (*_FORMS, "signature")):
        _refuse_both(values, text, file, f"what the {'signature' if text == 'signature' else 'text'} is")
    for markdown in ("markdown", "markdown_file"):
        for name in ("body", "body_file", "html", "html_file"):
            _refuse_both(values, name, markdown, "what the text is")
    if values["no_signature"] and not (values["signature"] is None and values["signature_file"] is None):
        raise UsageError("--no-signature leaves out what --signature puts there; give one of them")


def page_of(values: dict[str, Any]) -> Page | None:
    """Where the pictures are that go with the HTML; None where none do. Raises `UsageError` where there is no HTML."""
    root = values["inline_root"]
    if root is None and not values["inline"]:
        return None
    given = next(
        (name for name in ("html", "html_file", "markdown", "markdown_file") if values[name] is not None), None
    )
    if given is None:
        raise UsageError("--inline is for what HTML shows; give that with --html-file or --markdown-file")
    import os.path

    from sendmail_cli.message.inline_images import Page

    path = values[given] if given.endswith("_file") and values[given] != "-" else None
    if root is not None and not os.path.isdir(root):
        raise InputError(f"can't read {printable(root)}, the folder of --inline-root: there is no such folder")
    folder = (root or ".") if path is None else os.path.dirname(path) or "."
    label = _flag(given) if not given.endswith("_file") else printable(path or "standard input")
    return Page(label, folder, root or folder)


def _refuse_both(values: dict[str, Any], one: str, other: str, what: str) -> None:
    if values[one] is not None and values[other] is not None:
        raise UsageError(f"{_flag(one)} and {_flag(other)} both say {what}; give one of them")


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def text_claims(values: dict[str, Any]) -> list[str]:
    """The options that want standard input for the text or the signature."""
    return [f"{_flag(name)} -" for name in _FILES if values[name] == "-"]


def text_files(values: dict[str, Any]) -> set[str]:
    """What these options read; "-" among them."""
    return {values[name] for name in _FILES} - {None}


def has_text(values: dict[str, Any]) -> bool:
    """True when an option says what the text is."""
    return any(values[name] is not None for form in _FORMS for name in (form, f"{form}_file"))


def read_signature(values: dict[str, Any], talking: Talk) -> str | None:
    """What stands below the text; None where the profile says it, "" for nothing."""
    if values["no_signature"]:
        return ""
    if values["signature_file"] is not None:
        return _decoded(values["signature_file"], talking)
    signature: str | None = values["signature"]
    return signature


def read_texts(values: dict[str, Any], claims: list[str], talking: Talk) -> Texts:
    """The text in the forms that were given; without any it is standard input, unless one of `claims` has that."""
    if has_text(values):
        return Texts(*(_given(values, form, talking) for form in _FORMS))
    if claims or values["no_stdin"]:
        return Texts("")
    if talking.environment.stdin is None:
        raise InputError(
            "standard input is closed, and the text was to come from it",
            hint="Use -m TEXT, or --no-stdin to send no text.",
        )
    return Texts(_decoded("-", talking))


def write_text(talking: Talk, manuscript: Manuscript) -> Texts:
    """What the user writes in the editor."""
    if not talking.may_ask:
        raise UsageError("no text was given", hint="Use -m TEXT ('' for none), --body-file FILE, or a pipe.")
    return Texts(_text_in(manuscript.write(), "the text", talking))


def _given(values: dict[str, Any], form: str, talking: Talk) -> str | None:
    path = values[f"{form}_file"]
    return _line(values[form]) if path is None else _decoded(path, talking)


def _line(text: str | None) -> str | None:
    """An argument as lines of text: it ends one, though nobody types a line break at its end."""
    return f"{text}\n" if text and not text.endswith("\n") else text


def _decoded(path: str, talking: Talk) -> str:
    source = standard_input.open_input(path, talking.environment, talking.inform)
    return _text_in(b"".join(source.chunks()), "standard input" if path == "-" else path, talking)


def _text_in(octets: bytes, name: str, talking: Talk) -> str:
    text, charset = decode_body(octets, talking.environment.locale_charset())
    if charset.lower() not in {"utf-8", "us-ascii"}:
        talking.output.note(f"{name} is not UTF-8; it was read as {charset}")
    return text
