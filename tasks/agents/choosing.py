"""How votes become a choice: options in rotated order, one vote each, and a clear majority.

A model that leans to what stands first, or last, is outvoted by itself.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, create_model

from semantic_layer.agent_rules import agent_rules
from semantic_layer.errors import InputError
from tasks.agents.asking import Reply
from tasks.agents.session import SOLVER, Choice, Option


class Vote(BaseModel):
    """An answer that can only name one of the options."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    option_id: str


def ranked(options: Sequence[Option]) -> list[Option]:
    """Return the options as the solver ranks them: by score, ties by id.

    Raises:
        InputError: there is none, or two share an id.
    """
    ids = [option.option_id for option in options]
    if not ids or len(set(ids)) < len(ids):
        raise InputError(f"A choice needs options with an id of their own; these are {ids}.")
    return sorted(options, key=lambda option: (-option.score, option.option_id))


def rotated(options: Sequence[Option], vote: int) -> list[Option]:
    """Return the options by id, begun at another one for each vote.

    The solver's rank is not told: a model that saw it would only repeat it.
    """
    ordered = sorted(options, key=lambda option: option.option_id)
    start = vote % len(ordered)
    return ordered[start:] + ordered[:start]


def vote_model(options: Sequence[Option]) -> type[Vote]:
    """Return what a vote must be: the id of one of the options and nothing else."""
    ids = tuple(sorted(option.option_id for option in options))
    option_id: Any = (Literal[ids], ...)
    return create_model("Vote", __base__=Vote, option_id=option_id)


def votes_needed(votes: int, least_majority: float) -> int:
    """Return how many of the votes one option needs; always more than half.

    >>> votes_needed(3, 0.6), votes_needed(5, 0.6), votes_needed(1, 0.6), votes_needed(4, 0.51)
    (2, 3, 1, 3)
    """
    enough = (count for count in range(1, votes + 1) if count / votes >= least_majority)
    return max(next(enough), votes // 2 + 1)


def voted(
    options: Sequence[Option], votes: int, vote_of: Callable[[int], Reply[Vote] | None]
) -> Choice:
    """Return what the votes say, or the solver's first and why.

    Voting ends as soon as nothing can change what it says.

    Args:
        options: at least one, each with an id of its own.
        votes: how many are asked for at most.
        vote_of: the vote of a number, from 0; None when nobody is left to ask.
    """
    needed = votes_needed(votes, agent_rules().least_majority)
    routes: dict[str, list[str]] = {}
    why = ""
    for number in range(votes):
        counts = Counter({option_id: len(by) for option_id, by in routes.items()})
        most = max(counts.values(), default=0)
        if most >= needed or most + votes - number < needed:
            break
        reply = vote_of(number)
        if reply is None:
            break
        why = reply.why or why
        if reply.value is not None:
            routes.setdefault(reply.value.option_id, []).append(reply.route)
    counts = Counter({option_id: len(by) for option_id, by in sorted(routes.items())})
    for option_id, count in counts.items():
        if count >= needed:
            return Choice(option_id, ", ".join(sorted(set(routes[option_id]))), votes=dict(counts))
    if routes:
        why = f"No option had {needed} of {votes} votes."
    return Choice(ranked(options)[0].option_id, SOLVER, why, dict(counts) or None)
