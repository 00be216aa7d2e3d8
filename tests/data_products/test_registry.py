import shutil
from pathlib import Path

import polars as pl
import pytest

import data_products
from data_products.checks import compiled_checks
from data_products.contract_source import ContractError
from data_products.registry import consumers, load_products, product, products, table
from semantic_layer.errors import UnknownNameError
from semantic_layer.loading import catalogue

FOLDER = Path(data_products.__file__).parent


def test_every_contract_of_the_house_loads():
    assert set(products()) >= {
        "cell_anomalies",
        "cell_kpis",
        "data_quality",
        "network_topology",
        "pm_measurements",
    }


def test_tables_are_found_by_their_full_names():
    assert table("cell_anomalies.scores").key == ("cell_dn", "period_start")
    assert table("data_quality.quarantine").time_column == "period_start"
    with pytest.raises(UnknownNameError, match="did you mean 'cell_kpis'"):
        table("cell_kpi")
    with pytest.raises(UnknownNameError, match="did you mean 'cell_kpis'"):
        product("cell_kpi")


def test_consumers_are_those_whose_contract_names_the_table():
    assert {"cell_kpis", "core_kpis"} <= set(consumers("pm_measurements"))
    assert {"cell_anomalies", "cell_profiles", "finding_explanations"} <= set(
        consumers("cell_kpis")
    )
    assert consumers("data_quality") == ()


def test_wide_products_have_a_column_a_definition():
    scalars = [item for item in catalogue().measurements.values() if item.shape == "scalar"]
    assert all(table("pm_measurements").schema[item.column] == pl.Float64 for item in scalars)
    kpis = table("cell_kpis").schema | table("core_kpis").schema
    assert all(kpis[item.column] == pl.Float64 for item in catalogue().kpis.values())


def test_a_product_holds_the_definitions_of_its_technologies_only():
    both = set(table("cell_kpis").schema) & set(table("core_kpis").schema)
    assert not both & {kpi.column for kpi in catalogue().kpis.values()}
    assert "upf_load_pct" not in table("cell_kpis").schema
    assert "rrc_setup_success_rate_pct" not in table("core_kpis").schema


def test_a_technology_that_no_definition_has_is_told(tmp_path):
    path = tmp_path / "cell_kpis" / "contract.yaml"
    shutil.copytree(FOLDER / "cell_kpis", path.parent)
    path.write_text(path.read_text().replace("[NR, LTE]", "[NR, lte]"))
    with pytest.raises(ContractError, match="technologies knows no 'lte'"):
        load_products(tmp_path, catalogue())


def test_every_bounded_definition_becomes_a_check_that_names_it():
    tables = (table("cell_kpis"), table("core_kpis"))
    sources = {check.source for one in tables for check in compiled_checks(one)}
    bounded = [
        name for name, kpi in catalogue().kpis.items() if (kpi.low, kpi.high) != (None, None)
    ]
    assert bounded
    assert {f"semantic_layer/kpi/{name}" for name in bounded} <= sources


def test_problems_of_all_contracts_come_at_once(tmp_path):
    for name in ("cell_kpis", "network_topology"):
        shutil.copytree(FOLDER / name, tmp_path / name)
        path = tmp_path / name / "contract.yaml"
        path.write_text(path.read_text().replace("metric: rowCount", "metric: rowsCount"))
    with pytest.raises(ContractError) as caught:
        load_products(tmp_path, catalogue())
    assert {problem.file for problem in caught.value.problems} == {
        "cell_kpis/contract.yaml",
        "network_topology/contract.yaml",
    }


def test_an_input_that_nobody_publishes_is_told(tmp_path):
    shutil.copytree(FOLDER / "cell_kpis", tmp_path / "cell_kpis")
    with pytest.raises(ContractError, match="pm_measurements"):
        load_products(tmp_path, catalogue())
