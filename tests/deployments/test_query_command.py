"""`anops query` as a person types it."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deployments import query_command
from deployments.command import app
from semantic_layer.errors import AnopsError
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.tasks.querying.test_answering import PLACES, ROWS, published


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(query_command, "apply_profile", lambda _: {})
    services = Services(Settings(home=tmp_path / "home"))
    services.__dict__["tables"] = published(ROWS, PLACES)
    with use_services(services):
        yield


def said(*words: str) -> Result:
    return CliRunner().invoke(app, ["query", *words])


def test_it_prints_definition_rows_and_what_was_left_out():
    result = said("rrc_setup_success_rate", "--by", "region, band", "--grain", "hour")
    assert result.exit_code == 0
    assert "(rrc_conn_estab_succ) / (rrc_conn_estab_att)" in result.output
    assert "SubNetwork=1  n78   2026-03-01 00:00  2" in result.output
    assert "left out: 1 suspect" in result.output
    assert "3 of 3 groups shown" in result.output


def test_it_takes_conditions_a_window_and_a_limit():
    words = ("rrc_setup_success_rate", "--by", "cell", "--where", "band in (n78, n1)")
    result = said(*words, "--from", "2026-03-01", "--to", "2026-03-01T00:15:00", "--limit", "1")
    assert "Window 2026-03-01T00:00Z/2026-03-01T00:15Z" in result.output
    assert "1 of 2 groups shown" in result.output


def test_it_writes_every_row_to_a_file(tmp_path):
    path = tmp_path / "rows.csv"
    result = said("rrc_setup_success_rate", "--by", "band", "--limit", "1", "--csv", str(path))
    assert "1 of 3 groups shown" in result.output
    with path.open(encoding="utf-8") as file:
        assert [row["band"] for row in csv.DictReader(file)] == ["n1", "n78", ""]


def test_it_prints_json():
    result = said("rrc_setup_success_rate", "--by", "band", "--json")
    assert [row["band"] for row in json.loads(result.output)["rows"]] == ["n1", "n78", None]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["rrc_setup_succes_rate"], "did you mean 'rrc_setup_success_rate'"),
        (["site_power", "--by", "cell"], "no value by cell"),
        (["site_power", "--where", "bnd = 1"], "at character 1"),
        (["site_power", "--from", "2026-03-01"], "both --from and --to"),
        (["site_power", "--csv", "no/such/folder/rows.csv"], "cannot be written"),
    ],
)
def test_what_it_cannot_do_is_a_sentence(words, says):
    error = said(*words).exception
    assert isinstance(error, AnopsError)
    assert says in str(error)


def test_an_unknown_grain_is_refused_with_those_known():
    result = said("site_power", "--grain", "week")
    assert result.exit_code == 2
    assert "15min" in result.output
