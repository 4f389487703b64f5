"""Octets that can be read more than once: a file that was opened and measured, or a stream that was kept.

A message is measured before the server is dialled and sent afterwards, perhaps twice. So a source holds on to what it
measured: the open file rather than its name, and all of a stream that can be read only once.
"""

from __future__ import annotations

import os
import stat

from sendmail_cli.errors import InputError, InputOutputError
from sendmail_cli.octets import write_all
from sendmail_cli.printable import printable
from sendmail_cli.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO, NoReturn

MAX_IN_MEMORY = 1024 * 1024  # octets of a stream; what is longer goes to an unlinked temporary file
CHUNK = 64 * 1024  # octets

_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)


class MemorySource:
    """Octets in memory. `label` is what a user calls them: “report.pdf”, standard input."""

    __slots__ = ("label", "octets", "size")

    def __init__(self, octets: bytes, label: str) -> None:
        self.label = label
        self.octets = octets
        self.size = len(octets)

    def chunks(self, length: int = CHUNK, start: int = 0) -> Iterator[bytes]:
        """The octets from `start` on, each piece `length` octets long but the last. Each call starts anew."""
        for at in range(start, self.size, length):
            yield self.octets[at : at + length]


class FileSource:
    """An open file. It stays open, so that a file renamed or removed meanwhile is still the one that was measured."""

    __slots__ = ("_descriptor", "_modified", "label", "size")

    def __init__(self, descriptor: int, label: str) -> None:
        """Takes over `descriptor`: it is closed with the last reference to this object."""
        self._descriptor = descriptor
        self.label = label
        status = os.fstat(descriptor)
        self.size = status.st_size
        # Not st_ctime: that moves when a file is only renamed.
        self._modified = status.st_mtime_ns

    def __del__(self) -> None:
        os.close(self._descriptor)

    def chunks(self, length: int = CHUNK, start: int = 0) -> Iterator[bytes]:
        """The octets from `start` on, each piece `length` octets long but the last. Each call starts anew.

        Raises `InputOutputError` when they can't be read or aren't what was measured. A change is noticed at the
        latest before the last piece is handed out.
        """
        self._check_unchanged()
        at = start
        while at < self.size:
            chunk = self._read(at, min(length, self.size - at))
            at += len(chunk)
            if at == self.size:
                self._check_unchanged()
            yield chunk

    def _read(self, at: int, count: int) -> bytes:
        """Exactly `count` octets from offset `at`."""
        try:
            os.lseek(self._descriptor, at, os.SEEK_SET)  # others may have read in between
            octets = os.read(self._descriptor, count)
            while len(octets) < count:
                more = os.read(self._descriptor, count - len(octets))
                if not more:
                    self._fail_changed()
                octets += more
        except OSError as error:
            raise InputOutputError(f"can't read {self.label}: {error.strerror}") from None
        return octets

    def _check_unchanged(self) -> None:
        status = os.fstat(self._descriptor)
        if (status.st_size, status.st_mtime_ns) != (self.size, self._modified):
            self._fail_changed()

    def _fail_changed(self) -> NoReturn:
        raise InputOutputError(
            f"{self.label} was changed after it had been measured ({self.size} octets)",
            hint="Nothing was delivered. Send again when nobody writes to it, or send a copy.",
        )


Source = MemorySource | FileSource


def open_file(path: str) -> Source:
    """The file at `path`, opened and measured. A pipe or device (`<(command)`) is read to its end.

    Raises `InputError` when it can't be opened or is a folder, `InputOutputError` when reading or keeping it fails.
    """
    label = f"“{printable(path)}”"
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
    except OSError as error:
        raise InputError(f"can't read {label}: {error.strerror}") from None
    except ValueError:  # a NUL, or a character that file names can't hold here
        raise InputError(f"can't read {label}: that can't be the name of a file") from None
    file = FileSource(descriptor, label)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(mode):
        raise InputError(f"can't read {label}: it is a folder", hint="Pack it first: tar czf folder.tar.gz folder")
    # Files that the kernel makes up as they are read (/proc) say that they have no octets.
    if stat.S_ISREG(mode) and file.size > 0:
        return file
    return _keep(lambda: os.read(descriptor, CHUNK), label)


def read_stream(stream: IO[bytes], label: str = "standard input") -> Source:
    """All that is left in `stream`: up to 1 MiB in memory, more in a temporary file that has no name.

    Raises `InputError` when it is a folder, `InputOutputError` when reading or keeping it fails.
    """
    # A terminal is asked once: `read` would ask for more after a short line, and want a second Ctrl-D.
    read = getattr(stream, "read1", stream.read) if stream.isatty() else stream.read
    return _keep(lambda: read(CHUNK), label)


def keep_chunks(chunks: Iterator[bytes], label: str) -> Source:
    """All of `chunks`: up to 1 MiB in memory, more in a temporary file that has no name. Raises as `read_stream`."""
    return _keep(lambda: next(filter(None, chunks), b""), label)


def _keep(read: Callable[[], bytes | None], label: str) -> Source:
    keeper = Keeper(label)
    try:
        while chunk := _checked_read(read, label):
            keeper.add(chunk)
    except BaseException:
        keeper.drop()
        raise
    return keeper.source()


class Keeper:
    """Octets that come piece by piece, kept: up to 1 MiB in memory, more in a temporary file that has no name."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._held = bytearray()
        self._descriptor: int | None = None

    def add(self, octets: bytes) -> None:
        """One more piece. Raises `InputOutputError` when it can't be kept."""
        self._held += octets
        if len(self._held) <= MAX_IN_MEMORY and self._descriptor is None:
            return
        try:
            if self._descriptor is None:
                self._descriptor = _unlinked_file()
            write_all(self._descriptor, self._held)
        except OSError as error:
            raise InputOutputError(
                f"can't keep {self._label} in a temporary file: {error.strerror}",
                hint="It is longer than 1 MiB and was to wait on disk; TMPDIR says where.",
            ) from None
        self._held.clear()

    def source(self) -> Source:
        """All that was added. Nothing can be added any more."""
        descriptor, self._descriptor = self._descriptor, None
        return (
            MemorySource(bytes(self._held), self._label) if descriptor is None else FileSource(descriptor, self._label)
        )

    def drop(self) -> None:
        """Forget what was added."""
        self._held.clear()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _checked_read(read: Callable[[], bytes | None], label: str) -> bytes:
    try:
        octets = read()
    except IsADirectoryError:
        raise InputError(f"can't read {label}: it is a folder") from None
    except OSError as error:
        raise InputOutputError(f"can't read {label}: {error.strerror}") from None
    if octets is None:  # O_NONBLOCK, set by whoever shares the stream with us: not the end
        raise InputOutputError(f"can't read {label}: it is non-blocking and has nothing to read just now")
    return octets


def _unlinked_file() -> int:
    """The descriptor of a new file without a name: whatever ends us, nothing of the message stays behind."""
    import tempfile

    with tempfile.TemporaryFile(buffering=0) as file:
        return os.dup(file.fileno())
