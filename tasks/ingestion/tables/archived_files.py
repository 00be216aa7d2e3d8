"""Files inside archives: `log.zip!*.csv`, `alarms.tar.gz!*/Alarm.csv`; read, never extracted.

What a member may unpack to is limited by what was really unpacked, not by what the archive says.
"""

import gzip
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, BinaryIO

from semantic_layer.errors import InputError
from tasks.ingestion.delivered_bytes import ReadingLimits, UnreadableFileError, delivered_pieces

LIMITS = ReadingLimits(file_bytes=2 << 30, expansion=200)
_FREE = 16 << 20
_PIECE = 1 << 20
_MEMBERS = 10_000
_MOST_BEHIND_END = 100
_MARK = "!"
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
_BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, OSError,
    EOFError, ValueError, LookupError, OverflowError, RuntimeError,
)  # fmt: skip
"""What reading a damaged, encrypted or strangely packed archive raises."""


@dataclass(frozen=True, slots=True)
class DeliveredFile:
    """A file that a mapping names: on disk, or a member of an archive.

    Attributes:
        name: for people; `archive!member` within archives.
        path: on disk, of the file or its archive.
        member: within the archive; empty for a plain file.
    """

    name: str
    path: Path
    member: str = ""

    @property
    def suffix(self) -> str:
        """How its name ends, lower case, without `.gz`."""
        return Path(self.name.lower().removesuffix(".gz")).suffix

    def unpacked(self, limits: ReadingLimits = LIMITS) -> bytes:
        """Return its bytes.

        Raises:
            UnreadableFileError: it is damaged, encrypted, or larger than allowed.
        """
        if not self.member:
            return b"".join(delivered_pieces(self.path, limits))
        if self.path.name.lower().endswith(".zip"):
            return _from_zip(self, limits)
        return _from_tar(self, limits)


def named_files(folder: Path, pattern: str) -> Iterator[DeliveredFile]:
    """Yield the files in the folder that a pattern of a mapping fits, by path.

    Raises:
        InputError: an archive cannot be listed, or has an ending that is none of an archive.
    """
    outer, _, inner = pattern.partition(_MARK)
    for path in sorted(path for path in folder.glob(outer) if path.is_file()):
        if not inner:
            yield DeliveredFile(path.name, path)
            continue
        for member in _members(path):
            if fnmatchcase(member, inner):
                yield DeliveredFile(f"{path.name}{_MARK}{member}", path, member)


def is_there(folder: Path, pattern: str) -> bool:
    """Tell whether the folder has a file, or an archive, that the pattern names."""
    return any(path.is_file() for path in folder.glob(pattern.partition(_MARK)[0]))


def _members(path: Path) -> list[str]:
    if not path.name.lower().endswith(_ARCHIVES):
        raise InputError(
            f"{path.name} is no archive that is known ({', '.join(_ARCHIVES)}), but `files` of the "
            "mapping names a member of it."
        )
    try:
        if path.name.lower().endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                names = [item.filename for item in archive.infolist() if not item.is_dir()]
        else:
            with _opened_tar(path, LIMITS) as archive:
                names = [item.name for item in _regular(archive)]
    except _BROKEN as error:
        raise UnreadableFileError(f"{path.name} cannot be read as an archive: {error}.") from error
    if len(names) > _MEMBERS:
        raise UnreadableFileError(f"{path.name} holds more than {_MEMBERS:,} files.")
    return sorted(set(names))


def _from_zip(file: DeliveredFile, limits: ReadingLimits) -> bytes:
    try:
        with zipfile.ZipFile(file.path) as archive:
            packed = archive.getinfo(file.member).compress_size
            with archive.open(file.member) as stream:
                return _bounded(stream, packed, file.name, limits)
    except _BROKEN as error:
        raise UnreadableFileError(f"{file.name} cannot be unpacked: {error}.") from error


def _from_tar(file: DeliveredFile, limits: ReadingLimits) -> bytes:
    try:
        with _opened_tar(file.path, limits) as archive:
            for item in _regular(archive):
                stream = archive.extractfile(item) if item.name == file.member else None
                if stream is not None:
                    return _bounded(stream, file.path.stat().st_size, file.name, limits)
    except _BROKEN as error:
        raise UnreadableFileError(f"{file.name} cannot be unpacked: {error}.") from error
    raise UnreadableFileError(f"{file.name} is not there any more.")


def _regular(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for number, item in enumerate(archive):
        if number > _MEMBERS:
            raise UnreadableFileError(f"The archive holds more than {_MEMBERS:,} entries.")
        if item.isreg():
            yield item


@contextmanager
def _opened_tar(path: Path, limits: ReadingLimits) -> Iterator[tarfile.TarFile]:
    with path.open("rb") as packed:
        is_plain = path.name.lower().endswith(".tar")
        with packed if is_plain else gzip.GzipFile(fileobj=packed) as unpacked:
            bounded = _BoundedStream(unpacked, path.stat().st_size, limits)
            with tarfile.open(fileobj=bounded, mode="r|") as archive:  # type: ignore[call-overload]
                yield archive


class _BoundedStream:
    """An unpacked stream, read forwards, that stops where a bomb would go on.

    It is not read on behind its end either: `tarfile` would, for as long as a header says that a
    member is.
    """

    def __init__(
        self, stream: BinaryIO | gzip.GzipFile, packed: int, limits: ReadingLimits
    ) -> None:
        self._stream = stream
        self._reads_behind_end = 0
        self._most = _most(packed, limits)
        self._read = 0

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(_PIECE if size < 0 else size)
        self._read += len(piece)
        self._reads_behind_end += not piece
        if self._reads_behind_end > _MOST_BEHIND_END:
            raise UnreadableFileError("The archive is cut off; deliver the file again.")
        if self._read > self._most:
            raise UnreadableFileError(_too_large("The archive", self._most))
        return piece


def _bounded(stream: IO[bytes], packed: int, name: str, limits: ReadingLimits) -> bytes:
    most = _most(packed, limits)
    pieces, total = [], 0
    while piece := stream.read(_PIECE):
        total += len(piece)
        if total > most:
            raise UnreadableFileError(_too_large(name, most))
        pieces.append(piece)
    return b"".join(pieces)


def _most(packed: int, limits: ReadingLimits) -> int:
    return min(limits.file_bytes, max(_FREE, packed * limits.expansion))


def _too_large(name: str, most: int) -> str:
    return f"{name} unpacks to more than {most:,} bytes, so it is not unpacked further."
