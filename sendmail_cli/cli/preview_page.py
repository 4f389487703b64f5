"""The page that `--preview` makes: a message as its readers will see it, its envelope, and what `--lint` finds.

HTML of the message stands in sandboxed frames, which run no script, open nothing and have no origin. The page's
Content-Security-Policy holds in them too, and lets nothing be loaded but what the page itself brings along.
"""

from __future__ import annotations

import re
from html import escape
from urllib.parse import unquote

from sendmail_cli import __version__
from sendmail_cli.cli.output import PROGRAM
from sendmail_cli.cli.page import END, head, text_of
from sendmail_cli.cli.preview_style import STYLE
from sendmail_cli.message.decoded_words import decode_words
from sendmail_cli.message.html_facts import html_facts
from sendmail_cli.printable import one_line, printable
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sendmail_cli.addresses import AddrSpec
    from sendmail_cli.cli.looked import Looked
    from sendmail_cli.message.anatomy import Part
    from sendmail_cli.message.html_facts import HtmlFacts
    from sendmail_cli.message.linting.finding import Finding
    from sendmail_cli.message.linting.letter import Letter

# Styles of the message stand in it as they please, so they can't be named by a hash.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'"
)
FRAME_HEAD = (
    f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    '<meta http-equiv="x-dns-prefetch-control" content="off"><meta name="referrer" content="no-referrer">'
)

SHOWN_FIELDS = ("From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date")
MAX_RECIPIENTS = 500  # that are named
MAX_TEXT = 200_000  # characters of a plain text
MAX_RAW = 200_000  # characters of the raw header
MAX_HTML = 2_000_000  # characters of an HTML text
MAX_THUMBNAIL = 300 * 1024  # octets of an attached picture that is shown
MAX_PICTURES = 24 * 1024 * 1024  # octets of pictures in all HTML texts
MAX_REMOTE = 50  # that are named
MAX_DEPTH = 5  # messages within messages

NAMELESS = {"message/rfc822": "a message", "text/calendar": "a calendar"}
TONES = {"error": "bad", "warning": "unsure", "note": "soft"}
_PICTURE = re.compile(r"image/(?:png|jpe?g|gif|webp|bmp|avif|svg\+xml)")
_CID = re.compile(r"""((?:=|url\()\s*+["']?+\s*+)cid:([^"'\s>)]+)""", re.IGNORECASE)
# A policy stops what is loaded, and not the connection that a browser opens for it beforehand.
_CALLING = re.compile(r"<(?=(?:link|iframe|frame|object|embed|portal|fencedframe)\b)", re.IGNORECASE)

FILE_ICON = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6 2.5h8l4.5 4.5v14.5h-12.5z"/><path d="M14 2.5v4.5h4.5"/>'
    "</svg>"
)


def page(looked: Looked) -> bytes:
    """The page, whole."""
    letter = looked.letter
    subject = letter.message.value("subject") or "No subject"
    body = [
        *_header(looked, subject),
        *_findings(looked.findings),
        *_fields(letter.message),
        *_envelope(letter),
        *_message(letter.message, _Album(MAX_PICTURES), 0),
    ]
    lines = [*head(f"Preview: {subject}", STYLE, POLICY), "<main>", *body, "</main>", *_footer(), *END]
    return "\n".join(lines).encode("utf-8", "backslashreplace")


def _footer() -> Iterator[str]:
    yield f"<footer>Made by {PROGRAM} {__version__} with <code>--preview</code>. Nothing was sent, and nothing is "
    yield "loaded from anywhere. Other programs may show the message differently.</footer>"


def _header(looked: Looked, subject: str) -> Iterator[str]:
    tone = TONES[looked.findings[0].severity.value] if looked.findings else "good"
    yield f'<header class="subject {tone}">\n<p class="server">Preview: nothing was sent</p>'
    yield f"<h1>{text_of(subject)}</h1>"
    yield f'<p class="sentence">{_verdict(looked.findings)}</p>\n<dl>'
    settings, letter = looked.settings, looked.letter
    server = "the sandbox" if settings.is_sandbox else str(settings.server)
    count = len(letter.recipients)
    facts = (
        ("recipients", f"{count:,}"),
        ("size on the wire", _size(letter.size)),
        ("would go to", server if looked.has_server else "no server is set up"),
        ("profile", settings.profile_name or "none"),
        ("message", looked.submission.message_id),
    )
    for name, value in facts:
        if value:
            yield f"<div><dt>{name}</dt><dd>{text_of(value)}</dd></div>"
    yield "</dl>\n</header>"


def _verdict(findings: Sequence[Finding]) -> str:
    counts = [
        f"{count} {word}{'s' if count > 1 else ''}"
        for word in TONES
        if (count := sum(finding.severity.value == word for finding in findings))
    ]
    if not counts:
        return "Nothing was found that receivers would punish."
    return f"{' and '.join([', '.join(counts[:-1]), counts[-1]] if counts[1:] else counts)}: see below."


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        return
    yield '<section>\n<h2>Findings</h2>\n<ul class="findings rows card">'
    for finding in findings:
        word = finding.severity.value
        where = f'<span class="where">{text_of(finding.where)}:</span> ' if finding.where else ""
        yield f'<li class="{TONES[word]}"><span class="word">{word}</span><div><p>{where}{text_of(finding.sentence)}'
        yield f'<code class="code">{finding.code}</code></p><p class="words">{text_of(finding.advice)}</p></div></li>'
    yield "</ul>\n</section>"


def _envelope(letter: Letter) -> Iterator[str]:
    named = {box.address for name in ("to", "cc", "resent-to", "resent-cc") for box in letter.mailboxes(name)}
    sender = "<>, nobody: failures are not reported" if letter.sender is None else str(letter.sender)
    hidden = [each for each in letter.recipients if each not in named]
    yield '<section>\n<h2>Envelope</h2>\n<dl class="envelope fields card">'
    yield f"<div><dt>from</dt><dd><code>{text_of(sender)}</code></dd></div>"
    yield from _recipients("to", [each for each in letter.recipients if each in named])
    yield from _recipients("to, in no header (Bcc)", hidden)
    yield "</dl>\n</section>"


def _recipients(name: str, addresses: Sequence[AddrSpec]) -> Iterator[str]:
    if not addresses:
        return
    more = len(addresses) - MAX_RECIPIENTS
    shown = "".join(f"<code>{text_of(str(address))}</code>" for address in addresses[:MAX_RECIPIENTS])
    yield f"<div><dt>{name}</dt><dd>{shown}{f'and {more:,} more' if more > 0 else ''}</dd></div>"


class _Album:
    """How many octets of pictures may still be shown: one that is used a thousand times is in the page as often."""

    def __init__(self, room: int) -> None:
        self.room = room

    def url(self, part: Part | None) -> str | None:
        """The picture in a URL of its own; None for what is no picture, or not kept whole."""
        if part is None or not part.is_whole or not part.size or not _PICTURE.fullmatch(part.media_type):
            return None
        if part.size > self.room:
            return None
        from base64 import b64encode

        self.room -= part.size
        return f"data:{part.media_type};base64,{b64encode(part.beginning).decode('ascii')}"


def _message(message: Part, album: _Album, depth: int) -> Iterator[str]:
    """The texts and the attachments of a message, or of one that is attached to it."""
    within = list(message.walk(into_messages=False))
    texts = [part for part in within if part.is_text]
    pages = {part.number: html_facts(part.text) for part in texts if part.media_type == "text/html"}
    pictures = {part.content_id: part for part in within if part.content_id}
    used = frozenset[str]().union(*(facts.content_ids for facts in pages.values()))
    yield '<section>\n<h2>Message</h2>\n<div class="bodies">'
    for part in sorted(texts, key=lambda part: part.media_type != "text/html"):
        facts = pages.get(part.number)
        yield from _plain(part) if facts is None else _html(part, facts, pictures, album)
    if not texts:
        yield '<div class="body card"><h3><span>There is no text.</span></h3></div>'
    yield "</div>\n</section>"
    files = [
        part
        for part in within
        if part.main_type != "multipart" and not part.is_text and not (part.is_whole and part.content_id in used)
    ]
    yield from _files(files, album, depth)


def _fields(message: Part) -> Iterator[str]:
    yield '<section>\n<h2>Header</h2>\n<div class="card">\n<dl class="fields">'
    for title in SHOWN_FIELDS:
        for field in message.fields:
            if field.name == title.lower():
                yield f"<div><dt>{title}</dt><dd>{text_of(one_line(decode_words(field.text)))}</dd></div>"
    raw = b"".join(field.octets for field in message.fields).decode("utf-8", "replace")
    yield f"</dl>\n<details><summary>All {len(message.fields)} fields, as they leave</summary>"
    yield f"<pre>{_lines(raw, MAX_RAW)}</pre></details>\n</div>\n</section>"


def _plain(part: Part) -> Iterator[str]:
    yield f'<div class="body card"><h3>Text {_about(part)}</h3>'
    yield f"<pre>{_lines(part.text, MAX_TEXT)}</pre></div>"


def _html(part: Part, facts: HtmlFacts, pictures: dict[str, Part], album: _Album) -> Iterator[str]:
    def brought(found: re.Match[str]) -> str:
        url = album.url(pictures.get(unquote(found[2])))
        return found[0] if url is None else found[1] + url

    html = _CID.sub(brought, _CALLING.sub("<x-", part.text[:MAX_HTML]))
    yield f'<div class="body card"><h3>HTML {_about(part)}</h3>'
    yield f'<iframe class="{_height(facts)}" sandbox="" title="the HTML text" referrerpolicy="no-referrer"'
    yield f' srcdoc="{escape(FRAME_HEAD + _encodable(html))}"></iframe>'
    if facts.remote:
        count = len(facts.remote)
        yield f"<details><summary>{count} remote {'source is' if count == 1 else 'sources are'} not loaded here"
        yield '</summary><ul class="remote">'
        yield from (f"<li><code>{text_of(url[:500])}</code></li>" for url in facts.remote[:MAX_REMOTE])
        yield f"{f'<li>and {count - MAX_REMOTE} more</li>' if count > MAX_REMOTE else ''}</ul></details>"
    yield "</div>"


def _about(part: Part) -> str:
    return f"<span>{text_of(', '.join(filter(None, (part.charset, part.encoding, _size(part.size)))))}</span>"


def _height(facts: HtmlFacts) -> str:
    """About what it needs: no script may ask."""
    weight = len(facts.text) + 250 * (len(facts.sources) - len(facts.trackers))
    return "small" if weight < 300 else "medium" if weight < 1500 else "large"


def _files(files: Sequence[Part], album: _Album, depth: int) -> Iterator[str]:
    if not files:
        return
    count = f"{len(files)} attachments" if len(files) > 1 else "Attachment"
    yield f'<section>\n<h2>{count}</h2>\n<div class="card">\n<ul class="files">'
    for part in files:
        url = album.url(part) if part.size <= MAX_THUMBNAIL else None
        picture = FILE_ICON if url is None else f'<img src="{escape(url)}" alt="">'
        name = part.name or NAMELESS.get(part.media_type, "without a name")
        kind = ", ".join(filter(None, (part.media_type, part.disposition, part.charset, f"part {part.number or 1}")))
        yield f'<li>{picture}<div><b>{text_of(name)}</b><p class="words">{text_of(kind)}</p></div>'
        yield f'<span class="size">{_size(_octets_of(part))}</span></li>'
    yield "</ul>"
    for part in files:
        if part.media_type == "message/rfc822" and part.parts and depth < MAX_DEPTH:
            subject = part.parts[0].value("subject") or "without a subject"
            yield f"<details><summary>The message in part {part.number or 1}: {text_of(subject)}</summary>"
            yield '<div class="nested">'
            yield from _fields(part.parts[0])
            yield from _message(part.parts[0], album, depth + 1)
            yield "</div></details>"
    yield "</div>\n</section>"


def _octets_of(part: Part) -> int:
    """Of its content; of a message that is in it, the headers too."""
    within = (_octets_of(each) + sum(len(field.octets) for field in each.fields) for each in part.parts)
    return part.size + sum(within)


def _lines(text: str, limit: int) -> str:
    """Text of several lines as HTML that shows just that; a tab stays one."""
    omitted = len(text) - limit
    lines = text[:limit].replace("\r\n", "\n").replace("\t", "    ").split("\n")
    shown = "\n".join(escape(printable(line, limit)) for line in lines)
    return f"{shown}\n… ({omitted:,} more characters)" if omitted > 0 else shown


def _encodable(text: str) -> str:
    """Without what no HTML can hold."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _size(octets: int) -> str:
    if octets < 1000:
        return f"{octets} octets"
    for unit in ("kB", "MB"):
        octets_in_unit = octets / (1000.0 if unit == "kB" else 1e6)
        if octets_in_unit < 999.5:
            return f"{octets_in_unit:.3g} {unit}"
    return f"{octets / 1e9:.3g} GB"
