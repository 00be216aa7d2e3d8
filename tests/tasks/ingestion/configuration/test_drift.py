"""Changes that nobody asked for, and differences from plan, told by small histories."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from data_products.network_configuration.derive import completed
from data_products.network_configuration.drift import drift
from data_products.registry import table

NIGHT = datetime(2026, 3, 1, 2, tzinfo=UTC)
ELEMENT = "ManagedElement=7"
CELL = f"{ELEMENT},GNBDUFunction=1,NRCellDU=3"


def at(day):
    return NIGHT + timedelta(days=day)


def history(*rows):
    """Return a history of (dn, attribute, day, value); None removes."""
    columns = ["managed_object_dn", "attribute", "valid_from", "value", "is_removed"]
    told = [(dn, name, at(day), value, value is None) for dn, name, day, value in rows]
    shape = table("network_configuration").schema
    return completed(
        pl.DataFrame(told, schema={name: shape[name] for name in columns}, orient="row")
    )


def looks(*days, root=ELEMENT):
    shape = table("network_configuration.snapshots").schema
    columns = ["root_dn", "taken_at", "is_whole"]
    return pl.DataFrame(
        [(root, at(day), True) for day in days],
        schema={name: shape[name] for name in columns},
        orient="row",
    )


def request(change_id="C1", **told):
    """Return one request; times are days."""
    whole = {
        "change_id": change_id,
        "requested_at": at(-5),
        "state": "completed",
        "planned_start": at(0.5),
        "planned_end": at(0.6),
        "managed_object_dns": [ELEMENT],
        "parameters": [],
        **told,
    }
    shape = table("change_history").schema
    row = {name: whole.get(name) for name in shape}
    return pl.DataFrame([row], schema=shape)


ACTUAL = history(
    (ELEMENT, "objectClass", 0, "ManagedElement"),
    (CELL, "objectClass", 0, "NRCellDU"),
    (CELL, "nRPCI", 0, "5"),
    (CELL, "nRPCI", 1, "6"),
)
NO_PLAN = history()


def unplanned(requests, actual=ACTUAL, seen=(0, 1, 2)):
    found = drift(actual, looks(*seen), NO_PLAN, looks(), requests)
    return [
        (row["managed_object_dn"], row["attribute"], row["actual_value"])
        for row in found.iter_rows(named=True)
        if row["kind"] == "unplanned_change"
    ]


CHANGED = [(CELL, "nRPCI", "6")]


def test_a_cell_that_saves_energy_does_not_drift():
    function = f"{CELL.replace('DU', 'CU')},CESManagementFunction=1"
    plan = (
        (function, "objectClass", 0, "CESManagementFunction"),
        (function, "cesSwitch", 0, "true"),
        (function, "energySavingMode", 0, "ACTIVE"),
    )
    asleep = history(*plan, (function, "energySavingMode", 1, "DEEP_SLEEP"))
    assert drift(asleep, looks(0, 1, 2), history(*plan), looks(0), request()).is_empty()
    switched = history(*plan, (function, "cesSwitch", 1, "false"))
    found = drift(switched, looks(0, 1, 2), history(*plan), looks(0), request())
    assert found["attribute"].unique().to_list() == ["cesSwitch"]


def parameter(attribute, after=None):
    return [{"attribute": attribute, "value_before": None, "value_after": after}]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, []),
        ({"managed_object_dns": [CELL]}, []),
        ({"managed_object_dns": ["ManagedElement=8", CELL]}, []),
        ({"managed_object_dns": [f"{CELL}0"]}, CHANGED),
        ({"managed_object_dns": ["ManagedElement=8"]}, CHANGED),
        ({"planned_start": at(1.1), "planned_end": at(1.2)}, CHANGED),
        ({"planned_start": at(-2), "planned_end": at(-1)}, CHANGED),
        ({"planned_start": at(-2), "actual_start": at(0.9), "actual_end": at(1.5)}, []),
        ({"state": "rejected"}, CHANGED),
        ({"parameters": parameter("nRPCI", "6.0")}, []),
        ({"parameters": parameter("nRPCI", "9")}, CHANGED),
        ({"parameters": parameter("nRTAC")}, CHANGED),
        ({"parameters": parameter("nRPCI")}, []),
        ({"requested_at": at(1.5)}, []),  # nothing is known of requests before it
    ],
)
def test_a_change_is_planned_if_a_request_names_its_object_its_time_and_no_other_value(
    told, expected
):
    assert unplanned(request(**told)) == expected


def test_without_any_request_nothing_is_known_of_changes():
    assert unplanned(request().clear()) == []


def test_what_came_and_what_went_is_one_change_each_and_the_first_look_is_none():
    other = f"{ELEMENT},GNBDUFunction=1,NRCellDU=4"
    actual = history(
        (ELEMENT, "objectClass", 0, "ManagedElement"),
        (CELL, "objectClass", 0, "NRCellDU"),
        (CELL, "nRPCI", 0, "5"),
        (CELL, "objectClass", 1, None),
        (CELL, "nRPCI", 1, None),
        (other, "objectClass", 2, "NRCellDU"),
        (other, "nRPCI", 2, "5"),
    )
    elsewhere = request(managed_object_dns=["ManagedElement=8"])
    assert unplanned(elsewhere, actual) == [
        (CELL, "objectClass", None), (other, "objectClass", "NRCellDU")
    ]  # fmt: skip


def test_a_difference_that_a_request_brought_names_it():
    planned = history((CELL, "objectClass", 0, "NRCellDU"), (CELL, "nRPCI", 0, "5"))
    found = drift(ACTUAL, looks(0, 1, 2), planned, looks(0), request())
    rows = found.filter(pl.col("kind") == "differs_from_plan").to_dicts()
    assert [(row["detected_at"], row["ended_at"], row["change_id"]) for row in rows] == [
        (at(1), None, "C1")
    ]


def test_a_missing_object_is_told_once_and_not_again_for_what_it_contains():
    planned = history(
        (ELEMENT, "objectClass", 0, "ManagedElement"),
        (f"{ELEMENT},GNBDUFunction=1", "objectClass", 0, "GNBDUFunction"),
        (CELL, "objectClass", 0, "NRCellDU"),
        (CELL, "nRPCI", 0, "5"),
    )
    actual = history((ELEMENT, "objectClass", 1, "ManagedElement"))
    found = drift(actual, looks(1), planned, looks(0), request().clear())
    assert found.select("kind", "managed_object_dn", "detected_at").rows() == [
        ("missing_object", f"{ELEMENT},GNBDUFunction=1", at(1))
    ]


def test_what_no_dump_ever_covered_is_not_missing():
    planned = history(("ManagedElement=8", "objectClass", 0, "ManagedElement"))
    found = drift(
        ACTUAL, looks(0, 1), planned, looks(0, root="ManagedElement=8"), request().clear()
    )
    assert found.is_empty()
