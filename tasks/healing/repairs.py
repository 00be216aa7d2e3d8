"""Repairs: the writes that would end a cause, and what must follow from them.

Every value written was read from the network or its plan; nothing here invents one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from semantic_layer.healing import HealingRules
from semantic_layer.identity import object_class_of
from tasks.healing.diagnosis import Cause, Diagnosed, KpiShift
from tasks.messages.canonical import JsonValue
from tasks.messages.change_sets import ChangeSet, Operation
from tasks.messages.proposals import ExpectedEffect, Risk

USE_CASES: Mapping[Cause, str] = {
    "sleeping_cell": "heal_sleeping_cell",
    "tilt_slip": "heal_tilt_slip",
    "wrong_neighbor": "heal_wrong_neighbor",
}
_RISKS: Mapping[Cause, Risk] = {
    "sleeping_cell": "medium",  # the few who are served lose their connections
    "tilt_slip": "medium",
    "wrong_neighbor": "low",
}
_OPTIONS: Mapping[Cause, str] = {
    "sleeping_cell": "restart_cell",
    "tilt_slip": "set_tilt_back",
    "wrong_neighbor": "restore_relations",
}
_MOST_RELATIONS = 5

Row = Mapping[str, JsonValue]


@dataclass(frozen=True)
class Repair:
    """A candidate.

    Attributes:
        option_id: of a choice.
        score: what it is worth by the solver: the cause's probability.
        says: a sentence.
    """

    option_id: str
    cause: Cause
    change_set: ChangeSet
    expected: ExpectedEffect
    risk: Risk
    score: float
    says: str


def repairs(
    cell_dn: str,
    found: Sequence[Diagnosed],
    departures: Sequence[Row],
    state: Row,
    rules: HealingRules,
) -> list[Repair]:
    """Return what could be done, most probable cause first; none below the rules' probability."""
    made = []
    for one in found:
        if one.probability < rules.least_probability or one.shift is None:
            continue
        operations = _operations(cell_dn, one.cause, departures, state)
        if operations:
            expected = _expected(cell_dn, one.cause, one.shift, rules)
            made.append(
                Repair(
                    _OPTIONS[one.cause],
                    one.cause,
                    ChangeSet(tuple(operations)),
                    expected,
                    _RISKS[one.cause],
                    round(one.probability, 4),
                    _says(one, operations),
                )
            )
    return made


def _operations(
    cell_dn: str, cause: Cause, departures: Sequence[Row], state: Row
) -> list[Operation]:
    if cause == "sleeping_cell":
        if state.get("administrative_state") != "UNLOCKED":
            return []
        name = object_class_of(cell_dn)
        way: tuple[tuple[str, str], ...] = (("UNLOCKED", "LOCKED"), ("LOCKED", "UNLOCKED"))
        return [
            Operation("MODIFY", cell_dn, name, "administrativeState", before, after)
            for before, after in way
        ]
    if cause == "tilt_slip":
        return [
            Operation(
                "MODIFY", str(row["dn"]), str(row["object_class"]), str(row["attribute"]),
                row["live"], row["planned"],
            )
            for row in departures
            if row["kind"] == "tilt"
        ]  # fmt: skip
    return [
        Operation("CREATE", str(row["dn"]), str(row["object_class"]), "", None, row["planned"])
        for row in departures
        if row["kind"] == "relation"
    ][:_MOST_RELATIONS]


def _expected(cell_dn: str, cause: Cause, shift: KpiShift, rules: HealingRules) -> ExpectedEffect:
    """Return what should come back: a share of what was lost, in the KPI that lost most."""
    better: Literal["higher", "lower"] = "higher" if shift.seen < shift.usual else "lower"
    gap = abs(shift.usual - shift.seen) / max(abs(shift.seen), 1e-9)
    gain = min(max(rules.regained_share * gap, rules.least_gain), rules.most_gain)
    is_ratio = cause == "wrong_neighbor"
    loss = rules.worst_failure_loss if is_ratio else rules.worst_loss
    return ExpectedEffect(
        shift.kpi, better, (cell_dn,), round(gain, 4), loss, rules.settle_periods,
        rules.verify_periods,
    )  # fmt: skip


def _says(one: Diagnosed, operations: Sequence[Operation]) -> str:
    shift = one.shift
    seen = (
        ""
        if shift is None
        else f"{shift.kpi} is {shift.seen:.3g} where {shift.usual:.3g} is usual; "
    )
    if one.cause == "sleeping_cell":
        act = "lock and unlock the cell"
    elif one.cause == "tilt_slip":
        act = f"set {operations[0].attribute} from {operations[0].before} to the planned "
        act += f"{operations[0].after} (tenths of a degree)"
    else:
        act = f"create {len(operations)} planned neighbor relation(s) that lack"
    return f"{seen}{one.cause} has probability {one.probability:.2f}: {act}."
