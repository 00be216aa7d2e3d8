"""Reports on disk: a folder a window; a file is replaced whole or not at all."""

from collections.abc import Mapping
from pathlib import Path

from semantic_layer.periods import Window


def report_folder(home: Path, window: Window) -> Path:
    """Return the folder of the window's report.

    >>> from datetime import UTC, datetime
    >>> day = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
    >>> report_folder(Path("home"), day).name
    '20260301T0000Z-20260302T0000Z'
    """
    return home / "reports" / f"{window.start:%Y%m%dT%H%MZ}-{window.end:%Y%m%dT%H%MZ}"


def write_files(folder: Path, contents: Mapping[str, bytes]) -> Path:
    """Write files, each complete before it takes its name; return the path of the last one.

    A reader, or a kill in between, meets the old file or the new one, never half of one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder
    for name, content in contents.items():
        path = folder / name
        unfinished = folder / f".{name}.unfinished"
        unfinished.write_bytes(content)
        unfinished.replace(path)
    return path
