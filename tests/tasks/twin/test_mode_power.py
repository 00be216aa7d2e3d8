"""What radios draw by mode: TR 38.864's relative states on the scale of EARTH's watts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer.errors import InputError
from tasks.twin import power
from tasks.twin.layout import BANDS
from tasks.twin.mode_power import (
    RELATIVE_POWERS,
    RadioModes,
    SavingFeatures,
    modes_of,
    radio_modes,
)
from tasks.twin.sleep_modes import MODES, OFF_AIR

ON_AIR = [mode for mode, is_off in zip(MODES, OFF_AIR, strict=True) if not is_off]

radios = st.builds(
    lambda band, lower_db, relative, awake: modes_of(
        BANDS[band],
        BANDS[band].tx_power_dbm - lower_db,
        BANDS[band].downlink_share,
        SavingFeatures(relative=relative, awake_share=awake),
    ),
    st.sampled_from(sorted(BANDS)),
    st.floats(0.0, 10.0),
    st.sampled_from(sorted(RELATIVE_POWERS)),
    st.floats(0.05, 0.9),
)


def of_band(name: str) -> RadioModes:
    band = BANDS[name]
    shape = band.frequency_mhz, band.bandwidth_mhz, band.tx_power_dbm, band.downlink_share
    return radio_modes(*shape)


@given(radios)
def test_without_traffic_every_mode_draws_less_than_active_and_more_than_deeper_sleep(radio):
    idle = dict(zip(MODES, radio.idle_w, strict=True))
    assert idle["ACTIVE"] > idle["MICRO_SLEEP"] > idle["POWER_REDUCED"]
    assert idle["MICRO_SLEEP"] > idle["MIMO_MUTED"]
    assert min(idle[mode] for mode in ON_AIR) > idle["LIGHT_SLEEP"] > idle["DEEP_SLEEP"] > 0


@given(radios, st.floats(0.0, 1.0))
def test_no_mode_draws_more_than_active_under_work_that_it_carries(radio, part):
    for mode in ON_AIR:
        work = part * radio.capacity[MODES.index(mode)]
        assert radio.watts(mode, work) <= radio.watts("ACTIVE", work) * (1 + 1e-9)


@given(radios)
def test_power_grows_with_work_on_the_air_and_nothing_is_carried_off_it(radio):
    off = np.array(OFF_AIR)
    assert (radio.slope_w[~off] > 0).all()
    assert (radio.slope_w[off] == 0).all()
    assert (radio.capacity[off] == 0).all()
    assert (radio.capacity[~off] > 0.5).all()
    assert radio.capacity.max() == radio.capacity[0] == 1.0


@given(radios)
def test_going_off_the_air_costs_more_and_takes_longer_the_deeper_it_goes(radio):
    for values in (radio.switch_wh, radio.switch_s):
        light, deep = values[MODES.index("LIGHT_SLEEP")], values[MODES.index("DEEP_SLEEP")]
        assert deep > light > 0
        assert (values[: MODES.index("LIGHT_SLEEP")] == 0).all()


@pytest.mark.parametrize("name", sorted(BANDS))
def test_an_active_radio_draws_what_the_power_model_says(name):
    band, radio = BANDS[name], of_band(name)
    for load in (0.0, 0.4, 1.0):
        drawn = power.radio_input_w(band, np.array([load]), band.tx_power_dbm, np.ones(1))
        assert radio.watts("ACTIVE", load) == pytest.approx(float(drawn[0]), rel=1e-6)


def test_sleep_is_as_far_below_full_load_as_the_reference_configuration_says():
    radio = of_band("n78")
    full = radio.watts("ACTIVE", 1.0)
    assert radio.idle_w[MODES.index("LIGHT_SLEEP")] == pytest.approx(full * 25 / 280)
    assert radio.idle_w[MODES.index("DEEP_SLEEP")] == pytest.approx(full / 280)


def test_a_muted_radio_that_is_full_draws_as_the_scaled_downlink_state_does():
    radio = of_band("n78")
    full = radio.watts("ACTIVE", 1.0)
    muted = MODES.index("MIMO_MUTED")
    scaled = 55 + 0.5 * (280 - 55) * (0.4 + 0.6 * 0.97)
    drawn = radio.watts("MIMO_MUTED", float(radio.capacity[muted]))
    assert drawn == pytest.approx(full / 280 * scaled)


def test_a_carrier_near_a_known_band_is_of_that_data_sheet():
    assert radio_modes(3_600.0, 80.0, 53.0, 0.75).idle_w[0] == of_band("n78").idle_w[0]
    assert radio_modes(700.0, 10.0, 46.0, 1.0).idle_w[0] == of_band("n28").idle_w[0]


def test_a_carrier_without_a_frequency_is_refused():
    with pytest.raises(InputError, match="frequency_mhz is positive; got 0"):
        radio_modes(0.0, 20.0, 46.0, 1.0)
