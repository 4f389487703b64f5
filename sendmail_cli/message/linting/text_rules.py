"""Rules about what is read: the text, the HTML, its pictures and links."""

from __future__ import annotations

import re

from sendmail_cli.message.linting.finding import Flaw
from sendmail_cli.message.linting.letter import organisation, place
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendmail_cli.message.anatomy import Part
    from sendmail_cli.message.linting.letter import Letter

LEAST_WORDS = 8  # of a text; fewer say nothing of what it is about
LEAST_SHARED = 0.3  # of the words of the shorter text
CLIPPED = 102 * 1024  # octets of HTML, which Gmail cuts off with “[Message clipped]”
HUGE_PICTURE = 1024 * 1024  # octets
FEW_WORDS = 10  # beside pictures; HTML_IMAGE_ONLY of SpamAssassin begins at 400 octets
SHOWN = 3  # names that a sentence has room for

PICTURES = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/bmp": (b"BM",),
    "image/webp": (b"RIFF",),
    "image/tiff": (b"II*\0", b"MM\0*"),
}
_WORD = re.compile(r"\w{3,}")
_URL = re.compile(r"(?:https?:)?//(?:[^/@\s?#]*@)?([^/:\s?#\"'<>]+)", re.IGNORECASE)
_NAMED = re.compile(r"\s*(?:https?://)?(?:[^/@\s]*@)?((?:[\w-]+\.)+([a-z]{2,}))(?:[/:?#]\S*)?\s*", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//|#", re.IGNORECASE)
_NOT_DOMAINS = frozenset(("html", "htm", "pdf", "txt", "doc", "docx", "jpg", "png", "zip", "py", "md", "csv", "xlsx"))


def empty(letter: Letter) -> Iterator[Flaw]:
    """Nothing to read, nothing attached."""
    if not letter.texts and not letter.pages and not any(part.size and not part.is_text for part in letter.leaves):
        yield Flaw("the message is empty", "Write something: --body, or standard input.")


def html_without_text(letter: Letter) -> Iterator[Flaw]:
    """MIME_HTML_ONLY of SpamAssassin; some people read text alone."""
    if letter.pages and not letter.texts:
        yield Flaw("there is HTML and no text", "Give the text too: --body.", place(letter.pages[0][0]))


def texts_differ(letter: Letter) -> Iterator[Flaw]:
    """MPART_ALT_DIFF of SpamAssassin."""
    for whole in letter.message.walk(into_messages=False):
        if whole.media_type != "multipart/alternative":
            continue
        within = list(whole.walk())
        plain = next((part for part in letter.texts if part in within), None)
        page = next((facts for part, facts in letter.pages if part in within), None)
        if plain is None or page is None:
            continue
        words, seen = set(_WORD.findall(plain.text.lower())), set(_WORD.findall(page.text.lower()))
        least = min(len(words), len(seen))
        if least >= LEAST_WORDS and len(words & seen) < LEAST_SHARED * least:
            yield Flaw(
                "the text and the HTML say quite different things",
                "Let the text say what the HTML says: receivers compare them.",
                place(plain),
            )


def html_clipped(letter: Letter) -> Iterator[Flaw]:
    """Gmail's limit (support.google.com/mail, “message clipped”)."""
    for part, _ in letter.pages:
        if part.size > CLIPPED:
            yield Flaw(
                f"the HTML has {part.size:,} octets; Gmail shows the first {CLIPPED:,}",
                "Take out what nobody sees, styles above all, or say less.",
                place(part),
            )


def html_active(letter: Letter) -> Iterator[Flaw]:
    """Scripts and forms: HTML_EMBEDS and the like; readers' programs take them out."""
    for part, facts in letter.pages:
        if facts.active:
            names = ", ".join(f"<{name}>" for name in facts.active[:SHOWN])
            yield Flaw(f"the HTML has {names}, which readers' programs take out", "Take it out yourself.", place(part))


def html_pictures_only(letter: Letter) -> Iterator[Flaw]:
    """HTML_IMAGE_ONLY of SpamAssassin."""
    for part, facts in letter.pages:
        if facts.sources and len(_WORD.findall(facts.text)) < FEW_WORDS:
            yield Flaw(
                "the HTML is pictures with hardly a word beside them", "Write the words as text, too.", place(part)
            )


def picture_local(letter: Letter) -> Iterator[Flaw]:
    """Only the author's machine has it."""
    for part, facts in letter.pages:
        local = [each for each in facts.sources if each[:5].lower() == "file:" or not _SCHEME.match(each)]
        if local:
            yield Flaw(
                f"the HTML shows {_some(local)}, which only this machine has",
                "Bring it along as an inline part (cid:), or name it by an https URL.",
                place(part),
            )


def picture_missing(letter: Letter) -> Iterator[Flaw]:
    """RFC 2392: what `cid:` names is a part of the message."""
    parts = {part.content_id for part in letter.message.walk()}
    for part, facts in letter.pages:
        missing = sorted(facts.content_ids - parts)
        if missing:
            yield Flaw(
                f"the HTML shows cid:{missing[0]}, and no part has that Content-ID",
                "Attach it inline with that Content-ID.",
                place(part),
            )


def picture_unused(letter: Letter) -> Iterator[Flaw]:
    """A part that a reader finds neither in the text nor, in many programs, among the attachments."""
    used = frozenset[str]().union(*(facts.content_ids for _, facts in letter.pages))
    for whole in letter.message.walk(into_messages=False):
        if whole.media_type != "multipart/related":
            continue
        for part in whole.parts[1:]:
            if part.content_id and part.content_id not in used and part.disposition != "attachment":
                yield Flaw(
                    f"the HTML shows cid:{part.content_id} nowhere, and many programs hide it then",
                    "Attach it with -a, or leave it out.",
                    place(part),
                )


def picture_broken(letter: Letter) -> Iterator[Flaw]:
    """Another kind of file than it says, or none."""
    for part in _pictures(letter):
        known = PICTURES.get(part.media_type)
        if known is not None and not part.beginning.startswith(known):
            yield Flaw(f"this is no {part.media_type}, or a broken one", "Look at the file.", place(part))


def picture_huge(letter: Letter) -> Iterator[Flaw]:
    """Phones load it, too."""
    for part in _pictures(letter):
        if part.content_id and part.size > HUGE_PICTURE:
            yield Flaw(
                f"this picture of the text has {part.size:,} octets",
                "Make it as small as it is shown: 100 kB are plenty.",
                place(part),
            )


def _pictures(letter: Letter) -> Iterator[Part]:
    return (part for part in letter.leaves if part.main_type == "image" and part.size)


def pictures_remote(letter: Letter) -> Iterator[Flaw]:
    """Most programs ask before they load them, and show gaps until then."""
    for part, facts in letter.pages:
        if facts.remote:
            hosts = list(dict.fromkeys(filter(None, map(host_of, facts.remote))))
            yield Flaw(
                f"the HTML is not whole without what it loads from {_some(hosts)}; readers see gaps first",
                "Bring pictures along as inline parts (cid:).",
                place(part),
            )


def tracker(letter: Letter) -> Iterator[Flaw]:
    """A picture that nobody sees tells its server who reads."""
    for part, facts in letter.pages:
        found = [each for each in facts.trackers if host_of(each)]
        if found:
            yield Flaw(
                f"a picture that nobody sees is loaded from {host_of(found[0])}: a tracker",
                "Leave it out: it costs trust, and programs block it.",
                place(part),
            )


def link_deceives(letter: Letter) -> Iterator[Flaw]:
    """What a person reads is another domain than the one the link leads to: what phishing does."""
    for part, facts in letter.pages:
        for link in facts.links:
            shown, target = _NAMED.fullmatch(link.text[:300]), _URL.match(link.target)
            if shown is None or target is None or shown[2].lower() in _NOT_DOMAINS:
                continue
            if organisation(shown[1]) != organisation(target[1]):
                yield Flaw(
                    f"a link reads “{shown[1]}” and leads to {target[1]}",
                    "Let it read what it is, or lead where it says.",
                    place(part),
                )


def host_of(url: str) -> str:
    """The host that `url` would be asked of; "" for none."""
    found = _URL.match(url)
    return "" if found is None else found[1].lower()


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
