"""The step: findings worth reading, first things first, each by a run of its own, published."""

from datetime import timedelta

import polars as pl
import pytest

from data_products.lineage import LINEAGE_COLUMNS, Lineage
from data_products.registry import table
from semantic_layer.periods import Window
from tasks.adapters.memory_gateway import MemoryGateway
from tasks.adapters.memory_tables import InMemoryTables
from tasks.adapters.memory_transcripts import InMemoryTranscripts
from tasks.adapters.scripted_chat import NoChat
from tasks.agents.toolbox.arguments import OfChange
from tasks.explaining import steps
from tasks.messages.change_sets import ChangeSet
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.tasks.agents_toolbox.conftest import BESIDE, DAY, FINDING, MINE, frames
from tests.tasks.agents_toolbox.test_toolbox import Shelf
from tests.tasks.explaining.world import Clock, NoSpans
from tests.tasks.guardrails.town import cell, restart
from tests.tasks.twin.published import published

pytestmark = pytest.mark.slow  # Great Expectations judges


@pytest.fixture
def services(tmp_path):
    made = Services(Settings(home=tmp_path / "home"))
    tables = InMemoryTables(Clock())
    instead = {
        "clock": Clock(), "tables": tables, "chat": NoChat(), "spans": NoSpans(),
        "transcripts": InMemoryTranscripts(), "knowledge": Shelf(), "gateway": MemoryGateway(()),
    }  # fmt: skip
    made.__dict__.update(instead)
    for name, rows in told().items():
        put(tables, name, rows)
    with use_services(made):
        yield made


def told():
    """The district, with a second finding beside the first that nobody has time to read."""
    found = frames()
    another = {"anomaly_id": ["a2"], "cell_dn": [BESIDE]}
    for name in ("cell_anomalies", "cell_anomalies.worth"):
        second = found[name].with_columns(*(pl.Series(key, one) for key, one in another.items()))
        if name.endswith("worth"):
            second = second.with_columns(
                is_within_budget=pl.lit(value=False), reading_rank=pl.lit(2, pl.Int32)
            )
        found[name] = pl.concat([found[name], second])
    return found


def put(tables, name, rows):
    shape = table(name)
    kept = rows.drop([one for one in LINEAGE_COLUMNS if one in rows.columns])
    whole = kept.with_columns(pl.col(part).fill_null("delivered") for part in shape.scope)
    scope = {part: whole[part][0] for part in shape.scope}
    times = whole[shape.time_column]
    window = Window(times.min(), times.max() + timedelta(days=1))
    tables.publish(name, window, whole, Lineage("a run", "1.0.0", "x"), scope)


def explained(services, limit=None):
    findings = services.tables.snapshot("cell_anomalies")
    snapshot = steps.explain_findings.fn(findings, DAY, limit)
    return snapshot, services.tables.read("finding_explanations", DAY).collect()


def test_what_is_worth_reading_is_explained_and_published_with_its_run(services):
    snapshot, rows = explained(services)
    assert snapshot.verdict == "published"
    assert rows.select("anomaly_id", "cell_dn", "reading_rank").rows() == [(FINDING, MINE, 1)]
    run = rows["agent_run_id"][0]
    assert services.transcripts.read(run)[-1]["kind"] == "run_ended"


def test_explained_again_a_finding_stands_once_and_its_runs_are_both_kept(services):
    explained(services)
    _, rows = explained(services)
    assert rows.height == 1
    assert len(services.transcripts.runs()) == 2
    assert rows["agent_run_id"][0].endswith("-2")


def test_a_limit_of_none_read_leaves_a_window_without_rows(services):
    _, rows = explained(services, limit=0)
    assert rows.is_empty()


def test_reads_are_on_record_as_the_agents_and_each_table_once(services):
    explained(services)
    (path,) = (services.settings.root / "audit").glob("*.ndjson")
    lines = pl.read_ndjson(path)
    assert set(lines["identity"]) == {"explaining_agent"}
    assert lines["table_name"].len() == lines.select("table_name", "window_start").n_unique()
    assert lines["purpose"].str.starts_with("explain_findings").all()


def test_a_change_that_is_asked_about_is_put_to_the_twin(services):
    services.__dict__["tables"] = published(DAY.end)
    tool = steps._engines(DAY).tools["simulate_change"]
    operations = ChangeSet(restart(cell(4, 2))).to_json()
    told = tool.function(OfChange(operations=tuple(operations)))
    assert told.rows[0]["cell_dn"] == cell(4, 2)
    assert told.rows[0]["load_after_pct"] == 0.0
    assert any(row["load_after_pct"] > row["load_before_pct"] for row in told.rows[1:])
