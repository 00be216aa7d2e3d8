"""What a little town publishes: eight sites in a row, 1.2 km apart, three sectors each."""

from datetime import UTC, datetime, timedelta

import polars as pl

from data_products.lineage import Lineage
from semantic_layer.identity import parent
from semantic_layer.periods import Window
from tasks.adapters.memory_tables import InMemoryTables
from tasks.adapters.system_clock import SystemClock
from tasks.twin.what_if_facts import load_columns
from tests.tasks.guardrails.town import beam, cell

SITES = 8
BEGIN = datetime(2025, 6, 1, tzinfo=UTC)
CELLS = [(site, number) for site in range(1, SITES + 1) for number in (1, 2, 3)]
_LINEAGE = Lineage("run-1", "1.0.0", "abc")


def published(at, *, slipped=None, silent=()):
    """Return tables in which antennas look 4 degrees down, but for those that a dump tells slipped.

    Args:
        at: a moment; the newest loads are of the quarter of an hour before it.
        slipped: tilts in tenths of a degree by cell (site, number).
        silent: cells (site, number) that reported nothing.
    """
    tables, begun = InMemoryTables(SystemClock()), Window(BEGIN, at + timedelta(days=1))
    for table, rows, scope in (
        ("network_topology", _inventory(), {"source": "cells"}),
        ("network_configuration", _configured(slipped or {}), {"source": "nrm"}),
        (
            "cell_kpis",
            _loads(at - timedelta(minutes=15), silent),
            {"granularity": "15min", "source": "pm_measurements"},
        ),
    ):
        tables.publish(table, begun, pl.DataFrame(list(rows)), _LINEAGE, scope)
    return tables


def _inventory():
    for site, number in CELLS:
        yield {
            "cell_dn": cell(site, number),
            "site_id": f"S{site:03d}",
            "latitude_deg": 51.0,
            "longitude_deg": 12.0 + 0.017 * site,
            "azimuth_deg": 120.0 * (number - 1),
            "antenna_height_m": 30.0,
            "digital_tilt_deg": 4.0,
            "max_tx_power_dbm": 46.0,
            "band": "n28",
            "frequency_mhz": 780.0,
            "bandwidth_mhz": 10.0,
            "archetype": "residential",
            "valid_from": BEGIN,
            "source": "cells",
        }


def _configured(slipped):
    for one in CELLS:
        carrier = parent(beam(*one))
        yield _value(cell(*one), "nRSectorCarrierRef", "NRCellDU", f'["{carrier}"]')
        tilt = str(slipped.get(one, 40))
        yield _value(beam(*one), "digitalTilt", "CommonBeamformingFunction", tilt)


def _value(dn, attribute, object_class, value):
    return {
        "managed_object_dn": dn,
        "attribute": attribute,
        "valid_from": BEGIN,
        "object_class": object_class,
        "value": value,
        "is_removed": False,
        "source": "nrm",
    }


def _loads(start, silent):
    """Yield loads that differ from cell to cell: 10 Mbit/s, 30 % and 6 users, and some more."""
    names = load_columns()[3:]
    for place, one in enumerate(CELLS):
        if one in silent:
            continue
        values = (10.0 + place, None, 30.0 + place, None, 6.0 + place, None)
        told = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        yield {
            "cell_dn": cell(*one),
            "object_class": "NRCellDU",
            "period_start": start,
            "granularity": "15min",
            "source": "pm_measurements",
            **told,
        }
