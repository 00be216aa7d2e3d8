"""What every reader for people and agents does: allows by column, and puts each read on record."""

import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from data_products.access import AccessDeniedError, AccessRules
from data_products.contract import load_contract
from data_products.lineage import Lineage
from data_products.product import TIME
from semantic_layer.errors import InputError, UnknownNameError
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.adapters.guarded_reader import GuardedReader
from tasks.adapters.memory_tables import InMemoryTables
from tests.data_products.conftest import CONTRACT

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
DAY = Window(MIDNIGHT, MIDNIGHT + timedelta(days=1))
RULES = AccessRules.model_validate(
    {
        "roles": {
            "planner": {"sees": "internal", "description": "plans"},
            "analyst": {"sees": "restricted", "products": "all", "description": "analyses"},
        },
        "identities": {"pat": ["planner"], "ann": ["analyst"]},
    }
)


class StoppedClock:
    def now(self):
        return MIDNIGHT


@pytest.fixture
def reader(tmp_path):
    folder = tmp_path / "loads"
    folder.mkdir()
    text = CONTRACT.replace("{name: band,", "{name: band, classification: restricted,")
    (folder / "contract.yaml").write_text(text, encoding="utf-8")
    product = load_contract(folder / "contract.yaml", catalogue())
    tables = InMemoryTables(StoppedClock(), product.table)
    frame = pl.DataFrame({"cell_dn": ["A", "B"], "band": ["n78", "n28"]}).with_columns(
        pl.lit(MIDNIGHT, dtype=TIME).alias("period_start")
    )
    tables.publish("loads", DAY, frame, Lineage("run", "2.0.0", "c"))
    return GuardedReader(
        tables, RULES, tmp_path / "audit", StoppedClock(), lambda: {"loads": product}
    )


def records(tmp_path):
    lines = (tmp_path / "audit" / "reads-20260301.ndjson").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_rows_come_with_the_columns_that_the_identity_may_see(reader, tmp_path):
    found = reader.read("loads", DAY, identity="pat", purpose="planning").collect()
    assert found.height == 2
    assert "band" not in found.columns
    assert "band" in reader.read("loads", identity="ann").collect().columns
    first, second = records(tmp_path)
    assert (first["identity"], first["outcome"], first["purpose"]) == ("pat", "allowed", "planning")
    assert first["window_start"] == MIDNIGHT.isoformat()
    assert "band" not in first["read_columns"]
    assert second["window_start"] is None


def test_a_named_column_above_the_class_is_refused_and_the_refusal_is_on_record(reader, tmp_path):
    with pytest.raises(AccessDeniedError, match=r"loads\.band.*the role analyst would help"):
        reader.read("loads", identity="pat", columns=["band"])
    (record,) = records(tmp_path)
    assert (record["outcome"], record["asked_columns"]) == ("denied", ["band"])
    assert "restricted" in record["refusal"]
    assert record["read_columns"] == []


def test_an_unknown_identity_is_refused_and_on_record(reader, tmp_path):
    with pytest.raises(AccessDeniedError, match="No identity 'eve'"):
        reader.read("loads", identity="eve")
    assert records(tmp_path)[0]["identity"] == "eve"


def test_a_read_that_cannot_be_put_on_record_is_refused(reader, tmp_path):
    (tmp_path / "audit").write_text("a file where the folder should be")
    with pytest.raises(AccessDeniedError, match="cannot be put on record"):
        reader.read("loads", identity="ann")


def test_names_that_do_not_exist_are_errors_with_the_nearest_one(reader):
    with pytest.raises(UnknownNameError, match="did you mean 'loads'"):
        reader.read("load", identity="ann")
    with pytest.raises(InputError, match="did you mean 'band'"):
        reader.read("loads", identity="ann", columns=["bandd"])


def test_a_read_as_of_a_snapshot_is_the_table_as_it_was(reader):
    with pytest.raises(InputError, match="no snapshot 9"):
        reader.read("loads", identity="ann", snapshot_id=9)
    assert reader.read("loads", identity="ann", snapshot_id=1).collect().height == 2
