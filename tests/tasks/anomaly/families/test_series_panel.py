"""Public series as panels, and the period that sets the window of VUS."""

import numpy as np
import pytest

from semantic_layer.errors import InputError
from tasks.anomaly.families.series_panel import channel_period, series_panels

RANDOM = np.random.default_rng(3)


def test_deviations_are_in_the_spread_of_the_training_part():
    training, tested = RANDOM.normal(3, 2, (500, 2)), RANDOM.normal(5, 2, (50, 2))
    panel, shifted = series_panels(training, tested, 0.01, 24)
    assert panel.values.shape == (1, 2, 500)
    np.testing.assert_allclose(panel.values[0].mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(panel.values[0].std(axis=1), 1, atol=1e-4)
    np.testing.assert_allclose(
        shifted.values[0].T, (tested - training.mean(axis=0)) / training.std(axis=0), atol=1e-4
    )


def test_a_channel_that_never_moved_in_training_is_judged_no_finer_than_told():
    panel, later = series_panels(np.ones((100, 1)), np.full((3, 1), 1.1), 0.05, 24)
    assert (panel.values == 0).all()
    np.testing.assert_allclose(later.values, 2.0, atol=1e-4)


def test_the_usual_day_is_taken_away_where_the_tested_part_goes_on():
    time = np.arange(10 * 96 + 40 + 200)
    wave = np.sin(time * 2 * np.pi / 96)[:, None] + 0.05 * RANDOM.normal(size=(len(time), 1))
    training, tested = wave[: 10 * 96 + 40], wave[10 * 96 + 40 :]
    plain, _ = series_panels(training, tested, 0.01, 96)
    without, later = series_panels(training, tested, 0.01, 96, has_day=True)
    assert later.first_slot == 40
    slow = (
        np.abs(np.fft.rfft(plain.values[0, 0])[10]),
        np.abs(np.fft.rfft(without.values[0, 0])[10]),
    )
    assert slow[1] < 0.7 * slow[0]
    moved, misplaced = (
        np.abs(
            series_panels(training, tested, 0.01, 96, has_day=True, tested_slot=slot)[1].values
        ).mean()
        for slot in (40, 88)
    )
    assert moved < 0.7 * misplaced


def test_gaps_stay_gaps_and_less_than_two_days_teach_no_usual_day():
    training = RANDOM.normal(size=(100, 2))
    training[3, 1] = np.nan
    panel, _ = series_panels(training, training, 0.01, 96, has_day=True)
    assert np.isnan(panel.values[0, 1, 3])
    assert np.isfinite(panel.values).sum() == 199
    plain, _ = series_panels(training, training, 0.01, 96)
    np.testing.assert_array_equal(panel.values, plain.values)


def test_parts_with_other_channels_are_refused():
    with pytest.raises(InputError, match="same channels"):
        series_panels(np.zeros((9, 2)), np.zeros((9, 3)), 0.01, 24)


@pytest.mark.parametrize(
    ("channel", "period"),
    [
        pytest.param(np.sin(np.arange(3000) * 2 * np.pi / 60), 60, id="a wave"),
        pytest.param(np.arange(3000.0), 125, id="no maximum"),
        pytest.param(np.tile(np.eye(8)[1], 400), 8, id="a spike every 8"),
        pytest.param(np.tile(np.eye(5)[1], 600), 125, id="a lag under 6 counts as none"),
        pytest.param(np.sin(np.arange(3000) * 2 * np.pi / 350), 125, id="a wave too long"),
    ],
)
def test_the_period_is_the_highest_maximum_of_the_autocorrelation(channel, period):
    assert channel_period(channel) == period
