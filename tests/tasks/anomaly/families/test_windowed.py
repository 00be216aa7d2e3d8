import numpy as np
import pytest

from semantic_layer.errors import InputError
from tasks.anomaly.families.windowed import (
    error_parts,
    error_scale,
    error_scores,
    split,
    squeezed,
    summed_errors,
)
from tests.tasks.anomaly.families.expecting_world import sound


def errors_with_gaps(seed: int = 4) -> np.ndarray:
    random = np.random.default_rng(seed)
    errors = random.normal(size=(6, 5, 200)).astype(np.float32)
    errors[random.random(errors.shape) < 0.2] = np.nan
    return errors


@pytest.mark.parametrize("span", [1, 3, 7, 300])
def test_summed_errors_are_what_a_loop_says(span):
    errors = errors_with_gaps()[:2, :, :40]
    found = summed_errors(errors, span)
    for place in np.ndindex(errors.shape):
        cell, kpi, period = place
        recent = errors[cell, kpi, max(period - span + 1, 0) : period + 1]
        seen = recent[np.isfinite(recent)]
        if np.isfinite(errors[place]):
            assert found[place] == pytest.approx(seen.sum() / np.sqrt(len(seen)), abs=1e-4)
        else:
            assert np.isnan(found[place])


def test_calm_errors_score_around_zero_with_a_spread_of_one_whatever_lacks():
    scale = error_scale(errors_with_gaps(), (1,))
    scores = error_scores(errors_with_gaps(seed=5), scale, (1,))
    assert abs(np.nanmedian(scores)) < 0.15
    assert np.nanquantile(scores, 0.9) == pytest.approx(1.28, abs=0.2)


def test_a_few_wild_errors_in_held_out_history_hardly_widen_the_scale():
    calm, wild = errors_with_gaps(), errors_with_gaps()
    wild[0, :, :10] += 50
    ratio = error_scale(wild, (1,))["spreads"] / error_scale(calm, (1,))["spreads"]
    assert (ratio < 1.15).all()


def test_small_errors_to_one_side_count_more_when_they_last():
    scale = error_scale(errors_with_gaps(), (1, 8))
    drifting = errors_with_gaps(seed=5)
    drifting[:, :2, 100:] += 1.5
    short, both = (error_scores(drifting, scale, spans) for spans in ((1,), (1, 8)))
    assert np.nanmean(both[:, 110:] > 4) > 2 * np.nanmean(short[:, 110:] > 4)


def test_parts_sum_to_scores_above_zero():
    errors = errors_with_gaps() * 2
    scale = error_scale(errors_with_gaps(), (1, 4))
    parts, scores = error_parts(errors, scale, (1, 4)), error_scores(errors, scale, (1, 4))
    np.testing.assert_allclose(
        np.nansum(parts, axis=1), np.maximum(np.nan_to_num(scores), 0), rtol=1e-4, atol=1e-4
    )
    np.testing.assert_array_equal(np.isnan(parts), np.isnan(errors))


def test_a_kpi_that_never_errs_or_is_never_seen_has_a_spread():
    errors = errors_with_gaps()
    errors[:, 0], errors[:, 1] = 0, np.nan
    spreads = error_scale(errors, (1,))["spreads"]
    assert spreads[0, 0] == pytest.approx(0.1)
    assert spreads[0, 1] == 1


def test_what_is_held_out_comes_after_what_is_learnt_from():
    panel = sound(cells=2, periods=1000)
    older, newer = split(panel, 10, 100)
    np.testing.assert_array_equal(older.values, panel.values[..., :800])
    np.testing.assert_array_equal(newer.values, panel.values[..., 790:])
    assert newer.first_slot == 790 % panel.slots_a_day


def test_a_part_without_enough_data_is_refused():
    panel = sound(cells=2, periods=1000)
    panel.values[..., 800:] = np.nan
    with pytest.raises(InputError, match="leaves 0 periods"):
        split(panel, 10, 100)


def test_what_lacks_is_marked_and_never_filled_in():
    read, known = squeezed(np.array([np.nan, 9.0, -1.0], np.float32), 2.0)
    assert read.tolist() == [0, 2, -1]
    assert known.tolist() == [False, True, True]
