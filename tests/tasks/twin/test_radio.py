"""Propagation against published check values and against a plain loop."""

import math

import numpy as np
import pytest

from tasks.twin import link, radio

URBAN = (25.0, 3.5)


def test_urban_macro_path_loss_has_its_published_values():
    at = np.array([100.0])
    assert radio.los_path_loss_db("UMa", at, *URBAN)[0] == pytest.approx(83.138, abs=5e-4)
    assert radio.nlos_path_loss_db("UMa", at, *URBAN)[0] == pytest.approx(103.038, abs=5e-4)


def plain_los_db(scenario: str, flat: float, height: float, ghz: float) -> float:
    """TR 38.901 table 7.4.1-1, written again, one number at a time."""
    slant = math.sqrt(flat**2 + (height - 1.5) ** 2)
    light = 299_792_458.0
    if scenario == "RMa":
        bend = 2 * math.pi * height * 1.5 * ghz * 1e9 / light

        def near(length: float) -> float:
            return (
                20 * math.log10(40 * math.pi * length * ghz / 3)
                + min(0.03 * 5**1.72, 10) * math.log10(length)
                - min(0.044 * 5**1.72, 14.77)
                + 0.002 * math.log10(5) * length
            )

        return near(slant) if flat <= bend else near(bend) + 40 * math.log10(slant / bend)
    bend = 4 * (height - 1) * 0.5 * ghz * 1e9 / light
    first, slope, last = {"UMa": (28.0, 22, 9), "UMi": (32.4, 21, 9.5)}[scenario]
    if flat <= bend:
        return first + slope * math.log10(slant) + 20 * math.log10(ghz)
    return (
        first
        + 40 * math.log10(slant)
        + 20 * math.log10(ghz)
        - last * math.log10(bend**2 + (height - 1.5) ** 2)
    )


@pytest.mark.parametrize("scenario", ["UMa", "UMi", "RMa"])
@pytest.mark.parametrize(("height", "ghz"), [(10.0, 3.5), (25.0, 0.78), (35.0, 2.14)])
def test_path_loss_of_an_array_is_that_of_each_distance(scenario, height, ghz):
    distances = np.geomspace(10.0, 5_000.0, 200)
    plain = [plain_los_db(scenario, float(d), height, ghz) for d in distances]
    np.testing.assert_allclose(radio.los_path_loss_db(scenario, distances, height, ghz), plain)


@pytest.mark.parametrize("scenario", ["UMa", "UMi", "RMa"])
def test_loss_grows_with_distance_and_is_never_less_without_sight(scenario):
    distances = np.geomspace(10.0, 4_000.0, 300)
    los = radio.los_path_loss_db(scenario, distances, 25.0, 2.0)
    nlos = radio.nlos_path_loss_db(scenario, distances, 25.0, 2.0)
    assert (np.diff(los) > -0.2).all()  # UMa and UMi join near and far to a tenth of a dB
    assert los[-1] > los[0] + 50.0
    assert (nlos >= los).all()


@pytest.mark.parametrize("scenario", ["UMa", "UMi", "RMa"])
def test_sight_is_certain_nearby_and_rarer_far_away(scenario):
    chance = radio.los_probability(scenario, np.array([5.0, 10.0, 50.0, 200.0, 1_000.0]))
    assert chance[0] == 1.0
    assert (np.diff(chance) <= 0.0).all()
    assert (chance >= 0.0).all()


def test_a_sector_antenna_has_its_gain_in_front_and_its_floor_behind():
    angles = np.array([0.0, 35.0, -35.0, 180.0, 360.0])
    gain = radio.antenna_gain_db(radio.SECTOR, angles, np.full(5, 6.0), 6.0)
    assert gain[0] == gain[4] == pytest.approx(15.0)
    assert gain[1] == gain[2] == pytest.approx(12.0)
    assert gain[3] == pytest.approx(15.0 - 25.0)


def test_an_antenna_looks_where_it_is_tilted():
    below = np.arange(0.0, 20.0, 0.5)
    for tilt in (2.0, 8.0):
        gain = radio.antenna_gain_db(radio.SECTOR, np.zeros(len(below)), below, tilt)
        assert below[np.argmax(gain)] == tilt


def test_an_element_of_an_array_has_its_gain_and_half_power_width():
    gain = radio.antenna_gain_db(radio.ELEMENT, np.array([0.0, 32.5]), np.zeros(2), 0.0)
    np.testing.assert_allclose(gain, [8.0, 5.0])


def test_noise_and_interference_add_as_powers():
    assert radio.noise_dbm(360_000.0, 5.0) == pytest.approx(-113.44, abs=0.01)
    equal = radio.sinr_db(np.array([-90.0]), np.array([-100.0]), -100.0)
    assert equal[0] == pytest.approx(10.0 - 10.0 * math.log10(2.0))


def test_quality_reports_grow_with_sinr_from_none_to_the_best():
    reports = link.cqi(np.linspace(-20.0, 45.0, 300))
    assert reports[0] == 0
    assert reports[-1] == 15
    assert (np.diff(reports) >= 0).all()


def test_modulation_follows_reported_quality():
    shares = link.mcs_of_cqi()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert (np.diff(shares @ np.arange(32)) > 0).sum() >= 13
