"""The octets of queued mails: small ones in the database, large ones in files beside it, streamed both ways."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress

from sendmail_cli.errors import InputOutputError
from sendmail_cli.message.source import FileSource, MemorySource
from sendmail_cli.octets import write_all
from sendmail_cli.queue.ownership import as_owner
from sendmail_cli.queue.place import CONTENTS, lock_file, sync_folder, writing
from sendmail_cli.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sendmail_cli.message.source import Source
    from sendmail_cli.queue.place import Place
    from sendmail_cli.submission import Content

MAX_INLINE = 64 * 1024  # octets in the database; what is longer is a file

_UNFINISHED = ".new"


class StoredContent(NamedTuple):
    """A content as it was queued, octet by octet. It is a `Content` (see `submission`)."""

    source: Source
    is_7bit: bool
    has_utf8_header: bool
    seal: str

    @property
    def size(self) -> int:
        """Octets."""
        return self.source.size

    def as_7bit(self) -> Content:
        """As `RawMessage.as_7bit`: encoded anew for a server without 8BITMIME, unless it is sealed."""
        if self.is_7bit:
            return self
        from sendmail_cli.message.raw import kept_message

        return kept_message(self.source, self.seal).as_7bit()

    def chunks(self) -> Iterator[bytes]:
        """The octets from the beginning."""
        return self.source.chunks()


class Written(NamedTuple):
    """Where a content is kept: one of the two is None."""

    octets: bytes | None
    file: str | None


@contextmanager
def written(place: Place, content: Content, name: str) -> Iterator[Written]:
    """The content, safe on disk for as long as the block lasts, and beyond where it ends well.

    `name` is one that nobody else has. Raises `SpoolError` where it can't be written, and what reading it raises.
    """
    if content.size <= MAX_INLINE:
        yield Written(b"".join(content.chunks()), None)
        return
    path = place.path(CONTENTS, name)
    with _written_file(place, content, path):
        try:
            yield Written(None, name)
        except BaseException:
            with suppress(OSError), as_owner(place.folder):
                os.unlink(path)
            raise


@contextmanager
def _written_file(place: Place, content: Content, path: str) -> Iterator[None]:
    """The file stays locked in the block: `sweep` then knows that it is no leftover."""
    with writing(place.folder):
        descriptor = lock_file(path + _UNFINISHED)
        if descriptor is None:
            raise FileExistsError(17, "a file of that name is being written")
    try:
        try:
            for chunk in content.chunks():
                with writing(place.folder):
                    write_all(descriptor, chunk)
            with writing(place.folder):
                os.fsync(descriptor)
                os.rename(path + _UNFINISHED, path)
                sync_folder(place.path(CONTENTS))
        except BaseException:
            with suppress(OSError), as_owner(place.folder):
                os.unlink(path + _UNFINISHED)
            raise
        yield
    finally:
        os.close(descriptor)


def stored(place: Place, kept: Written, size: int, mail: int) -> Source:
    """The octets of the mail of that number. Raises `InputOutputError` where they are gone or not what was written."""
    label = f"the content of mail {mail}"
    source: Source
    if kept.file is None:
        source = MemorySource(kept.octets or b"", label)
    else:
        try:
            with as_owner(place.folder):
                descriptor = os.open(place.path(CONTENTS, kept.file), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            source = FileSource(descriptor, label)
        except OSError as error:
            raise InputOutputError(f"can't read {label}: {(error.strerror or str(error)).lower()}") from None
    if source.size != size:
        raise InputOutputError(f"{label} has {source.size} octets in place of {size}")
    return source


def forget(place: Place, files: Collection[str]) -> None:
    """Take the files away; that one is gone already is fine."""
    for name in files:
        with suppress(FileNotFoundError), as_owner(place.folder):
            os.unlink(place.path(CONTENTS, name))


def sweep(place: Place, known: Collection[str]) -> None:
    """Take away what is no mail's: left by a process that was killed between file and database, or while writing.

    Nobody may be writing into the database meanwhile.
    """
    for name in os.listdir(place.path(CONTENTS)):
        if name in known:
            continue
        path = place.path(CONTENTS, name)
        descriptor = lock_file(path)
        if descriptor is None:  # somebody is about to put it into the database
            continue
        with suppress(FileNotFoundError):
            os.unlink(path)
        os.close(descriptor)
