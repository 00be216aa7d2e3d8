"""The bytes of a delivered file: unpacked if packed, in pieces, never more than is allowed.

Whether a file is packed is told by its first bytes, not by its name.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from semantic_layer.errors import InputError

_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31
_PIECE = 1 << 20


class UnreadableFileError(InputError):
    """A delivered file cannot be read; `place` says where in it."""

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """What a delivered file may cost to read.

    Attributes:
        file_bytes: most bytes of one file, unpacked.
        expansion: how many times its packed size a file may unpack to, beyond `_FREE` bytes.
        piece_bytes: longest tag, comment or text.
        depth: deepest nesting of elements; a measurement file needs six.
        types: most measurement types of one measInfo.
    """

    file_bytes: int = 4 << 30
    expansion: int = 900
    piece_bytes: int = 8 << 20
    depth: int = 32
    types: int = 20_000


_FREE = 16 << 20


def delivered_pieces(path: Path, limits: ReadingLimits) -> Iterator[bytes]:
    """Yield the file's unpacked bytes, about a MiB at a time.

    Raises:
        UnreadableFileError: it cannot be opened, is cut off, damaged, or larger than allowed.
    """
    try:
        with path.open("rb") as stream:
            yield from unpacked_pieces(stream, limits)
    except OSError as error:
        raise UnreadableFileError(
            f"The file cannot be opened: {error.strerror or 'input or output failed'}."
        ) from error


def unpacked_pieces(stream: BinaryIO, limits: ReadingLimits) -> Iterator[bytes]:
    """Yield the stream's bytes, gunzipped if they are gzip, about a MiB at a time.

    Raises:
        UnreadableFileError: as `delivered_pieces`.
    """
    head = stream.read(_PIECE)
    packed = head.startswith(_GZIP)
    total = 0
    for piece in _gunzipped(stream, head, limits) if packed else _plain(stream, head):
        total += len(piece)
        if total > limits.file_bytes:
            raise UnreadableFileError(
                f"The file is larger than {limits.file_bytes:,} bytes"
                f"{' when unpacked' if packed else ''}; nothing of it is used."
            )
        yield piece


def _plain(stream: BinaryIO, head: bytes) -> Iterator[bytes]:
    while head:
        yield head
        head = stream.read(_PIECE)


def _gunzipped(stream: BinaryIO, head: bytes, limits: ReadingLimits) -> Iterator[bytes]:
    packed, unpacked = 0, 0
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    is_more = False
    while head or is_more:
        packed += len(head)
        while head or is_more:
            if unpacker.eof:
                head, is_more = _next_member(head, packed), False
                if head:
                    unpacker = zlib.decompressobj(_GZIP_WINDOW)
                continue
            piece = _unpacked(unpacker, head, packed)
            head = unpacker.unconsumed_tail or unpacker.unused_data
            is_more = len(piece) == _PIECE
            unpacked += len(piece)
            if unpacked > _FREE and unpacked > packed * limits.expansion:
                raise UnreadableFileError(
                    f"The file unpacks to more than {limits.expansion} times its size; "
                    "no measurement file does, so it is not unpacked further."
                )
            if piece:
                yield piece
        head = stream.read(_PIECE)
    if not unpacker.eof:
        raise UnreadableFileError("The gzip stream is cut off; deliver the file again.")


def _next_member(rest: bytes, at: int) -> bytes:
    """Return what follows a finished gzip stream, without padding: nothing, or another stream."""
    member = rest.lstrip(b"\0")
    if not member.startswith(_GZIP[: len(member)]):
        raise UnreadableFileError(
            f"Something follows the end of the gzip stream, near byte {at:,}."
        )
    return member


def _unpacked(unpacker: "zlib._Decompress", packed: bytes, at: int) -> bytes:
    try:
        return unpacker.decompress(packed, _PIECE)
    except zlib.error as error:
        raise UnreadableFileError(
            f"The gzip stream is damaged near byte {at:,}: {error}."
        ) from error
