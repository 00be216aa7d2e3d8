"""Which cells save energy as the network says, and which must not, for something is wrong there."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import polars as pl

from semantic_layer.guardrails import GuardrailRules
from semantic_layer.identity import cell_dn_of, managed_element_dn, parent
from tasks.guardrails.change_forms import (
    ACTIVE,
    SAVE,
    SAVES_NOT,
    SAVING_CONTROL,
    SAVING_MODE,
    SAVING_STATE,
    entered_modes,
    is_off_air,
)
from tasks.guardrails.circumstances import ObjectFacts
from tasks.messages.change_sets import ManagedObject
from tasks.messages.proposals import ChangeProposal
from tasks.twin.what_if_sleep import Sleeper

ALARMS = ("alarm_name", "perceived_severity", "managed_object_dn", "cell_dn", "raised_at",
          "cleared_at")  # fmt: skip
"""What is read of `alarms`."""

FINDINGS = ("anomaly_id", "window_end", "cell_dn", "severity", "is_ongoing")
"""What is read of `cell_anomalies`."""

_NOT_TOLD = "not told"


def asleep_cells(objects: Iterable[ManagedObject]) -> dict[str, str]:
    """Return the mode of each cell that saves energy, as its saving function says.

    A cell that is told to save, or says that it does, sleeps in the mode that it tells; in one that
    nobody knows where it does though its mode is none.
    """
    found = {}
    for one in objects:
        cell = _cell_of(one.dn)
        told = one.attributes
        is_told = told.get(SAVING_CONTROL) == SAVE and told.get(SAVING_MODE) != ACTIVE
        does = told.get(SAVING_STATE, SAVES_NOT) != SAVES_NOT
        if cell is not None and (is_told or does):
            mode = told.get(SAVING_MODE)
            found[cell] = _NOT_TOLD if mode in (None, ACTIVE) else str(mode)
    return found


def troubled_cells(
    findings: pl.DataFrame,
    alarms: pl.DataFrame,
    cells: Sequence[str],
    at: datetime,
    rules: GuardrailRules,
) -> dict[str, str] | None:
    """Return why cells must stay awake, a sentence each; None where findings are too old.

    Args:
        findings: columns of `FINDINGS`; those of the newest window that go on count.
        alarms: columns of `ALARMS`; those that stand at a cell, or at its whole element, count.
        cells: all of the inventory.
        at: time of the network.
        rules: which severities count, and how old findings may be.
    """
    newest = findings["window_end"].max()
    keeps = timedelta(hours=rules.findings_keep_hours)
    if not isinstance(newest, datetime) or at - newest > keeps:
        return None
    is_severe = pl.col("severity").str.to_uppercase().is_in(rules.barring_severities)
    standing = findings.filter(pl.col("window_end") == newest, pl.col("is_ongoing"), is_severe)
    found = {
        cell: f"Finding {name} goes on at it."
        for cell, name in standing.select("cell_dn", "anomaly_id").sort("anomaly_id").iter_rows()
    }
    of_element: dict[str, list[str]] = {}
    for cell in cells:
        of_element.setdefault(managed_element_dn(cell) or cell, []).append(cell)
    raised = alarms.filter(
        pl.col("raised_at") <= at,
        pl.col("cleared_at").is_null() | (pl.col("cleared_at") > at),
        pl.col("perceived_severity").str.to_uppercase().is_in(rules.barring_severities),
    ).sort("alarm_name")
    for name, dn, cell in raised.select("alarm_name", "managed_object_dn", "cell_dn").iter_rows():
        for place in (cell,) if cell else of_element.get(dn, ()):
            found.setdefault(place, f"Alarm {name} stands at {dn}.")
    return found


def sleepers_of(
    proposal: ChangeProposal, objects: Mapping[str, ObjectFacts], rules: GuardrailRules
) -> list[Sleeper]:
    """Return the cells of a saving as they would sleep."""
    modes = entered_modes(proposal.change_set)
    return [
        sleeper(cell, mode, rules)
        for dn, mode in modes.items()
        for cell in (objects[dn].cell_dns if dn in objects else ())
    ]


def sleeper(cell_dn: str, mode: object, rules: GuardrailRules) -> Sleeper:
    """Return a cell in a mode; in one that no rule knows it counts as off the air."""
    known = rules.saving_mode(mode)
    if known is None or is_off_air(mode, rules):
        return Sleeper(cell_dn, is_off_air=True, capacity_share=0.0)
    return Sleeper(
        cell_dn, is_off_air=False, power_db=known.power_db, capacity_share=known.capacity_share
    )


def _cell_of(dn: str) -> str | None:
    """Return the cell below whose half a saving function stands."""
    above = parent(dn)
    return cell_dn_of(above) if above is not None else None
