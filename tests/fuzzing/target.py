"""What is fuzzed: a reader, inputs to begin from, and what must hold whatever it is given."""

import gzip
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Shape = Literal["json", "xml", "csv", "yaml", "text", "zip", "tar", "bytes"]
"""How inputs of a target are built, for mutations that keep that."""


class LostError(AssertionError):
    """Something that an input held is neither told nor found fault with."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reader made of an input.

    Attributes:
        told: rows, notifications, sections, definitions.
        faults: findings, remarks, or one error that says what is wrong.
    """

    told: int
    faults: int

    @property
    def is_silent(self) -> bool:
        """Neither told nor found fault with."""
        return not self.told and not self.faults


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes:
        name: for the command line.
        shape: of its inputs.
        read: reads an input, with a folder to write it into; raises `LostError` where something
            was lost, and whatever the reader itself lets through.
        seeds: inputs to begin from.
        tokens: words that mean something to the reader.
        silence_is_fine: whether an input may hold nothing, such as a blank condition.
        longest: of an input, in bytes.
    """

    name: str
    shape: Shape
    read: Callable[[bytes, Path], Outcome]
    seeds: Callable[[], Sequence[bytes]]
    tokens: tuple[str, ...] = ()
    silence_is_fine: bool = False
    longest: int = 1 << 16


def holds_nothing(data: bytes) -> bool:
    """Tell whether an input says nothing at all: blank, or an empty JSON list, or one a line.

    Packed or not, in any of Unicode's encodings, with or without a byte order mark.
    """
    said = _unpacked(data)
    text = said.decode(json.detect_encoding(said), errors="replace")
    lines = text.replace("\ufeff", "").replace("\x00", "").split("\n")
    return all(line.strip().strip(",") in _EMPTY for line in lines)


_EMPTY = frozenset({"", "[]", "[", "]"})


def _unpacked(data: bytes) -> bytes:
    while data.startswith(b"\x1f\x8b"):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            break
    return data


def must(holds: bool, says: str) -> None:
    """Raise unless nothing was lost.

    Raises:
        LostError: with what was.
    """
    if not holds:
        raise LostError(says)
