"""How breaches are worded: what a proposal says stands in quotation marks, short, in one line."""

from collections.abc import Iterable
from datetime import datetime

_LONGEST = 160


def quoted(value: object) -> str:
    """Return a value of a proposal as it may stand in a sentence, whatever it holds."""
    text = ascii(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]}...'"


def at_time(moment: datetime) -> str:
    """Return a moment as a person reads it."""
    return f"{moment:%Y-%m-%d %H:%M %Z}".strip()


def number(value: float) -> str:
    """Return a number with as many digits as help."""
    return f"{value:.3g}"


def listed(names: Iterable[str], most: int = 4) -> str:
    """Return names joined by commas, the first few of them."""
    every = sorted(names)
    told = ", ".join(quoted(name) for name in every[:most])
    return told if len(every) <= most else f"{told} and {len(every) - most} more"
