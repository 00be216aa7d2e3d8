"""What maintenance decides to do, from lists of files alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer.lifecycle import Lifecycle
from semantic_layer.periods import Window
from tasks.ports import StoredFile
from tasks.retention.planning import lifetime_over, readable_until, rewrites

NOW = datetime(2026, 6, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)
MIB = 1024 * 1024
RULE = Lifecycle(
    name="rule",
    tables=("*",),
    hot_days=1,
    warm_days=10,
    cold_days=30,
    keep_snapshots_days=3,
    target_file_mb=100,
    description="For tests.",
)


def file(age_days, size_mb=1.0, kind="fresh", place=0):
    first = NOW - age_days * DAY + timedelta(minutes=15 * place)
    return StoredFile(
        f"{age_days}-{place}", f"{first:%Y-%m-%d}", kind, 10, int(size_mb * MIB), first, first
    )


def files(age_days, count, size_mb=1.0, kind="fresh"):
    return [file(age_days, size_mb, kind, place) for place in range(count)]


def planned(found, rule=RULE):
    return [(len(one.paths), one.kind) for one in rewrites(found, rule, NOW)]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param([], [], id="an empty table"),
        pytest.param(files(0, 7), [], id="a day that fills, few files"),
        pytest.param(files(0, 8), [(8, "warm")], id="a day that fills, many files"),
        pytest.param(files(2, 2), [(2, "warm")], id="a closed day is made one file"),
        pytest.param(files(2, 1), [], id="one file is left alone"),
        pytest.param(files(2, 1, kind="warm"), [], id="compacted before"),
        pytest.param(files(2, 3, 99), [], id="files of the target size stay"),
        pytest.param(files(2, 4, 50), [(2, "warm"), (2, "warm")], id="by target size"),
        pytest.param(files(11, 1), [(1, "cold")], id="one warm file grows cold"),
        pytest.param(files(11, 20), [(20, "cold")], id="a cold day is one file"),
        pytest.param(files(11, 1, kind="cold"), [], id="cold already"),
        pytest.param(
            [*files(11, 1, kind="cold"), file(11, place=5)], [(2, "cold")], id="late, into cold"
        ),
        pytest.param(files(11, 8, 100), [(4, "cold"), (4, "cold")], id="cold files are larger"),
        pytest.param(
            [*files(2, 2), *files(11, 3)], [(3, "cold"), (2, "warm")], id="the oldest day first"
        ),
    ],
)
def test_files_are_brought_together_by_age_and_size(found, expected):
    assert planned(found) == expected


def test_a_compaction_takes_neighbors_in_time():
    found = rewrites(reversed(files(2, 5, 40)), RULE, NOW)
    assert [one.paths for one in found] == [("2-0", "2-1"), ("2-2", "2-3")]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 20), st.floats(0.1, 250), st.sampled_from(["fresh", "warm", "cold"])
        ),
        max_size=40,
    )
)
def test_each_file_is_rewritten_once_at_most_within_its_day_and_size(drawn):
    found = [file(age, size, kind, place) for place, (age, size, kind) in enumerate(drawn)]
    days = {one.path: one.partition for one in found}
    sizes = {one.path: one.size for one in found}
    plan = rewrites(found, RULE, NOW)
    taken = [path for one in plan for path in one.paths]
    assert len(taken) == len(set(taken))
    for one in plan:
        assert len({days[path] for path in one.paths}) == 1
        assert one.size == sum(sizes[path] for path in one.paths)
        assert len(one.paths) == 1 or one.size <= RULE.target_file_mb * MIB * 4


def test_whole_days_beyond_their_lifetime_are_over():
    found = [file(40), file(2)]
    over = lifetime_over(found, RULE, NOW)
    assert over == Window(datetime(2026, 4, 22, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC))


@pytest.mark.parametrize("found", [[], [file(2)], [file(30)]])
def test_nothing_is_over_before_its_time(found):
    assert lifetime_over(found, RULE, NOW) is None


def test_nothing_is_ever_over_where_no_number_is_given():
    kept = RULE.model_copy(update={"cold_days": None})
    assert lifetime_over([file(4000)], kept, NOW) is None


def test_snapshots_are_readable_for_the_days_that_are_promised():
    assert readable_until(RULE, NOW) == NOW - 3 * DAY
