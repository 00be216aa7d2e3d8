import polars as pl
import pytest

from data_products.contract import load_contract
from data_products.contract_source import ContractError
from data_products.product import TIME
from semantic_layer.errors import UnknownNameError
from semantic_layer.loading import catalogue


def problems(path):
    with pytest.raises(ContractError) as caught:
        load_contract(path, catalogue())
    return [(problem.line, problem.message) for problem in caught.value.problems]


def test_a_contract_becomes_typed_columns_key_and_time(loads_table):
    assert loads_table.schema["period_start"] == TIME
    assert loads_table.schema["bins"] == pl.List(pl.Float64)
    assert loads_table.key == ("cell_dn", "period_start")
    assert loads_table.time_column == "period_start"
    assert loads_table.scope == ()
    assert [column.name for column in loads_table.columns if column.is_required] == [
        "cell_dn",
        "period_start",
    ]


def test_bounds_come_from_the_definition_that_a_column_names(loads_table):
    column = next(column for column in loads_table.columns if column.name == "prb_usage_dl_pct")
    definition = catalogue().kpi("prb_usage_dl")
    assert (column.low, column.high) == (definition.low, definition.high)
    assert column.definition == "semantic_layer/kpi/prb_usage_dl"


def test_a_product_tells_its_purpose_version_and_who_may_read(write_contract):
    product = load_contract(write_contract(), catalogue())
    assert (product.version, product.purpose) == ("2.0.0", "Loads of cells.")
    assert product.access == {"planner": "read"}
    with pytest.raises(UnknownNameError, match="did you mean 'loads'"):
        product.table("load")


def test_columns_from_a_set_take_every_definition_of_the_catalogue(write_contract):
    path = write_contract(
        (
            "    quality:\n",
            "    customProperties: [{property: columnsFrom, value: semantic_layer/measurements}]\n"
            "    quality:\n",
        )
    )
    table = load_contract(path, catalogue()).table("loads")
    for measurement in catalogue().measurements.values():
        expected = pl.List(pl.Float64) if measurement.shape == "vector" else pl.Float64
        assert table.schema[measurement.column] == expected


@pytest.mark.parametrize(
    ("old", "new", "at", "words"),
    [
        pytest.param(
            "kpi/prb_usage_dl", "kpi/prb_usage_d", "- name: prb", "did you mean", id="unknown kpi"
        ),
        pytest.param(
            "kpi/prb_usage_dl", "metric/x", "- name: prb", "known are", id="unknown kind of page"
        ),
        pytest.param(
            "kpi/prb_usage_dl", "kpi/dl_bler", "- name: prb", "dl_bler_pct", id="another's column"
        ),
        pytest.param("v3.1.0", "v2.0.0", "apiVersion", "'v3.1.0'", id="old standard"),
        pytest.param("id: loads", "id: load", "id: load", "'loads'", id="id is not the folder"),
        pytest.param("version: 2.0.0\n", "", "apiVersion", "'version'", id="no version"),
        pytest.param(
            "status: active", "statuss: active", "statuss", "'status'", id="misspelt top key"
        ),
        pytest.param(
            "metric: rowCount", "metric: rowCounts", "rowCounts", "'rowCount'", id="bad metric"
        ),
        pytest.param(
            "severity: warning", "severity: low", "severity: low", "'low'", id="bad severity"
        ),
        pytest.param(
            "[cell_dn, period_start]}, mustBe: 0",
            "[cell, period_start]}, mustBe: 0",
            "duplicateValues",
            "'cell_dn'",
            id="rule on an unknown column",
        ),
        pytest.param(
            "[cell_dn, period_start]}, mustBe: 0",
            "[cell_dn, period_start]}, mustBe: 3",
            "duplicateValues",
            "mustBeLessOrEqualTo",
            id="no limit",
        ),
        pytest.param(
            "nullValues, unit: percent, mustBeLessOrEqualTo: 10",
            "nullValues, unit: percent, mustBeLessOrEqualTo: 110",
            "nullValues",
            "between 0 and 100",
            id="limit above 100 %",
        ),
        pytest.param(
            "unit: min", "unit: fortnight", "fortnight", "fortnight", id="bad unit of latency"
        ),
        pytest.param(
            "loads.period_start",
            "loads.period",
            "property: latency",
            "period_start",
            id="bad element",
        ),
        pytest.param(
            "        partitioned: true\n",
            "",
            "- name: loads",
            "exactly one timestamp",
            id="no time column",
        ),
        pytest.param(
            "name: site, logicalType: string",
            "name: site, logicalType: strng",
            "strng",
            "'string'",
            id="unknown type",
        ),
        pytest.param(
            "name: site, logicalType: string",
            "name: band, logicalType: string",
            "- name: loads",
            "'band' stands twice",
            id="column twice",
        ),
        pytest.param(
            "string, primaryKey: true",
            "string, primarykey: true",
            "primarykey",
            "primaryKey",
            id="case",
        ),
        pytest.param(
            "{purpose: Loads of cells.}", "{purpose: [", "schema:", "not YAML", id="broken YAML"
        ),
    ],
)
def test_a_broken_contract_says_where_and_what_would_help(write_contract, old, new, at, words):
    path = write_contract((old, new))
    lines = path.read_text().splitlines()
    line = next(place for place, text in enumerate(lines, start=1) if at in text)
    found = problems(path)
    assert [told for told, message in found if words in message] == [line], found


def test_every_problem_of_a_contract_is_told_at_once(write_contract):
    found = problems(
        write_contract(
            ("kpi/prb_usage_dl", "kpi/nothing_like_it"),
            ("metric: rowCount", "metric: rows"),
            ("status: active\n", ""),
        )
    )
    assert len(found) == 3


def test_a_key_is_needed(write_contract):
    path = write_contract(
        ("string, primaryKey: true, required: true", "string, required: true"),
        ("        primaryKey: true\n", ""),
    )
    assert any("primaryKey" in message for _, message in problems(path))
