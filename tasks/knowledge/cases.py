"""Validated cases: a cause, what it looked like, what was done, and how far to believe it.

A case grows with what bears it out and sinks when contradicted: by another cause for the same
looks, by a verdict that nothing was wrong, by a repair that did not help. Old observations fade.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import polars as pl

from data_products.product import TIME
from semantic_layer.catalogue_type import Catalogue
from semantic_layer.fault_kinds import FaultKinds
from semantic_layer.knowledge_rules import KnowledgeRules
from tasks.knowledge.observations import Looks, Observation
from tasks.messages.canonical import digest_of

CASE_SCHEMA: dict[str, pl.DataType] = {
    "case_id": pl.String(),
    "cause": pl.String(),
    "object_class": pl.String(),
    "signs": pl.List(pl.String),
    "remedy": pl.String(),
    "outcome": pl.String(),
    "confirmed": pl.Float64(),
    "contradicted": pl.Float64(),
    "observations": pl.Int64(),
    "weight": pl.Float64(),
    "text": pl.String(),
    "source_ids": pl.List(pl.String),
    "first_seen_at": TIME,
    "last_seen_at": TIME,
}
"""Columns of a case."""

_ID_DIGITS = 16
_MOST_SOURCES = 50
_ALARM = "alarm "
_OUTCOMES = {
    "better": "it got better",
    "as_before": "nothing changed",
    "worse": "it got worse and was taken back",
}


class CaseKey(NamedTuple):
    """What makes a case the same case."""

    looks: Looks
    cause: str
    remedy: str

    @property
    def case_id(self) -> str:
        """16 digits that follow from looks, cause and remedy."""
        return digest_of([self.looks.object_class, *self.looks.signs, self.cause, self.remedy])[
            :_ID_DIGITS
        ]


@dataclass(frozen=True, slots=True)
class Words:
    """Definitions whose titles make a case readable."""

    known: Catalogue
    kinds: FaultKinds


def case_key(observation: Observation) -> CaseKey:
    """Return the case that an observation is of."""
    return CaseKey(observation.looks, observation.cause, observation.remedy)


def derived_cases(
    observations: Sequence[Observation], rules: KnowledgeRules, words: Words, now: datetime
) -> pl.DataFrame:
    """Return all cases, each as all observations together tell, by time and id.

    Args:
        observations: of verdicts and repairs, in any order.
        rules: half-life, caution.
        words: for the text.
        now: from which age is counted, in whole weeks, so that a case rests between them.
    """
    by_looks: dict[Looks, list[Observation]] = {}
    for one in sorted(observations, key=lambda it: (it.at, it.source_id, it.remedy)):
        by_looks.setdefault(one.looks, []).append(one)
    keys = dict.fromkeys(case_key(one) for one in observations if one.cause)
    rows = [_case(key, by_looks[key.looks], rules, words, now) for key in keys]
    return pl.DataFrame(rows, schema=CASE_SCHEMA, orient="row").sort("first_seen_at", "case_id")


def weight_of(confirmed: float, contradicted: float, caution: float) -> float:
    """Return the lower Wilson bound of the share that bears a case out; 0 without observations.

    >>> [round(weight_of(*counts, 1.0), 2) for counts in ((1, 0), (5, 0), (5, 1), (1, 1), (0, 2))]
    [0.5, 0.83, 0.64, 0.21, 0.0]

    Args:
        confirmed: observations for it, by weight and age.
        contradicted: observations against it, likewise.
        caution: standard deviations below the share.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference,
    1927.
    """
    total = confirmed + contradicted
    if total <= 0:
        return 0.0
    square = caution**2
    spread = caution * math.sqrt(confirmed * contradicted / total + square / 4)
    return max(0.0, (confirmed + square / 2 - spread) / (total + square))


def _case(
    key: CaseKey,
    seen: Sequence[Observation],
    rules: KnowledgeRules,
    words: Words,
    now: datetime,
) -> dict[str, Any]:
    own = [one for one in seen if case_key(one) == key]
    confirming = [one for one in own if one.is_for]
    against = [one for one in seen if _contradicts(one, key)]
    confirmed, contradicted = (_sum(group, rules, now) for group in (confirming, against))
    outcome = next((one.outcome for one in reversed(own) if one.outcome), "")
    return {
        "case_id": key.case_id,
        "cause": key.cause,
        "object_class": key.looks.object_class,
        "signs": list(key.looks.signs),
        "remedy": key.remedy or None,
        "outcome": outcome or None,
        "confirmed": round(confirmed, 3),
        "contradicted": round(contradicted, 3),
        "observations": len(own),
        "weight": round(weight_of(confirmed, contradicted, rules.case_caution), 3),
        "text": _text(key, outcome, (len(confirming), len(against)), words),
        "source_ids": sorted({one.source_id for one in own})[:_MOST_SOURCES],
        "first_seen_at": own[0].at,
        "last_seen_at": own[-1].at,
    }


def _contradicts(one: Observation, key: CaseKey) -> bool:
    """Tell whether an observation of the same looks speaks against a case."""
    if one.cause != key.cause:
        return one.is_for
    return not one.is_for and one.remedy == key.remedy


def _sum(group: Iterable[Observation], rules: KnowledgeRules, now: datetime) -> float:
    return sum(one.strength * _freshness(one.at, rules, now) for one in group)


def _freshness(at: datetime, rules: KnowledgeRules, now: datetime) -> float:
    weeks = max(0, (now - at) // timedelta(days=7))
    return float(0.5 ** (weeks * 7 / rules.case_half_life))


def _text(key: CaseKey, outcome: str, counts: tuple[int, int], words: Words) -> str:
    kind = words.kinds.get(key.cause)
    cause = f"{kind.title} ({key.cause})" if kind else key.cause
    signs = "; ".join(_sign(sign, words.known) for sign in key.looks.signs)
    said = [
        f"Cause: {cause}, at {key.looks.object_class or 'an object of no known class'}.",
        f"Signs: {signs}." if signs else "Signs: not on record.",
    ]
    if key.remedy:
        said.append(f"Remedy: {key.remedy}; the last time {_OUTCOMES[outcome]}.")
    times = [f"{count} {'time' if count == 1 else 'times'}" for count in counts]
    return " ".join((*said, f"Borne out {times[0]}, contradicted {times[1]}."))


def _sign(sign: str, known: Catalogue) -> str:
    if sign.startswith(_ALARM):
        alarm = known.alarms.get(sign.removeprefix(_ALARM))
        return f"alarm '{alarm.title}' at the object itself" if alarm else sign
    name, _, way = sign.rpartition(" ")
    kpi = known.kpis.get(name)
    return f"{kpi.title} ({name}) {way} what was expected" if kpi else sign


def outcome_says(observation: Observation, names: Mapping[str, str]) -> str:
    """Return what a repair taught, in a sentence for the record.

    Args:
        observation: of the repair.
        names: titles of causes.
    """
    cause = names.get(observation.cause, observation.cause)
    verb = "bears out" if observation.is_for else "speaks against"
    remedy = f"{observation.remedy[:1].upper()}{observation.remedy[1:]}"
    return f"{remedy}: {_OUTCOMES[observation.outcome]}; this {verb} the case of {cause}."
