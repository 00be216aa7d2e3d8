"""What was seen of a finding, as values: each sign that somebody looked for, with its strength."""

from collections.abc import Mapping
from dataclasses import dataclass

from semantic_layer.causes import SignKind
from tasks.messages.canonical import JsonValue


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that a tool told.

    Attributes:
        about: what kind of thing.
        name: of the KPI, alarm, kind of change, attribute or fact.
        relation: where it stands to the cell; empty where that says nothing.
        strength: of a KPI, the mean distance from what is usual in half widths of its band, above
            0 for more; of all else 0 to 1.
        says: a phrase built by code.
        reference: id of the alarm or change, DN of the object; empty for what was computed.
    """

    about: SignKind
    name: str
    relation: str
    strength: float
    says: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that was seen of one finding.

    Attributes:
        finding: the row of the tool `read_finding`.
        seen: in the order of the tools' answers.
        looked_for: kinds of alarm, change and drift that were looked for: none seen is none there.
        tickets: ids of tickets about the cell, its site or its way to the core.
        failures: sentences of tools that could not answer.
    """

    finding: Mapping[str, JsonValue]
    seen: tuple[Seen, ...]
    looked_for: frozenset[SignKind]
    tickets: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()

    @property
    def cell_dn(self) -> str:
        """The finding's cell."""
        return str(self.finding["cell_dn"])

    @property
    def anomaly_id(self) -> str:
        """The finding's id."""
        return str(self.finding["anomaly_id"])

    def of(self, about: SignKind) -> tuple[Seen, ...]:
        """Return what was seen of a kind."""
        return tuple(one for one in self.seen if one.about == about)

    def fact(self, name: str) -> float | None:
        """Return the strength of a fact, None where it is not known."""
        return next((one.strength for one in self.of("fact") if one.name == name), None)


def ramp(value: float, first: float, last: float) -> float:
    """Return 0 up to `first`, 1 from `last` on, and the share of the way between.

    >>> ramp(1.5, 1.0, 2.0)
    0.5
    """
    return min(max((value - first) / (last - first), 0.0), 1.0)
