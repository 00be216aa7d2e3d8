"""Who may see which column, and what a record of a read becomes."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from data_products.access import AccessRules, decided, load_access_rules
from data_products.access_audit.derive import derive
from data_products.contract import load_contract
from data_products.contract_source import ContractError
from data_products.registry import product
from semantic_layer.errors import DefinitionError, InputError
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.settings import Settings

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
DAY = Window(MIDNIGHT, MIDNIGHT + timedelta(days=1))
RULES = AccessRules.model_validate(
    {
        "roles": {
            "planner": {"sees": "internal", "description": "plans"},
            "analyst": {"sees": "restricted", "products": ["loads"], "description": "analyses"},
            "stranger": {"sees": "restricted", "description": "is granted nothing"},
        },
        "identities": {
            "pat": ["planner"],
            "ann": ["analyst"],
            "sid": ["stranger"],
            "both": ["stranger", "planner"],
            "nobody": [],
        },
    }
)


@pytest.fixture
def loads(write_contract):
    """Return the product `loads`, one of its columns restricted."""
    found = load_contract(
        write_contract(
            (
                "{name: band, logicalType: string,",
                "{name: band, classification: restricted, logicalType: string,",
            )
        ),
        catalogue(),
    )
    return found, found.table("loads")


def test_columns_above_a_role_s_class_are_left_out(loads):
    found = decided(RULES, "pat", *loads)
    assert found.refusal == ""
    assert "band" not in found.columns
    assert {"cell_dn", "run_id", "prb_usage_dl_pct"} <= set(found.columns)


def test_a_column_that_is_named_and_may_not_be_seen_is_refused_with_what_would_help(loads):
    found = decided(RULES, "pat", *loads, columns=["cell_dn", "band"])
    assert found.columns == ()
    assert "pat (planner) may not read loads.band, which is restricted" in found.refusal
    assert "the role analyst would help" in found.refusal


def test_a_role_that_sees_enough_reads_all(loads):
    assert decided(RULES, "ann", *loads).columns == tuple(loads[1].schema)


@pytest.mark.parametrize("identity", ["sid", "nobody"])
def test_a_product_that_grants_nothing_is_closed(loads, identity):
    found = decided(RULES, identity, *loads)
    assert found.columns == ()
    assert "may not read loads;" in found.refusal


def test_a_role_lends_its_class_only_to_products_that_it_reads(loads):
    assert "band" not in decided(RULES, "both", *loads).columns


def test_an_identity_that_nobody_knows_is_refused(loads):
    assert "did you mean 'pat'" in decided(RULES, "pad", *loads).refusal


def test_a_column_that_does_not_exist_is_an_error_and_no_refusal(loads):
    with pytest.raises(InputError, match="did you mean 'band'"):
        decided(RULES, "ann", *loads, columns=["bant"])


def test_a_classification_that_is_none_is_told_with_its_line(write_contract):
    path = write_contract(
        (
            "{name: band, logicalType: string,",
            "{name: band, classification: secret, logicalType: string,",
        )
    )
    with pytest.raises(ContractError, match="no known classification"):
        load_contract(path, catalogue())


def test_the_packaged_rules_show_the_operator_everything_but_what_is_restricted():
    rules = load_access_rules(Settings().access_rules)
    kpis = product("cell_kpis")
    assert decided(rules, "operator", kpis, kpis.table("cell_kpis")).columns
    table = kpis.table("cell_kpis")
    first = replace(table.columns[0], classification="restricted")
    closed = replace(table, columns=(first, *table.columns[1:]))
    assert first.name not in decided(rules, "operator", kpis, closed).columns
    assert first.name in decided(rules, "pipeline", kpis, closed).columns
    assert first.name not in decided(rules, "agent", kpis, closed).columns


def test_rules_that_name_an_unknown_role_are_refused(tmp_path):
    path = tmp_path / "access.yaml"
    path.write_text("roles: {}\nidentities: {a: [b]}\n")
    with pytest.raises(DefinitionError, match="no known role"):
        load_access_rules(path)
    with pytest.raises(DefinitionError, match="ANOPS_ACCESS_FILE"):
        load_access_rules(tmp_path / "absent.yaml")


def record(**changes):
    content = {
        "read_id": "r1",
        "read_at": (MIDNIGHT + timedelta(hours=1)).isoformat(),
        "identity": "operator",
        "table_name": "cell_kpis",
        "read_columns": ["cell_dn"],
        "outcome": "allowed",
    }
    return json.dumps(content | changes)


def test_records_of_reads_become_rows_of_their_window_and_the_rest_is_told():
    lines = [
        ("a", 1, record()),
        ("a", 2, record(read_id="r2", read_at=DAY.end.isoformat())),
        ("a", 3, "{"),
        ("a", 4, record(read_at="2026-03-01T01:00")),
        ("a", 5, "[]"),
        ("a", 6, record(read_id="r3", window_start=MIDNIGHT.isoformat(), purpose="x")),
    ]
    read, told = derive(lines, DAY)
    assert read["read_id"].to_list() == ["r1", "r3"]
    assert told["place"].to_list() == ["line 3", "line 4", "line 5"]
    assert "no time with a zone" in told["reason"][1]
