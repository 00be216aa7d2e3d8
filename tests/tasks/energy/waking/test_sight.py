"""What is known of cells: by minutes where they are told, by counters where not."""

from datetime import UTC, datetime, timedelta

from tasks.energy.waking.load_rule import Measured
from tasks.energy.waking.sight import Present, sight_of
from tasks.messages.cell_reports import CellReport, FedReports
from tests.tasks.energy.waking.network import RULES

NOW = datetime(2026, 3, 2, 3, 10, tzinfo=UTC)
MINUTE, QUARTER = timedelta(minutes=1), timedelta(minutes=15)
TWO_MINUTES = RULES.model_copy(update={"detection_seconds": 120.0})


def minute(cell, ago, load):
    end = NOW - ago * MINUTE
    return CellReport(cell, end - MINUTE, end, load)


def quarter(cell, load, ago=1):
    begin = NOW.replace(minute=0) - ago * QUARTER
    return CellReport(cell, begin, begin + QUARTER, load)


def sight(minutes=(), quarters=(), *, on_air="ab", rules=RULES, **present):
    now = Present(NOW, frozenset(on_air), **present)
    return sight_of(FedReports(tuple(minutes)), list(quarters), now, rules)


def test_minutes_come_before_counters_and_counters_before_nothing():
    found = sight([minute("a", 0, 0.7)], [quarter("a", 0.1), quarter("b", 0.2)], on_air="abc")
    assert found.told.measured == {"a": Measured(0.7), "b": Measured(0.2)}
    assert found.sources == {"a": "minutes", "b": "quarter"}
    assert found.told.unjudged == set()


def test_a_cell_that_told_too_few_minutes_is_judged_by_its_quarter_and_is_not_silent():
    minutes = [minute("a", 0, 0.9), minute("b", 1, 0.9), minute("b", 0, 0.8)]
    known = sight(minutes, [quarter("a", 0.1)], rules=TWO_MINUTES)
    assert known.told.measured == {"a": Measured(0.1), "b": Measured(0.8)}
    alone = sight(minutes, rules=TWO_MINUTES)
    assert set(alone.told.measured) == {"b"}
    assert alone.told.unjudged == {"a"}


def test_a_cell_for_whose_sake_nobody_is_off_the_air_is_looked_at_for_longer():
    minutes = [minute("a", ago, 0.9) for ago in (1, 0)]
    assert sight(minutes).told.measured == {"a": Measured(0.9)}
    early = sight(minutes, [quarter("a", 0.1)], patient={"a"})
    assert early.told.measured == {"a": Measured(0.1)}
    late = sight([minute("a", 2, 0.8), *minutes], [quarter("a", 0.1)], patient={"a"})
    assert late.told.measured == {"a": Measured(0.8)}


def test_of_quarters_the_newest_counts():
    found = sight(quarters=[quarter("a", 0.9, ago=2), quarter("a", 0.1, ago=1)])
    assert found.told.measured["a"] == Measured(0.1)
    assert [one.load for one in found.courses["a"]] == [0.9, 0.1]


def test_what_was_told_before_relief_counts_no_more_and_is_waited_for():
    relieved = {"a": NOW - MINUTE}
    early = sight([minute("a", 1, 0.9)], [quarter("a", 0.9)], counts_since=relieved)
    assert early.told.measured == {}
    assert early.told.unjudged == {"a"}
    later = sight([minute("a", 1, 0.9), minute("a", 0, 0.8)], counts_since=relieved)
    assert later.told.measured == {"a": Measured(0.8)}


def test_who_came_back_and_never_told_anything_is_silent_in_the_end():
    since = timedelta(minutes=RULES.newest_minutes)
    assert sight(counts_since={"a": NOW - since + MINUTE}).told.unjudged == {"a"}
    assert sight(counts_since={"a": NOW - since}).told.unjudged == set()


def test_who_was_relieved_and_fell_silent_is_silent():
    told = [minute(cell, ago, 0.1) for cell in "bcdefg" for ago in (10, 0)]
    found = sight(
        [*told, minute("a", 6, 0.1)], on_air="abcdefg", counts_since={"a": NOW - 20 * MINUTE}
    )
    assert found.told.unjudged == set()
    assert "a" not in found.told.measured
    assert found.sources["a"] == "minutes"
    assert found.silent_since["a"] == NOW - 6 * MINUTE


def test_a_network_that_feeds_nothing_lacks_nothing():
    assert sight(quarters=[quarter("a", 0.1)]).says == ""
    stale = sight([minute("a", 9, 0.1)], [quarter("a", 0.1)])
    assert "counters speak" in stale.says
