"""Cells that behave alike: found, kept from week to week, and never told from nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr

from semantic_layer.errors import InputError
from tasks.profiling.cell_grouping import CellGroups, Past, cell_groups
from tasks.profiling.likeness import likeness
from tasks.profiling.membership import ABSTAINED, KINDS, LEANING, MEMBER, UNLIKE_ANY
from tasks.profiling.pattern_count import Limits, grouping
from tasks.profiling.week_shapes import week_shapes
from tests.tasks.profiling.world import (
    agreement,
    keys,
    one_quantity,
    planted_patterns,
    planted_weeks,
)

RULES = one_quantity()


def grouped(weeks, past=None, neighborhood=None, key=None) -> CellGroups:
    cells = len(weeks)
    key = keys(cells) if key is None else key
    return cell_groups(weeks, key, past or Past.none(cells), RULES, neighborhood)


def labels_of(found: CellGroups) -> list[str | None]:
    names = [*found.patterns.labels, None]
    return [names[number] for number in found.membership.profile]


def past_of(found: CellGroups, *more_labels) -> Past:
    state = found.membership
    labels = (*found.patterns.labels, *more_labels)
    return Past(found.patterns, state.profile, state.kind == UNLIKE_ANY, labels)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_planted_patterns_are_found_with_noise_gaps_and_odd_cells(seed):
    weeks, own = planted_weeks(600, seed, odd_share=0.01)
    found = grouped(weeks)
    planted = own >= 0
    assert len(found.patterns.labels) == 12
    assert agreement(own[planted], found.membership.profile[planted]) >= 0.98
    assert (found.membership.kind[~planted] == UNLIKE_ANY).all()


def test_labels_stay_from_week_to_week_while_the_network_stays():
    weeks, own = planted_weeks(600)
    first = grouped(weeks)
    told = labels_of(first)
    changed = 0
    for week in range(1, 5):
        again, _ = planted_weeks(600, 100 + week, own)
        first = grouped(again, past_of(first))
        now = labels_of(first)
        changed += sum(one != other for one, other in zip(told, now, strict=True))
        told = now
    assert changed / (4 * 600) < 0.01


def test_a_new_pattern_has_a_new_label_and_one_that_is_gone_leaves_its_own_unused():
    weeks, own = planted_weeks(600)
    first = grouped(weeks)
    gone = first.patterns.labels[first.membership.profile[np.flatnonzero(own == 9)[0]]]
    moved = np.where(own == 9, 0, own)  # nobody follows the night machines any more
    weeks, _ = planted_weeks(600, 7, moved)
    second = grouped(weeks, past_of(first))
    assert gone not in second.patterns.labels
    weeks, _ = planted_weeks(600, 8, own)
    third = grouped(weeks, past_of(second, *first.patterns.labels))
    new = set(third.patterns.labels) - set(second.patterns.labels)
    assert new == {"profile-13"}
    back = {labels_of(third)[cell] for cell in np.flatnonzero(own == 9)}
    assert back == {"profile-13"}


def test_a_cell_between_two_patterns_keeps_the_one_it_has():
    patterns = planted_patterns()
    weeks, own = planted_weeks(600, gaps=0.0)
    weeks[0] = 0.55 * patterns[0] + 0.45 * patterns[1]
    first = grouped(weeks)
    again = weeks.copy()
    again[0] = 0.45 * patterns[0] + 0.55 * patterns[1]
    assert labels_of(grouped(again)) != labels_of(grouped(weeks))
    second = grouped(again, past_of(first))
    assert labels_of(second)[0] == labels_of(first)[0]
    again[0] = patterns[1]
    other = labels_of(first)[int(np.flatnonzero(own[1:] == 1)[0]) + 1]
    assert labels_of(grouped(again, past_of(second)))[0] == other


def test_size_and_unit_do_not_matter():
    weeks, _ = planted_weeks(200)
    found = grouped(weeks)
    for factor in (1e-12, 3.7, 1e15):
        scaled = grouped(weeks.astype(np.float64) * factor)
        assert labels_of(scaled) == labels_of(found)


def test_the_order_of_cells_does_not_matter():
    weeks, _ = planted_weeks(300, odd_share=0.02)
    key = keys(300)
    found = labels_of(grouped(weeks, key=key))
    order = np.random.default_rng(5).permutation(300)
    moved = labels_of(grouped(weeks[order], key=key[order]))
    assert [found[cell] for cell in order] == moved


def test_twins_share_their_profile():
    weeks, _ = planted_weeks(150)
    twice = np.concatenate([weeks, weeks])
    found = labels_of(grouped(twice))
    assert found[:150] == found[150:]


@pytest.mark.parametrize(
    ("week", "reason"),
    [
        pytest.param(np.full(168, np.nan), "nothing reported", id="no data"),
        pytest.param(np.full(168, np.inf), "nothing finite", id="infinite"),
        pytest.param(np.full(168, 7.3), "no shape", id="constant"),
        pytest.param(np.zeros(168), "no shape", id="idle"),
        pytest.param(np.where(np.arange(168) < 20, 1.0 * np.arange(168), np.nan), "", id="20 h"),
    ],
)
def test_a_cell_of_which_too_little_is_known_abstains(week, reason):
    weeks, _ = planted_weeks(150)
    weeks[3, 0] = week
    found = grouped(weeks)
    assert KINDS[found.membership.kind[3]] == "ABSTAINED", reason
    assert found.membership.profile[3] == -1
    assert np.isnan(found.membership.fit[3])
    assert (found.membership.kind[4:] != ABSTAINED).all()


@pytest.mark.parametrize("cells", [0, 1, 2])
def test_a_handful_of_cells_is_no_error_and_no_profile(cells):
    weeks, _ = planted_weeks(max(cells, 1))
    found = grouped(weeks[:cells])
    assert found.patterns.labels == ()
    assert found.membership.kind.tolist() == [UNLIKE_ANY] * cells


def test_a_network_that_reports_nothing_abstains_as_one():
    found = grouped(np.full((40, 1, 168), np.nan))
    assert (found.membership.kind == ABSTAINED).all()
    assert found.patterns.labels == ()


def test_a_cell_with_little_data_leans_on_its_neighbors_and_one_without_data_does_not():
    patterns = planted_patterns()
    weeks, own = planted_weeks(600, gaps=0.0)
    weeks[0, 0] = np.nan
    weeks[0, 0, :30] = (0.5 * patterns[2] + 0.5 * patterns[3])[:30]
    weeks[1, 0] = np.nan

    def told_by(pattern):
        def near(profile, is_sure, count):
            shares = np.zeros((600, count), np.float32)
            shares[:2, profile[np.flatnonzero((own == pattern) & is_sure)[3]]] = 1
            return shares

        return grouped(weeks, neighborhood=near)

    for pattern in (2, 3):
        found = told_by(pattern)
        follower = labels_of(found)[int(np.flatnonzero(own == pattern)[3])]
        assert labels_of(found)[0] == follower
        assert found.membership.kind[:2].tolist() == [LEANING, ABSTAINED]
    assert (found.membership.kind[2:] == MEMBER).all()


@given(st.integers(0, 10_000), st.floats(0, 0.8))
def test_likeness_is_the_correlation_over_the_known_hours(seed, gaps):
    random = np.random.default_rng(seed)
    week = np.exp(0.3 * random.normal(size=168)) + np.sin(np.arange(168) / 5)
    known = random.random(168) >= gaps
    pattern = random.normal(size=168)
    pattern = (pattern - pattern.mean()) / pattern.std()
    shapes = week_shapes(np.where(known, week, np.nan)[None, None])
    found = likeness(shapes, pattern[None, None], np.ones(1))[0, 0]
    drawn_in = shapes.values[0, 0][known]  # wild hours count less, which r alone would not do
    assert found == pytest.approx(pearsonr(drawn_in, pattern[known])[0], abs=2e-4)


def test_quantities_count_by_weight_and_by_what_is_known_of_them():
    random = np.random.default_rng(3)
    weeks = random.normal(size=(2, 2, 168))
    weeks[1, 1] = np.nan
    patterns = week_shapes(weeks[:1]).values
    other = patterns.copy()
    other[0, 1] *= -1
    shapes = week_shapes(weeks)
    both = likeness(shapes, np.concatenate([patterns, other]), np.array([1, 0.5]))
    assert both[0] == pytest.approx([1, 1 / 3], abs=1e-3)
    assert both[1, 0] == both[1, 1]


def test_one_event_hour_does_not_change_a_shape():
    weeks, _ = planted_weeks(1, gaps=0.0)
    calm = week_shapes(weeks).values[0, 0]
    weeks[0, 0, 40] *= 1000
    wild = week_shapes(weeks).values[0, 0]
    assert np.corrcoef(calm, wild)[0, 1] > 0.95


def test_structureless_cells_make_no_profiles():
    random = np.random.default_rng(1)
    found = grouped(np.exp(random.normal(size=(400, 1, 168))))
    assert found.patterns.labels == ()
    assert (found.membership.kind == UNLIKE_ANY).all()


def test_the_number_of_groups_is_the_largest_that_the_other_half_confirms():
    weeks, own = planted_weeks(600, gaps=0.0)
    for planted in (1, 3, 7, 12):
        chosen = week_shapes(weeks[own < planted])
        assert grouping(chosen, np.ones(1), Limits(24, 0.8, 0.36)).count == planted


def test_arrays_that_do_not_fit_are_refused_by_name():
    weeks, _ = planted_weeks(10)
    with pytest.raises(InputError, match=r"\[cells, quantities, 168 hours\]; got \[10, 1, 167\]"):
        grouped(weeks[..., :167])
    with pytest.raises(InputError, match="10 weeks, 9 keys"):
        grouped(weeks, key=keys(9))
    with pytest.raises(InputError, match="name 1 quantities; the weeks hold 2"):
        grouped(np.concatenate([weeks, weeks], axis=1))
