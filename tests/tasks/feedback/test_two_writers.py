"""People who give verdicts at the same time, on real tables: nobody's verdict is lost."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import polars as pl
import pytest

from semantic_layer.fault_kinds import fault_kinds
from tasks.feedback.agreement import weighed_verdicts
from tasks.feedback.steps import import_verdicts, record_verdict
from tasks.settings import Settings
from tasks.wiring import Services, use_services
from tests.tasks.feedback.world import finding_id, publish_findings

pytestmark = pytest.mark.slow
EACH = 6


def services(home: str) -> Services:
    return Services(Settings(home=Path(home), hot_store="none"))


def person(home: str, author: str) -> int:
    """Judge one finding after another, all within one day, and hand in a sheet as well."""
    with use_services(services(home)):
        for number in range(1, EACH + 1):
            words = {"anomaly_id": finding_id(number), "verdict": "confirm", "author": author}
            record_verdict.fn(words, "command")
        sheet = Path(home) / f"{author}.csv"
        lines = [
            f"{finding_id(EACH + 1)},reject,{author} again,2026-03-05T10:00Z",
            f"f,no,{author},",
        ]
        sheet.write_text("\n".join(["finding_id,verdict,author,given_at", *lines]))
        import_verdicts.fn(sheet)
    return EACH


def test_two_people_at_once_lose_nothing_and_what_is_weighed_knows_both(tmp_path):
    home = services(str(tmp_path))
    publish_findings(home.tables, EACH + 1)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        works = [pool.submit(person, str(tmp_path), author) for author in ("anna", "bo")]
        assert [work.result(timeout=240) for work in works] == [EACH, EACH]
    verdicts = home.tables.read("finding_verdicts").collect()
    given = verdicts.group_by("author").agg(pl.col("anomaly_id").n_unique())
    assert dict(given.iter_rows()) == {
        "anna": EACH, "bo": EACH, "anna again": 1, "bo again": 1,
    }  # fmt: skip
    assert verdicts["verdict_id"].n_unique() == verdicts.height == 2 * EACH + 2
    kept = home.tables.read("data_quality.quarantine").collect()
    assert sorted(kept["source_file"]) == ["anna.csv", "bo.csv"]
    weighed = home.tables.read("finding_verdicts.weighed").collect()
    due = weighed_verdicts(verdicts, fault_kinds())
    assert weighed.select(due.columns).sort("anomaly_start").equals(due)
    assert set(weighed["n_authors"]) == {2}
