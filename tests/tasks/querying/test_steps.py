"""The step that answers: as whom it reads, and what it leaves on record."""

import json
from pathlib import Path

import pytest

from data_products.access import AccessDeniedError
from tasks.querying.steps import answer_query
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.tasks.querying.test_answering import PLACES, ROWS, SUCCESS, published


def services(home: Path, identity: str) -> Services:
    found = Services(Settings(home=home, identity=identity))
    found.__dict__["tables"] = published(ROWS, PLACES)
    return found


def recorded(home: Path) -> list[dict]:
    lines = [path.read_text() for path in sorted((home / "audit").glob("*.ndjson"))]
    return [json.loads(line) for line in "".join(lines).splitlines()]


def test_a_query_is_read_as_the_identity_that_is_set_and_put_on_record(tmp_path):
    with use_services(services(tmp_path, "operator")):
        told = answer_query.fn(["rrc_setup_success_rate"], ["band"])
    assert told.rows[SUCCESS].to_list() == [25.0, pytest.approx(80.2), 100.0]
    reads = recorded(tmp_path)
    assert {read["table_name"] for read in reads} == {"pm_measurements", "network_topology"}
    assert {read["identity"] for read in reads} == {"operator"}
    assert all(read["purpose"] == "metric query: rrc_setup_success_rate by band" for read in reads)
    assert not any("pdcp_sdu_volume_dl_mbit" in read["read_columns"] for read in reads)


def test_somebody_unknown_is_told_nothing(tmp_path):
    with use_services(services(tmp_path, "stranger")), pytest.raises(AccessDeniedError):
        answer_query.fn(["rrc_setup_success_rate"], ["band"])
    assert [read["outcome"] for read in recorded(tmp_path)] == ["denied"]
