"""A password or token that can't be shown by accident, and the eraser for texts that may repeat it."""

from __future__ import annotations

from sendmail_cli.typing import Protocol

MASK = "***"
PIECE = 6  # characters; fewer would erase half of every word
SEPARATORS = "\0\1"  # in a mechanism's message, which holds the user's name too; that is no secret


class Secret:
    """A secret text. `str()`, `repr()`, formatting and pickling give `***` or fail; only `reveal()` gives the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself. Call it where it goes on the wire and nowhere else."""
        return self._text

    def __str__(self) -> str:
        return MASK

    __repr__ = __str__

    def __format__(self, specification: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a secret is never written anywhere")


class TokenMaker(Protocol):
    """Whoever has tokens, and makes another when one has ended."""

    def current(self) -> Token:
        """One that has not ended. Raises `MailError` where none can be had."""
        ...

    def renewed(self, rejected: Secret) -> Token:
        """Another than the one that a server has just rejected. Raises `MailError` where none can be had."""
        ...


class Token(Secret):
    """An access token in place of a password. It ends after a while, and whoever made it makes another."""

    __slots__ = ("_maker",)

    def __init__(self, text: str, maker: TokenMaker) -> None:
        super().__init__(text)
        self._maker = maker

    def current(self) -> Token:
        """This one, or another where it has ended. Raises `MailError` where none can be had."""
        return self._maker.current()

    def renewed(self) -> Token:
        """Another, since a server rejected this one. Raises `MailError` where none can be had."""
        return self._maker.renewed(self)


class Redactor:
    """Erases known secrets from text: plain and in base64, alone or amid other words, whatever the letter case.

    A server may echo what it was sent ("535 bad password 'hunter2'"), so what it says is erased as well as what
    we say. A piece of a secret of `PIECE` characters or more is erased too: an echo may be cut short, by the server
    or by us, or broken over lines.
    """

    __slots__ = ("_forms", "_pieces")

    def __init__(self) -> None:
        self._forms: list[str] = []
        self._pieces: set[str] = set()

    def add(self, text: str, shown: str = "") -> None:
        """From now on `text` and its base64 forms are erased, and `shown`, which is how an echo of it would be shown.

        An empty text is ignored.
        """
        if not text:
            return
        octets = text.encode("utf-8", "surrogatepass")
        encoded = _base64(octets)
        forms = {*self._forms, *map(_folded, (text, shown or text, encoded, encoded.rstrip("=")))}
        self._forms = sorted(forms, key=len, reverse=True)  # the longest first: one form may hold another
        self._pieces |= _pieces_of(_folded(encoded.rstrip("=")))
        for before in (0, 1, 2):
            self._pieces |= _pieces_of(_folded(_inside_base64(octets, before)))
        if not any(separator in text for separator in SEPARATORS):
            self._pieces |= _pieces_of(_folded(text)) | _pieces_of(_folded(shown))

    @property
    def knows_any(self) -> bool:
        """False where nothing would be erased."""
        return bool(self._forms)

    def redact(self, text: str) -> str:
        """`text` with every known secret replaced by `***`."""
        for form in self._forms:
            folded = _folded(text)
            pieces: list[str] = []
            start = 0
            while (found := folded.find(form, start)) >= 0:
                pieces += (text[start:found], MASK)
                start = found + len(form)
            text = "".join(pieces) + text[start:]
        return self._without_pieces(text) if self._pieces else text

    def _without_pieces(self, text: str) -> str:
        folded = _folded(text)
        kept: list[str] = []
        end = 0  # of what is masked or kept so far
        for start in range(len(folded) - PIECE + 1):
            if folded[start : start + PIECE] not in self._pieces:
                continue
            if start > end or not end:
                kept += (text[end:start], MASK)
            end = start + PIECE
        return "".join(kept) + text[end:]


def _base64(octets: bytes) -> str:
    from binascii import b2a_base64

    return b2a_base64(octets, newline=False).decode("ascii")


def _inside_base64(octets: bytes, before: int) -> str:
    """What `octets` are in the base64 of a longer text, with so many octets `before` them beyond a multiple of three.

    The digits at either end that are shared with its other octets are left out.
    """
    first = before + 1 if before else 0
    return _base64(bytes(before) + octets)[first : (before + len(octets)) * 8 // 6]


def _pieces_of(text: str) -> set[str]:
    return {text[start : start + PIECE] for start in range(len(text) - PIECE + 1)}


def _folded(text: str) -> str:
    """`text` without the difference of capitals and small letters, each character in its place.

    `str.lower` won't do: it makes two characters of some, and of others what their neighbours say.
    """
    if text.isascii():
        return text.lower()
    return "".join([small if len(small := character.casefold()) == 1 else character for character in text])
