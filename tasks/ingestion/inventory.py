"""Which files lie in a delivered folder, listed quickly, and what was found out about them before.

Files are told apart by path, size and time of change: as long as those stand, a file is not opened
again by this process. No decision about time or content comes from the file system's clock.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

Found = TypeVar("Found")

_MOST_REMEMBERED = 500_000


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A delivered file, by its place in the folder; `name` is its path within, with slashes."""

    path: Path
    name: str
    size: int
    modified_ns: int


def found_files(folder: Path) -> list[FoundFile]:
    """Return the folder's files by name and then by path; hidden files are none.

    What vanishes meanwhile, or cannot be listed, is left out; so are linked folders.
    """
    files = list(_found(os.fspath(folder), ""))
    return sorted(files, key=lambda file: (file.path.name, file.name))


def _found(folder: str, within: str) -> Iterator[FoundFile]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _found(entry.path, f"{within}{entry.name}/")
            elif not entry.name.startswith(".") and entry.is_file():
                told = entry.stat()
                name = within + entry.name
                yield FoundFile(Path(entry.path), name, told.st_size, told.st_mtime_ns)
        except OSError:
            continue


class Remembered(Generic[Found]):
    """What a function finds out about a file, kept while the file stands as it is."""

    def __init__(self, find: Callable[[Path], Found]) -> None:
        self._find = find
        self._known: dict[tuple[str, int, int], Found] = {}

    def of(self, path: Path) -> Found:
        """Return what the function finds out, or found out before.

        Raises:
            OSError: the file is gone.
        """
        told = path.stat()
        key = (os.fspath(path), told.st_size, told.st_mtime_ns)
        if key not in self._known:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[key] = self._find(path)
        return self._known[key]
