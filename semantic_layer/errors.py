"""Errors that every room may raise; each reads as the fact: what is so, where, what would help."""

from collections.abc import Iterable
from difflib import get_close_matches


class AnopsError(Exception):
    """The root of every error that anops raises on purpose."""


class TransientError(AnopsError):
    """An outside service did not answer this time; trying again may help. Only this is retried."""


class InputError(AnopsError):
    """What a person or another system handed in cannot be used as it is."""


class DefinitionError(AnopsError):
    """Definitions in the semantic layer, or a contract, contradict themselves or each other."""


class UnknownNameError(DefinitionError):
    """A name was used that nothing defines."""

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str], where: str = "") -> "UnknownNameError":
        """Return the error for an unknown `name`, with the nearest known one as a suggestion."""
        return cls(f"No {kind} {name!r}{f' ({where})' if where else ''}{did_you_mean(name, known)}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return '; did you mean ...?' for the nearest known name, or '.' when none is near."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else "."
