"""From published rows to the model's inputs: cells whose radios are known, and loads of an hour."""

from datetime import UTC, datetime

import polars as pl
import pytest

from semantic_layer.loading import catalogue
from tasks.energy.site_power.published import (
    cell_loads,
    load_columns,
    site_configuration,
    told_cells,
)
from tasks.energy.site_power.site_hours import CONFIGURATION, LOADS, checked

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
KINDS = {"n78": (3500.0, 100.0, 53.0), "n28": (780.0, 10.0, 46.0)}


def cells(*told):
    """Return inventory rows: site, cell and carrier of each."""
    rows = [
        (f"{site},NRCellDU={cell}", site, *KINDS.get(kind, (26_000.0, 400.0, 40.0)), AT)
        for site, cell, kind in told
    ]
    columns = [
        "cell_dn", "managed_element_dn", "frequency_mhz", "bandwidth_mhz", "max_tx_power_dbm",
        "valid_from",
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=columns, orient="row")


def test_sites_with_the_same_carriers_are_one_type_and_chains_are_those_of_the_data_sheet():
    found = site_configuration(cells(("A", 1, "n78"), ("A", 2, "n28"), ("B", 1, "n28")))
    assert found.schema == CONFIGURATION
    assert found["ru_type"].to_list() == ["n28+n78", "n28+n78", "n28"]
    antennas = dict(found.select("cell_id", "antennas_count").iter_rows())
    assert antennas["A,NRCellDU=1"] > 4 * antennas["A,NRCellDU=2"]
    checked(found, CONFIGURATION, "cells")


def test_a_site_of_which_one_radio_is_unknown_is_left_out_whole():
    told = cells(("A", 1, "n78"), ("A", 2, "unheard of"), ("B", 1, "n28"))
    assert site_configuration(told)["site_id"].to_list() == ["B"]
    no_power = told.with_columns(
        max_tx_power_dbm=pl.when(managed_element_dn=pl.lit("B")).then(None).otherwise(46.0)
    )
    assert site_configuration(no_power).is_empty()


def test_the_later_entry_of_an_inventory_counts():
    both = pl.concat(
        [cells(("A", 1, "n78")), cells(("A", 1, "n28")).with_columns(valid_from=AT.replace(hour=2))]
    )
    assert site_configuration(both)["ru_type"].to_list() == ["n28"]


def kpis(**told):
    row = dict.fromkeys(load_columns(catalogue())) | {
        "cell_dn": "A,NRCellDU=1", "managed_element_dn": "A", "period_start": AT,
    }  # fmt: skip
    shape = {
        name: pl.Float64() for name in row if name.endswith("pct")
    }  # all that is told in per cent
    return pl.DataFrame([row | told], schema_overrides=shape)


@pytest.mark.parametrize(
    ("told", "load", "off", "on"),
    [
        pytest.param({"prb_usage_dl_pct": 40.0}, 0.4, 0.0, 0.0, id="never saved"),
        pytest.param({"lte_prb_usage_dl_pct": 40.0}, 0.4, 0.0, 0.0, id="an LTE cell"),
        pytest.param({"energy_saving_share_pct": 100.0}, 0.0, 1.0, 0.0, id="off the air"),
        pytest.param(
            {"prb_usage_dl_pct": 40.0, "energy_saving_share_pct": 25.0},
            0.3, 0.25, 0.0, id="resource blocks of the whole hour",
        ),
        pytest.param(
            {"prb_usage_dl_pct": 40.0, "energy_saving_on_air_share_pct": 100.0},
            0.4, 0.0, 1.0, id="restrained",
        ),
    ],
)  # fmt: skip
def test_load_is_of_the_whole_hour_and_modes_are_told_apart(told, load, off, on):
    row = cell_loads(kpis(**told), catalogue()).to_dicts()[0]
    assert row["load_share"] == pytest.approx(load)
    assert (row["saving_mode_1_share"], row["saving_mode_2_share"]) == (off, on)


def test_an_hour_of_which_nothing_was_told_is_no_idle_hour():
    found = cell_loads(kpis(), catalogue())
    assert found.is_empty()
    assert found.schema == LOADS


def test_a_site_with_a_mute_cell_is_left_out():
    configuration = site_configuration(cells(("A", 1, "n28"), ("A", 2, "n28"), ("B", 1, "n28")))
    loads = cell_loads(kpis(prb_usage_dl_pct=1.0), catalogue())
    both = pl.concat([loads, loads.with_columns(site_id=pl.lit("B"), cell_id=pl.lit("B,NRCellDU=1"))])  # noqa: E501 # fmt: skip
    assert told_cells(configuration, both)["site_id"].to_list() == ["B"]
