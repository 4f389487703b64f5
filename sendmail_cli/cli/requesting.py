"""The request that the options of `send` make: texts, files and another message, from wherever they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sendmail_cli import service
from sendmail_cli.cli import standard_input
from sendmail_cli.cli.header_options import header_claims, resend_request, settle_headers
from sendmail_cli.cli.message_options import MESSAGE_OPTIONS, refuse_beside
from sendmail_cli.cli.options import Talk, server_flags
from sendmail_cli.cli.params import text_of
from sendmail_cli.errors import InputError, MailError, UsageError
from sendmail_cli.message.draft import decode_body
from sendmail_cli.request import AttachmentRequest, Request

if TYPE_CHECKING:
    from sendmail_cli.addresses import Address
    from sendmail_cli.cli.editor import Manuscript


def request_of(values: dict[str, Any], talking: Talk, manuscript: Manuscript, blank: Request) -> Request | None:
    """The request that the options `values` make of `blank`; None when there is nothing to say and --skip-empty was
    given. Raises `MailError`.
    """
    if values["raw"] is not None:
        return _raw_request(values, talking, blank)
    if values["resend"] is not None:
        return resend_request(values, talking, blank)
    return _composed_request(values, talking, manuscript, blank)


def _raw_request(values: dict[str, Any], talking: Talk, blank: Request) -> Request:
    refuse_beside("raw", values, MESSAGE_OPTIONS)
    return blank._replace(
        flags=server_flags(values),
        to=_joined(values["recipients"]),
        envelope_from=values["envelope_from"],
        raw=standard_input.open_input(values["raw"], talking.environment, talking.inform),
        is_exact=values["no_fixup"],
    )


def _composed_request(values: dict[str, Any], talking: Talk, manuscript: Manuscript, blank: Request) -> Request | None:
    _check_twice(values)
    if values["no_fixup"]:
        raise UsageError("--no-fixup is for a ready message; give it with --raw")
    attachments = _attachments(values, talking)
    claims = _claims(values) + header_claims(values)
    standard_input.check_claims(claims, is_forbidden=values["no_stdin"])
    forwarded = settle_headers(values, talking)
    request = blank._replace(
        flags=server_flags(values, from_=values["from_"]),
        to=_joined(values["recipients"]) + _joined(values["to"]),
        cc=_joined(values["cc"]),
        bcc=_joined(values["bcc"]),
        reply_to=_joined(values["reply_to"]),
        envelope_from=values["envelope_from"],
        subject=values["subject"],
        attachments=attachments,
        headers=values["header"],
        in_reply_to=values["in_reply_to"],
        forwarded=forwarded,
    )
    if _is_to_be_written(values, claims, talking):
        service.prepare(request, talking.environment, lambda _: None)  # nobody writes a text that can't be sent
        text: str | None = _edited(talking, manuscript)
        html = None
    else:
        text, html = _texts(values, claims, talking)
    if values["skip_empty"] and not text and not html:
        return None
    if any(attachment.path == "-" for attachment in attachments):
        standard_input.open_stdin(talking.environment, talking.inform)
    return request._replace(text=text, html=html)


def _joined(lists: tuple[tuple[Address, ...], ...]) -> tuple[Address, ...]:
    return tuple(address for addresses in lists for address in addresses)


def _check_twice(values: dict[str, Any]) -> None:
    for text, file in (("body", "body_file"), ("html", "html_file")):
        if values[text] is not None and values[file] is not None:
            raise UsageError(f"--{text} and --{file.replace('_', '-')} both say what the text is; give one of them")


def _attachments(values: dict[str, Any], talking: Talk) -> tuple[AttachmentRequest, ...]:
    """What to attach. --attach-type attaches its file, unless another option does: then it says of what type it is."""
    types = {path: media_type for media_type, path in values["attach_type"]}
    named = [(path, None) for path in values["attach"]] + [(path, text_of(name)) for name, path in values["attach_as"]]
    paths = {path for path, _ in named}
    named += [(path, None) for path in types if path not in paths]
    for path in values["attach"]:
        _check_not_a_profile(path, talking)
    return tuple(AttachmentRequest(path, name, types.get(path)) for path, name in named)


def _check_not_a_profile(path: str, talking: Talk) -> None:
    """msmtp's -a names an account; whoever types it means -p."""
    import os.path

    if path == "-" or os.path.exists(path) or "/" in path:
        return
    from sendmail_cli.config.profiles import load_profiles

    try:
        is_profile = path in load_profiles(talking.environment).names
    except MailError:
        return
    if is_profile:
        raise InputError(f"there is no file {path} to attach", hint=f"There is a profile of that name: -p {path}.")


def _claims(values: dict[str, Any]) -> list[str]:
    """The options that want standard input."""
    claims = [f"--{name.replace('_', '-')} -" for name in ("body_file", "html_file") if values[name] == "-"]
    attached = ["--attach -" for path in values["attach"] if path == "-"]
    attached += ["--attach-as NAME -" for _, path in values["attach_as"] if path == "-"]
    if not attached:
        attached = ["--attach-type TYPE -" for _, path in values["attach_type"] if path == "-"][:1]
    return claims + attached


def _has_text(values: dict[str, Any]) -> bool:
    return any(values[name] is not None for name in ("body", "html", "body_file", "html_file"))


def _is_to_be_written(values: dict[str, Any], claims: list[str], talking: Talk) -> bool:
    """True when a person sits there who said nothing about a text: then an editor opens."""
    is_decided = claims or values["no_stdin"] or _has_text(values)
    return not is_decided and standard_input.is_typed(talking.environment)


def _texts(values: dict[str, Any], claims: list[str], talking: Talk) -> tuple[str | None, str | None]:
    """Text and HTML, from wherever they come."""
    text, html = _line(values["body"]), _line(values["html"])
    if values["body_file"] is not None:
        text = _decoded(values["body_file"], talking)
    if values["html_file"] is not None:
        html = _decoded(values["html_file"], talking)
    if _has_text(values):
        return text, html
    if claims or values["no_stdin"]:
        return "", None
    if talking.environment.stdin is None:
        raise InputError(
            "standard input is closed, and the text was to come from it",
            hint="Use -m TEXT, or --no-stdin to send no text.",
        )
    return _decoded("-", talking), None


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


def _edited(talking: Talk, manuscript: Manuscript) -> str:
    """What the user writes in the editor."""
    if not talking.may_ask:
        raise UsageError("no text was given", hint="Use -m TEXT ('' for none), --body-file FILE, or a pipe.")
    return _text_in(manuscript.write(), "the text", talking)
