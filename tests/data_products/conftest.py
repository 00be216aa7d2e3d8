"""A small contract that tests may bend, and the definitions that it refers to."""

from pathlib import Path

import pytest

from data_products.contract import load_contract
from semantic_layer.loading import catalogue

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: loads
version: 2.0.0
status: active
description: {purpose: Loads of cells.}
roles: [{role: planner, access: read}]
schema:
  - name: loads
    properties:
      - {name: cell_dn, logicalType: string, primaryKey: true, required: true}
      - name: period_start
        logicalType: timestamp
        primaryKey: true
        required: true
        partitioned: true
      - {name: band, logicalType: string, enum: [{value: n78}, {value: n28}]}
      - {name: site, logicalType: string, logicalTypeOptions: {pattern: "^S[0-9]+$"}}
      - {name: azimuth_deg, logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 360}}
      - {name: free_number, logicalType: number}
      - name: bins
        logicalType: array
        logicalTypeOptions: {minimum: 0}
        items: {logicalType: number}
      - name: prb_usage_dl_pct
        logicalType: number
        authoritativeDefinitions:
          - {type: businessDefinition, url: semantic_layer/kpi/prb_usage_dl}
    quality:
      - {metric: nullValues, unit: percent, mustBeLessOrEqualTo: 10}
      - {metric: invalidValues, unit: percent, mustBeLessOrEqualTo: 10}
      - {metric: duplicateValues, arguments: {properties: [cell_dn, period_start]}, mustBe: 0}
      - {metric: rowCount, mustBeGreaterThan: 1, severity: warning}
slaProperties:
  - {property: latency, value: 30, unit: min, element: loads.period_start}
"""


@pytest.fixture
def write_contract(tmp_path):
    """Return a function that writes the contract, some of its text replaced, and tells where."""

    def write(*replacements: tuple[str, str]) -> Path:
        text = CONTRACT
        for old, new in replacements:
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the contract"
            text = text.replace(old, new)
        folder = tmp_path / "loads"
        folder.mkdir(exist_ok=True)
        path = folder / "contract.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def loads_table(write_contract):
    return load_contract(write_contract(), catalogue()).table("loads")


@pytest.fixture(scope="session")
def loads_table_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contract") / "loads"
    folder.mkdir()
    (folder / "contract.yaml").write_text(CONTRACT, encoding="utf-8")
    return load_contract(folder / "contract.yaml", catalogue()).table("loads")
