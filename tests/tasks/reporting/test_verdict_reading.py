"""The report tells what people said of findings, without saying who they are."""

from datetime import timedelta

import polars as pl
import pytest

from data_products.lineage import Lineage
from semantic_layer.finding_worth import MODEL
from semantic_layer.periods import Window
from tasks.adapters.memory_registry import InMemoryModelRegistry
from tasks.adapters.memory_tables import InMemoryTables
from tasks.reporting.html_page import html_page
from tasks.reporting.network_report import network_report
from tasks.reporting.reading import PublishedTables, report_material
from tasks.reporting.verdict_reading import verdicts_of
from tasks.stored_models import ModelCard, StoredModel
from tests.tasks.reporting import world

FROM = Lineage("test", "1", "x")
MONTH = Window(world.WINDOW.start - timedelta(days=30), world.WINDOW.end + timedelta(days=1))


class StoppedClock:
    def now(self):
        return world.WINDOW.end


@pytest.fixture
def tables():
    return InMemoryTables(StoppedClock())


@pytest.fixture
def models():
    return InMemoryModelRegistry(StoppedClock())


def judge(tables, *said):
    """Publish verdicts of (finding, author, verdict, comment) given before the window ends."""
    moment = world.WINDOW.end - timedelta(hours=3)
    rows = pl.DataFrame(
        [
            {
                "verdict_id": f"v{number}",
                "anomaly_id": finding,
                "cell_dn": world.cell_dn(1, 1),
                "anomaly_start": world.WINDOW.start,
                "verdict": verdict,
                "author": author,
                "given_at": moment + timedelta(minutes=number),
                "comment": comment,
                "source": "form",
            }
            for number, (finding, author, verdict, comment) in enumerate(said)
        ]
    ).with_columns(
        fault_kind=pl.lit(None, pl.String),
        received_at=pl.col("given_at"),
        delivery_id=pl.lit("entered"),
    )
    tables.publish("finding_verdicts", MONTH, rows, FROM, {"delivery_id": "entered"})
    weighed = rows.unique("anomaly_id", keep="last", maintain_order=True).select(
        "anomaly_id",
        "cell_dn",
        "anomaly_start",
        is_real_probability=pl.lit(0.9),
        weight=pl.lit(0.8),
        n_authors=pl.lit(2, pl.Int64),
        is_contradicted=pl.lit(value=False),
        fault_kind=pl.lit(None, pl.String),
        last_given_at=pl.col("given_at"),
    )
    tables.publish("finding_verdicts.weighed", MONTH, weighed, FROM)


def find(tables):
    rows = world.findings(world.finding(1), world.finding(2)).drop("run_id", strict=False)
    known = [
        name for name in rows.columns if name in tables.read("cell_anomalies").collect_schema()
    ]
    tables.publish("cell_anomalies", MONTH, rows.select(known), FROM)


def test_before_anybody_judged_there_is_nothing_to_tell(tables, models):
    assert verdicts_of(PublishedTables(tables), models, world.WINDOW) is None


def test_verdicts_are_told_by_numbered_authors_with_quoted_comments(tables, models):
    find(tables)
    judge(
        tables,
        ("a0001", "ada@example.com", "CONFIRMED", "<script>alert(1)</script> fan broken"),
        ("a0001", "ben@example.com", "REJECTED", None),
    )
    section = verdicts_of(PublishedTables(tables), models, world.WINDOW)
    assert section.verdicts_count == 2
    assert [row.author for row in section.authors] == ["author 1", "author 2"]
    assert section.learnt_sentence == "No model has been trained on verdicts yet."
    material = report_material(PublishedTables(tables), world.WINDOW, world.SOURCES, run_id="r")
    page = html_page(network_report(material, world.SOURCES, None, section))
    assert "fan broken" in page
    assert "<script>alert" not in page
    assert "example.com" not in page


def test_what_the_serving_model_learnt_stands_beside_what_was_before(tables, models):
    find(tables)
    judge(tables, ("a0001", "ada", "CONFIRMED", None))
    card = ModelCard(
        {}, "c", 1, metrics={"held_back.before": 0.0, "held_back.after": 12.0}, reason="a test"
    )
    made = models.register(MODEL, StoredModel("verdicts", ("f",)), card)
    unserved = verdicts_of(PublishedTables(tables), models, world.WINDOW)
    assert unserved.learnt == ()
    models.assign(MODEL, "champion", made.version, "a test", "tester")
    (row,) = verdicts_of(PublishedTables(tables), models, world.WINDOW).learnt
    assert (row.measure, row.before, row.after) == ("held back", "0", "12")
