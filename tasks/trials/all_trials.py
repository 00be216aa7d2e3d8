"""Every case as a trial, by kind of work."""

from collections.abc import Mapping, Sequence
from itertools import chain

from semantic_layer.errors import InputError, UnknownNameError
from tasks.trials.case_files import (
    KINDS,
    AnyCase,
    HostileCase,
    HypothesisCase,
    IntentCase,
    Kind,
    SummaryCase,
    ToolCase,
    cases,
)
from tasks.trials.hostile_trial import HostileTrial
from tasks.trials.hypothesis_trial import HypothesisTrial
from tasks.trials.intent_trial import IntentTrial
from tasks.trials.summary_trial import SummaryTrial
from tasks.trials.tool_trial import ToolTrial
from tasks.trials.trial import Trial


def all_trials(
    kinds: Sequence[str] = (), limit: int | None = None
) -> dict[Kind, tuple[Trial, ...]]:
    """Return the packaged trials of some kinds, all where none is named.

    Args:
        kinds: of work.
        limit: most cases of a kind, spread evenly over its file; None for all.

    Raises:
        UnknownNameError: a kind is none.
        InputError: the limit leaves nothing.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise UnknownNameError.of("kind of trial", kind, KINDS)
    if limit is not None and limit < 1:
        raise InputError(f"A limit of {limit} cases a kind leaves none; name 1 or more.")
    known = cases()
    benign = {
        case.id: _trial(case, {})
        for case in chain(*known.values())
        if not isinstance(case, HostileCase)
    }
    return {
        kind: tuple(_trial(case, benign) for case in _spread(known[kind], limit))
        for kind in KINDS
        if not kinds or kind in kinds
    }


def _trial(case: AnyCase, benign: Mapping[str, Trial]) -> Trial:
    match case:
        case IntentCase():
            return IntentTrial(case)
        case ToolCase():
            return ToolTrial(case)
        case HypothesisCase():
            return HypothesisTrial(case)
        case SummaryCase():
            return SummaryTrial(case)
        case HostileCase():
            return HostileTrial(case, benign[case.of])


def _spread(some: Sequence[AnyCase], limit: int | None) -> list[AnyCase]:
    """Return so many cases at even distances; cases of one sort stand together in a file."""
    if limit is None or limit >= len(some):
        return list(some)
    return [some[number * len(some) // limit] for number in range(limit)]
