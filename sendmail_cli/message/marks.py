"""Fields by which a message says what kind it is: from a list, from a machine, urgent. Name and value of each.

The words are those of RFC 2369, RFC 8058, RFC 3834, RFC 5436 and RFC 2156; X-Priority stands in none, but readers
know it.
"""

from __future__ import annotations

import re

from sendmail_cli.errors import HeaderError
from sendmail_cli.printable import printable

AUTO_SUBMITTED = {
    "generated": "auto-generated",  # RFC 3834 §5
    "replied": "auto-replied",
    "notified": "auto-notified",  # RFC 5436 §2.7.1
    "no": "no",
}
X_PRIORITIES = {"high": "1 (Highest)", "normal": "3 (Normal)", "low": "5 (Lowest)"}

_WEB = re.compile(r"https?://[^/?#]+[!-;=?-~]*", re.IGNORECASE)
_MAILTO = re.compile(r"mailto:[!-;=?-~]+", re.IGNORECASE)
_OF_URL = re.compile(r"[!-;=?-~]+")

Fields = tuple[tuple[str, str], ...]


def parse_unsubscribe(text: str) -> str:
    """The URL in `text`, fit for List-Unsubscribe. Raises `HeaderError`."""
    url = text.strip(" \t")
    if not _OF_URL.fullmatch(url):
        raise HeaderError(
            f"“{printable(text, 80)}” is no URL: it must be ASCII without spaces, “<” and “>”",
            hint="Write such characters as %20, a domain beyond ASCII as its A-label (xn--…).",
        )
    if not _WEB.fullmatch(url) and not (_MAILTO.fullmatch(url) and "@" in url):
        raise HeaderError(
            f"“{printable(text, 80)}” is no URL to unsubscribe at",
            hint="It looks like https://example.org/u/4711 or mailto:leave@example.org.",
        )
    return url


def unsubscribe_fields(urls: tuple[str, ...]) -> Fields:
    """List-Unsubscribe; with an https URL one click at it is enough (RFC 8058 §3.1). Raises `HeaderError` for two."""
    of_web = [url for url in urls if url[:4].lower() == "http"]
    if len(of_web) > 1:
        raise HeaderError(
            f"--list-unsubscribe names {len(of_web)} pages, and readers want one (RFC 8058)",
            hint="Beside the https URL a mailto: may stand.",
        )
    fields = (("List-Unsubscribe", ", ".join(f"<{url}>" for url in urls)),)
    if of_web and of_web[0][:6].lower() == "https:":
        return (*fields, ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    return fields


def auto_submitted_fields(kind: str) -> Fields:
    """Auto-Submitted for one of `AUTO_SUBMITTED`."""
    return (("Auto-Submitted", AUTO_SUBMITTED[kind]),)


def importance_fields(level: str) -> Fields:
    """Importance and X-Priority for one of `X_PRIORITIES`: half of the readers know the one, half the other."""
    return (("Importance", level), ("X-Priority", X_PRIORITIES[level]))
