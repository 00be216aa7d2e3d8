"""The report of a plan on disk: a folder a plan; a file is replaced whole or not at all."""

from datetime import datetime
from pathlib import Path


def report_folder(home: Path, made_at: datetime) -> Path:
    """Return the folder of a plan's report."""
    return home / "reports" / "energy" / f"{made_at:%Y%m%dT%H%MZ}"


def write_report(home: Path, made_at: datetime, page: str, markdown: str) -> Path:
    """Write page and Markdown of a plan below the reports of a home; return the page's path.

    A reader, or a kill in between, meets the old file or the new one, never half of one.
    """
    folder = report_folder(home, made_at)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("plan.md", markdown), ("plan.html", page)):
        unfinished = folder / f".{name}.unfinished"
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(folder / name)
    return folder / "plan.html"
