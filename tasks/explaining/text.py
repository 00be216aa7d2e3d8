"""The explanation that code writes: plain sentences with citations, for where no model answers.

Every number and name in it comes from a tool's result; what others wrote stands in quotation marks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tasks.explaining.hypotheses import UNKNOWN, Contribution, Hypothesis
from tasks.explaining.observations import Facts, Seen

_KPIS = 3
_NEAR = 3
_REASONS = 3
_PASSAGE_CHARS = 220
_CITED_CHARS = 200
_LEAST_AGAINST = -0.5
_LEAST_NEAR = 0.5
"""What was over before, or came long after, is told only where a cause rests on it."""


@dataclass(frozen=True, slots=True)
class CitedPassage:
    """A passage that was found for a cause: others wrote its text."""

    passage_id: str
    title: str
    text: str
    collection: str


def explanation(
    facts: Facts,
    ranked: Sequence[Hypothesis],
    passages: Sequence[CitedPassage],
    decider: str,
    *,
    is_decided: bool,
) -> str:
    """Return what moved, since when, what stood near, why, what else, what decides, what to do."""
    told = [
        _moved(facts),
        _near(facts),
        _first(ranked[0], is_decided=is_decided),
        _next(ranked),
        f"{'To confirm' if is_decided else 'To decide'}: {decider}.",
        _quoted(passages),
        _failed(facts),
    ]
    return " ".join(sentence for sentence in told if sentence)


def citations(facts: Facts, first: Hypothesis, passages: Sequence[CitedPassage]) -> tuple[str, ...]:
    """Return the ids that the explanation rests on, each once, in its order."""
    near = [one.reference for one in _told_near(facts)]
    why = [one.reference for one in (*_for(first), *_against(first))]
    shown = [one.passage_id for one in _told_passages(passages)]
    every = [*near, *why, *facts.tickets[:1], *shown]
    return tuple(dict.fromkeys(one for one in every if one))


def _moved(facts: Facts) -> str:
    finding = facts.finding
    since = _moment(finding["onset_at"] or finding["anomaly_start"])
    until = finding["anomaly_end"]
    lasts = "still so" if finding["is_ongoing"] or until is None else f"until {_moment(until)}"
    by_name = {one.name: one for one in facts.of("kpi")}
    blamed: Sequence[Any] = finding["contributions"] or ()  # type: ignore[assignment]
    named = [by_name[one["kpi"]].says for one in blamed if one["kpi"] in by_name]
    if not named:
        furthest = sorted(by_name.values(), key=lambda one: (-abs(one.strength), one.name))
        named = [one.says for one in furthest]
    what = "; ".join(named[:_KPIS]) or "no KPI could be compared with what is usual"
    return f"{facts.cell_dn} strays since {since} UTC, {lasts}: {what}."


def _near(facts: Facts) -> str:
    company = [
        one.says for one in facts.of("fact")
        if one.name in ("whole_site", "neighbors_stray") or _is_neighbor(one)
    ]  # fmt: skip
    named = [f"{one.says}{_cited(one.reference)}" for one in _told_near(facts)]
    tickets = [f"a ticket was open{_cited(one)}" for one in facts.tickets[:1]]
    told = [*company, *named, *tickets]
    return f"Near it: {'; '.join(told)}." if told else "Nothing stood near it."


def _is_neighbor(one: Seen) -> bool:
    return one.name in ("neighbor_strays_more", "neighbor_lost_users") and one.strength >= 0.5


def _told_near(facts: Facts) -> list[Seen]:
    """Return the alarms, changes and drift that count most, nearest first."""
    order = ("same_cell", "same_site", "upstream", "neighbor_site", "network")
    some = [one for kind in ("drift", "change", "alarm") for one in facts.of(kind)]
    near = [one for one in some if one.relation in order[:3] and one.strength > _LEAST_NEAR]
    near.sort(key=lambda one: (-one.strength, order.index(one.relation)))
    return near[:_NEAR]


def _first(first: Hypothesis, *, is_decided: bool) -> str:
    if first.cause == UNKNOWN:
        return f"No known cause fits well (probability of none {first.probability:.2f})."
    lead = "Most likely" if is_decided else "Not decided; most likely"
    why = _reasons(_for(first))
    against = _reasons(_against(first))
    told = f"{lead}: {_named(first)}, probability {first.probability:.2f}"
    return f"{told}{', for ' + why if why else ''}{'; against it, ' + against if against else ''}."


def _next(ranked: Sequence[Hypothesis]) -> str:
    second = next(one for one in ranked[1:] if one.cause != UNKNOWN)
    why = _reasons(_for(second)[:2])
    told = f"Next: {_named(second)}, probability {second.probability:.2f}"
    return f"{told}{', for ' + why if why else ''}."


def _for(one: Hypothesis) -> list[Contribution]:
    return [part for part in one.contributions if part.log_odds > 0][:_REASONS]


def _against(one: Hypothesis) -> list[Contribution]:
    return [part for part in one.contributions if part.log_odds <= _LEAST_AGAINST][:2]


def _reasons(parts: Sequence[Contribution]) -> str:
    return ", ".join(_reason(part) for part in parts)


def _reason(part: Contribution) -> str:
    return f"{part.because} ({part.says})" if part.says else part.because


def _named(one: Hypothesis) -> str:
    return one.title[0].lower() + one.title[1:]


def _quoted(passages: Sequence[CitedPassage]) -> str:
    """Return what the best runbook, and the best case of the past, say."""
    return " ".join(_quotation(one) for one in _told_passages(passages))


def _told_passages(passages: Sequence[CitedPassage]) -> list[CitedPassage]:
    first: dict[str, CitedPassage] = {}
    for one in passages:
        first.setdefault(one.collection, one)
    return list(first.values())


def _quotation(passage: CitedPassage) -> str:
    text = " ".join(passage.text.split())
    cut = text if len(text) <= _PASSAGE_CHARS else f"{text[: _PASSAGE_CHARS - 1]}…"
    says = "A case of the past says" if passage.collection == "cases" else "The runbook says"
    return f"{says}: “{cut}”{_cited(passage.passage_id)}."


def _failed(facts: Facts) -> str:
    if not facts.failures:
        return ""
    tools = dict.fromkeys(one.partition(":")[0] for one in facts.failures)
    return f"Could not be asked, or only in part: {', '.join(tools)}."


def _cited(reference: str) -> str:
    """Return an id in brackets; one that cannot be printed is left to the list of citations."""
    is_plain = reference.isprintable() and len(reference) <= _CITED_CHARS
    return f" [{reference}]" if reference and is_plain and "]" not in reference else ""


def _moment(value: object) -> str:
    return f"{datetime.fromisoformat(str(value)):%Y-%m-%d %H:%M}"


def facts_for_models(
    facts: Facts, ranked: Sequence[Hypothesis], decider: str, *, is_decided: bool
) -> Mapping[str, Any]:
    """Return what a model may say: values and phrases of code, nothing that others wrote."""
    return {
        "finding": {
            name: facts.finding[name]
            for name in ("cell_dn", "anomaly_start", "anomaly_end", "onset_at", "severity")
        },
        "moved": [one.says for one in facts.of("kpi")[:8]],
        "near": [f"{one.says}{_cited(one.reference)}" for one in _told_near(facts)],
        "company": [one.says for one in facts.of("fact") if one.strength >= 0.5],
        "hypotheses": [
            {
                "cause": one.title,
                "probability": one.probability,
                "for": [_reason(part) for part in _for(one)],
                "against": [_reason(part) for part in _against(one)],
            }
            for one in ranked[:3]
        ],
        "is_decided": is_decided,
        "would_decide": decider,
        "could_not_be_read": list(facts.failures),
    }
