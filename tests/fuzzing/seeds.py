"""Inputs to begin from: the sample network's village, and real files where they lie beside."""

import gzip
import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from tests.conftest import REAL_DATA

_MOST = 6
_SHOWN = 3
_INFO = re.compile(rb"<measInfo\b.*?</measInfo>\s*", re.DOTALL)
_VALUE = re.compile(rb"<measValue\b.*?</measValue>\s*", re.DOTALL)
_sample: list[Path] = []


def sample_lies_in(folder: Path) -> None:
    """Take the village's files from a folder from now on."""
    _sample[:] = [folder]


def village(pattern: str) -> list[bytes]:
    """Return some of the village's files, unpacked and shortened; none where it was not written."""
    return [shortened(content) for folder in _sample for content in _some(folder, pattern)]


def real(pattern: str) -> list[bytes]:
    """Return some real files, unpacked and shortened; none where there are none."""
    return [shortened(content) for content in _some(REAL_DATA, pattern)]


@cache
def _some(folder: Path, pattern: str) -> tuple[bytes, ...]:
    found = sorted(folder.glob(pattern), key=lambda path: (path.stat().st_size, str(path)))
    step = max(len(found) // _MOST, 1)
    return tuple(_unpacked(path.read_bytes()) for path in found[::step][:_MOST])


def _unpacked(content: bytes) -> bytes:
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


def shortened(content: bytes) -> bytes:
    """Return a document with few of its parts, so that changes reach each of them."""
    if b"<measInfo" in content[:4_000]:
        return _first(_INFO, _first(_VALUE, content))
    try:
        return json.dumps(_few(json.loads(content))).encode()
    except (ValueError, RecursionError):
        return content


def _first(part: re.Pattern[bytes], content: bytes) -> bytes:
    kept = iter(range(_SHOWN if part is _INFO else 12))
    return part.sub(lambda found: found[0] if next(kept, None) is not None else b"", content)


def _few(tree: Any) -> Any:
    if isinstance(tree, list):
        return [_few(item) for item in tree[:_SHOWN]]
    return {key: _few(value) for key, value in tree.items()} if isinstance(tree, dict) else tree


def texts(told: Iterable[str]) -> list[bytes]:
    """Return texts as bytes."""
    return [text.encode() for text in told]
