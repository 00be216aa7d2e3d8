"""What observation would tell the first two hypotheses apart: from the definitions of causes."""

from collections.abc import Mapping

from semantic_layer.causes import Cause, Decider
from tasks.explaining.hypotheses import UNKNOWN, Hypothesis

_NOTHING_MORE = "Nothing more is needed to begin."


def would_decide(
    ranked: tuple[Hypothesis, ...], causes: Mapping[str, Cause], *, is_sure: bool
) -> str:
    """Return what to look at, and where it is told, to tell the best two causes apart.

    A decider that is against the other cause comes first, then one that is against all.

    Args:
        ranked: hypotheses, the most probable first.
        causes: definitions by name.
        is_sure: the first is decided: what would confirm it is told instead.
    """
    named = [one for one in ranked if one.cause != UNKNOWN][:2]
    if not named:
        return _NOTHING_MORE
    first, other = named[0], named[1] if len(named) > 1 else None
    found = _between(causes[first.cause], other.cause if other else "")
    if other is not None and found is None and not is_sure:
        found = _between(causes[other.cause], first.cause)
    chosen = found or causes[first.cause].deciders[0]
    return f"{chosen.look.rstrip('.')} ({chosen.source})"


def _between(cause: Cause, other: str) -> Decider | None:
    """Return the first decider that is against the other cause, else one that is against all."""
    against = [one for one in cause.deciders if other in one.against]
    general = [one for one in cause.deciders if not one.against]
    return next(iter([*against, *general]), None)
