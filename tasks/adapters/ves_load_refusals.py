"""What of a feed cannot be read, in sentences: the first few, and how many more there were.

Whatever is quoted comes from outside: it is cut short, and shown so that a terminal takes it for
text.
"""

from dataclasses import dataclass, field

_MOST = 20
_LONGEST = 80


@dataclass(slots=True)
class Refusals:
    """Sentences about parts that were left out."""

    _told: list[str] = field(default_factory=list)
    _count: int = 0

    def add(self, place: str, reason: str) -> None:
        """Tell that a part was left out.

        Args:
            place: which part; already fit to be shown.
            reason: a sentence's rest: what is so, and what would help.
        """
        self._count += 1
        if self._count <= _MOST:
            self._told.append(f"{place}: {reason}")

    def sentences(self) -> tuple[str, ...]:
        """Return the first sentences, then one that counts the others."""
        more = self._count - len(self._told)
        if not more:
            return tuple(self._told)
        word = "part was" if more == 1 else "parts were"
        return (*self._told, f"{more:,} more {word} refused; only the first {_MOST} are told.")


def shown(value: object) -> str:
    """Return a value from outside as short, printable text; of what holds others, its kind."""
    if isinstance(value, str):
        text = ascii(value[: 2 * _LONGEST])
    elif value is None or isinstance(value, bool | int | float):
        text = "missing" if value is None else str(value)
    else:
        text = f"a {type(value).__name__}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
