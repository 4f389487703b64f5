"""Charsets by the names that mail has for them (RFC 2045 §5.1, RFC 2978)."""

from __future__ import annotations

import codecs

from sendmail_cli.errors import DataError
from sendmail_cli.printable import printable

# What Python calls each, and its preferred MIME name with IANA. In all of these an ASCII octet below a space is itself,
# so that lines end in them as they do in ASCII.
_OF_TEXT = {
    "ascii": "us-ascii",
    "utf-8": "utf-8",
    **{f"iso8859-{part}": f"iso-8859-{part}" for part in (*range(1, 12), *range(13, 17))},
    **{f"cp{page}": f"windows-{page}" for page in range(1250, 1259)},
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "tis-620": "tis-620",
    "iso2022_jp": "iso-2022-jp",
    "shift_jis": "shift_jis",
    "euc_jp": "euc-jp",
    "gb2312": "gb2312",
    "gbk": "gbk",
    "gb18030": "gb18030",
    "big5": "big5",
    "euc_kr": "euc-kr",
}
# A text/* in one of these is for files alone (RFC 2781 §4): a line of a mail doesn't end in them as it must.
_OF_FILES = {
    "utf-16": "utf-16",
    "utf-16-le": "utf-16le",
    "utf-16-be": "utf-16be",
    "utf-32": "utf-32",
    "utf-32-le": "utf-32le",
    "utf-32-be": "utf-32be",
}


def parse_charset(text: str) -> str:
    """The MIME name of the charset in which a mail's own text can be written; Python knows it too.

    Raises `DataError` for another.
    """
    name = _name_in(_OF_TEXT, text)
    if name is None:
        raise DataError(
            f"“{printable(text, 80)}” is no charset that the text of a mail is written in",
            hint="It looks like utf-8, iso-8859-15 or windows-1252.",
        )
    return name


def parse_file_charset(text: str) -> str:
    """As `parse_charset`, for what is attached: UTF-16 and UTF-32 too."""
    return _name_in(_OF_FILES, text) or parse_charset(text)


def _name_in(names: dict[str, str], text: str) -> str | None:
    try:
        return names.get(codecs.lookup(text.strip()).name)
    except (LookupError, ValueError):  # no such charset, or no name that one could have
        return None
