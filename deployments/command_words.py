"""What several subcommands read from their words: the profile, a window in UTC."""

from datetime import UTC, datetime
from pathlib import Path

from semantic_layer.errors import InputError
from semantic_layer.periods import Window

PROFILE = Path(__file__).parent / "profiles" / "local.env"
"""Variables of a run on one machine."""


def named_window(start: datetime | None, end: datetime | None) -> Window | None:
    """Return the window that --from and --to name, read as UTC; None when neither is given.

    Raises:
        InputError: only one of them is given, or they are reversed.
    """
    if start is None and end is None:
        return None
    if start is None or end is None:
        raise InputError("A window needs both --from and --to.")
    return Window(_in_utc(start), _in_utc(end))


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
