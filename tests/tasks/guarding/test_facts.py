"""From published rows to facts: objects to cells, plans, loads, open changes."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from semantic_layer.errors import InputError
from semantic_layer.guardrails import guardrail_rules
from tasks.guarding.network_facts import cell_facts, cell_loads, load_columns, open_changes
from tasks.guarding.object_facts import (
    carrier_cells,
    cell_tilts,
    cells_of_object,
    object_facts,
    standing_values,
)
from tasks.guarding.predictions import cell_changes, live_tilts, predictions
from tasks.guardrails.circumstances import ObjectFacts
from tasks.messages.change_sets import ChangeSet, ManagedObject, Operation
from tests.tasks.guardrails.town import beam, cell, lonely, restart, sleeping, slipped

AT = datetime(2025, 6, 4, 12, tzinfo=UTC)
CARRIER = "SubNetwork=1,ManagedElement=1,GNBDUFunction=1,NRSectorCarrier=7"
CARRIERS = {CARRIER: (cell(1, 1), cell(1, 2))}


@pytest.mark.parametrize(
    ("dn", "cells"),
    [
        (cell(1), (cell(1),)),
        (f"{CARRIER},CommonBeamformingFunction=1", CARRIERS[CARRIER]),
        ("SubNetwork=1,ManagedElement=1,GNBCUCPFunction=1,NRCellCU=1", (cell(1),)),
        ("SubNetwork=1,ManagedElement=1,GNBCUCPFunction=1,NRCellCU=1,NRCellRelation=2-1",
         (cell(1),)),
        ("SubNetwork=1,ManagedElement=1,ENBFunction=1,EUtranCellFDD=9,EUtranRelation=2-9",
         ("SubNetwork=1,ManagedElement=1,ENBFunction=1,EUtranCellFDD=9",)),
        ("SubNetwork=1,ManagedElement=1", ()),
        (CARRIER.replace("7", "8"), ()),
        ("nothing of the kind", ()),
        ("", ()),
    ],
)  # fmt: skip
def test_an_object_is_part_of_its_cells(dn, cells):
    assert cells_of_object(dn, CARRIERS) == cells


def configuration(*rows):
    names = ("managed_object_dn", "attribute", "object_class", "value", "is_removed", "days_ago")
    told = pl.DataFrame(
        rows, schema=dict.fromkeys(names[:4], pl.String) | {"is_removed": pl.Boolean,
                                                               "days_ago": pl.Int64},
        orient="row",
    )  # fmt: skip
    moment = pl.lit(AT) - pl.duration(days=pl.col("days_ago"))
    return told.with_columns(valid_from=moment).drop("days_ago")


def test_the_newest_value_that_stands_counts():
    told = configuration(
        (beam(1), "digitalTilt", "CommonBeamformingFunction", "40", False, 9),
        (beam(1), "digitalTilt", "CommonBeamformingFunction", "95", False, 2),
        (beam(1), "digitalTilt", "CommonBeamformingFunction", "50", False, -1),
        (beam(2), "digitalTilt", "CommonBeamformingFunction", "40", False, 9),
        (beam(2), "digitalTilt", "CommonBeamformingFunction", None, True, 1),
    )
    standing = standing_values(told, AT)
    assert standing.select("managed_object_dn", "value").rows() == [(beam(1), "95")]


def test_references_tell_which_cells_a_carrier_feeds():
    told = configuration(
        (cell(1), "nRSectorCarrierRef", "NRCellDU", f'["{CARRIER}"]', False, 1),
        (cell(1, 2), "nRSectorCarrierRef", "NRCellDU", CARRIER, False, 1),
        (cell(1, 3), "nRSectorCarrierRef", "NRCellDU", "[broken", False, 1),
        (f"{CARRIER},CommonBeamformingFunction=1", "digitalTilt", "X", "57", False, 1),
        (cell(9), "retTilt", "X", "odd", False, 1),
    )
    standing = standing_values(told, AT)
    carriers = carrier_cells(standing)
    assert carriers == CARRIERS
    assert cell_tilts(standing, carriers) == {cell(1): 5.7, cell(1, 2): 5.7}


def test_objects_are_known_as_they_are_and_as_planned():
    live = {cell(1): ManagedObject(cell(1), "NRCellDU", {"administrativeState": "LOCKED"})}
    planned = standing_values(
        configuration(
            (cell(1), "objectClass", "NRCellDU", "NRCellDU", False, 1),
            (cell(1), "administrativeState", "NRCellDU", "UNLOCKED", False, 1),
        ),
        AT,
    )
    found = object_facts([cell(1), cell(2), "no object"], live, planned, {})
    assert found[cell(1)] == ObjectFacts(
        "NRCellDU",
        (cell(1),),
        {"administrativeState": "LOCKED"},
        {"administrativeState": "UNLOCKED"},
    )
    assert (found[cell(2)].live, found[cell(2)].planned) == (None, None)
    assert "no object" not in found


def test_cells_know_their_sector_and_community():
    rows = [(cell(1), "S001", 30.0, [cell(2)], AT), (cell(1, 4), "S001", 30.0, None, AT),
            (cell(2), None, None, [cell(1)], AT)]  # fmt: skip
    names = ["cell_dn", "site_id", "azimuth_deg", "neighbor_dns", "valid_from"]
    found = cell_facts(pl.DataFrame(rows, schema=names, orient="row"), guardrail_rules())
    assert found[cell(1)].sector == found[cell(1, 4)].sector == "S001/30"
    assert found[cell(2)].site_id == cell(2)
    assert len({one.community for one in found.values()}) == 1


def kpis(*rows):
    columns = load_columns()
    schema = dict.fromkeys(columns, pl.Float64) | {
        "cell_dn": pl.String, "granularity": pl.String, "period_start": pl.Datetime("us", "UTC"),
    }  # fmt: skip
    told = [dict(zip(("cell_dn", "period_start", "granularity", *named), row, strict=False))
            for named, row in rows]  # fmt: skip
    return pl.DataFrame(told, schema=schema)


def test_the_newest_whole_quarter_of_an_hour_tells_a_load():
    nr = ("traffic_volume_dl_mbps", "prb_usage_dl_pct", "mean_active_users_count")
    lte = tuple(f"lte_{name}" for name in nr)
    told = kpis(
        (nr, (cell(1), AT, "15min", 5.0, 20.0, 7.0)),
        (nr, (cell(1), AT - timedelta(minutes=15), "15min", 9.0, 30.0, 9.0)),
        (nr, (cell(1), AT + timedelta(minutes=15), "15min", None, 20.0, 7.0)),
        (nr, (cell(2), AT, "hour", 5.0, 20.0, 7.0)),
        (lte, (cell(3), AT, "15min", 1.0, 2.0, 3.0)),
    )
    found = cell_loads(told)
    assert set(found) == {cell(1), cell(3)}
    assert (found[cell(1)].traffic_mbps, found[cell(3)].users) == (5.0, 3.0)


def test_a_change_is_open_until_its_state_says_otherwise():
    rows = [(name, state, AT, AT, None, ended, [cell(1)]) for name, state, ended in (
        ("A", "inProgress", None), ("B", "CLOSED", None), ("C", None, None),
        ("D", "inProgress", AT), ("E", "cancelled", None), ("F", "an odd word", None),
    )]  # fmt: skip
    moment = pl.Datetime("us", "UTC")
    schema = {"change_id": pl.String, "state": pl.String, "planned_start": moment,
              "planned_end": moment, "actual_start": moment, "actual_end": moment,
              "managed_object_dns": pl.List(pl.String)}  # fmt: skip
    found = open_changes(pl.DataFrame(rows, schema=schema, orient="row"), guardrail_rules())
    assert [one.change_id for one in found] == ["A", "C", "F"]


def test_operations_become_changes_of_cells():
    objects = {
        cell(1): ObjectFacts("NRCellDU", (cell(1),), {}, None),
        beam(1): ObjectFacts("X", (cell(1), cell(2)), {"digitalTilt": 95}, None),
    }
    (locked,) = cell_changes(ChangeSet(restart(cell(1))), objects)
    assert (locked.cell_dn, locked.is_locked) == (cell(1), True)
    tilted = cell_changes(slipped(1).change_set, objects)
    assert [(one.cell_dn, one.tilt_deg) for one in tilted] == [(cell(1), 4.0), (cell(2), 4.0)]
    assert live_tilts([slipped(1)], objects) == {cell(1): 9.5, cell(2): 9.5}
    with pytest.raises(InputError, match="No cell is known"):
        cell_changes(ChangeSet(restart(cell(5))), objects)
    power = Operation("MODIFY", cell(1), "NRCellDU", "configuredMaxTxPower", 1, 2)
    with pytest.raises(InputError, match="cannot tell"):
        cell_changes(ChangeSet((power,)), objects)


def test_what_the_twin_cannot_answer_is_told_as_lacking():
    def silent(_changes):
        raise InputError("Nothing was measured lately.")

    objects = {cell(1): ObjectFacts("NRCellDU", (cell(1),), {}, None)}
    found = predictions([sleeping(1), lonely(2)], objects, silent)
    assert {told.lacking for told in found.values()} == {"Nothing was measured lately."}
    assert len(found) == 1
