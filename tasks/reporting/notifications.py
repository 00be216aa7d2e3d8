"""Notifications to people as lines of a Markdown file: delivered text stays text."""

from datetime import datetime

from tasks.reporting.wording import clean

_LONGEST = 2000


def notification(moment: datetime, title: str, text: str) -> str:
    r"""Return one entry of notifications.md; each line of `text` is quoted, so none is markup.

    >>> from datetime import UTC
    >>> notification(datetime(2026, 3, 1, 8, tzinfo=UTC), "refused", "cell_kpis")
    '## 2026-03-01 08:00 UTC: refused\n\n    cell_kpis\n\n'
    """
    said = clean(text)[:_LONGEST]
    body = "\n".join(f"    {line}" for line in said.splitlines() or [""])
    head = " ".join(clean(title).split())
    return f"## {moment:%Y-%m-%d %H:%M} UTC: {head}\n\n{body}\n\n"
