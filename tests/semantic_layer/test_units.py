"""Units: algebra, conversions, column names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer.units import UnitError, parse_unit

SYMBOLS = ["bit", "kbit", "Mbit", "s", "ms", "h", "J", "kWh", "W", "mW", "prb", "%", "1"]
units = st.builds(
    lambda first, rest: first + "".join(rest),
    st.sampled_from(SYMBOLS),
    st.lists(
        st.builds(
            lambda mark, symbol: mark + symbol, st.sampled_from("*/"), st.sampled_from(SYMBOLS)
        ),
        max_size=3,
    ),
)


@pytest.mark.parametrize(
    ("value", "unit", "other", "expected"),
    [
        pytest.param(1.0, "kWh", "J", 3.6e6, id="a kilowatt hour"),
        pytest.param(2500.0, "kbit", "Mbit", 2.5, id="vendor kilobits"),
        pytest.param(1.0, "Mbit/kWh", "bit/J", 1 / 3.6, id="energy efficiency"),
        pytest.param(0.25, "1", "%", 25.0, id="a share in percent"),
        pytest.param(1.0, "1/s", "1/h", 3600.0, id="releases an hour"),
        pytest.param(1.0, "W*h", "J", 3600.0, id="power times time is energy"),
        pytest.param(8.0, "kbit/ms", "Mbit/s", 8.0, id="kilobits a millisecond"),
    ],
)
def test_a_value_keeps_its_size_in_another_unit(value, unit, other, expected):
    assert value * parse_unit(unit).factor_to(parse_unit(other)) == pytest.approx(expected)


@given(units, units)
def test_a_product_divided_by_one_part_is_the_other(left, right):
    product = parse_unit(left) * parse_unit(right)
    other = product / parse_unit(right)
    assert other.dimension == parse_unit(left).dimension
    assert other.factor == pytest.approx(parse_unit(left).factor)


@given(units)
def test_there_and_back_is_no_change(text):
    unit = parse_unit(text)
    assert unit.factor_to(unit) == 1.0
    assert (unit / unit).dimension == ()


@given(units, units)
def test_only_equal_dimensions_convert(left, right):
    first, second = parse_unit(left), parse_unit(right)
    if first.dimension == second.dimension:
        there_and_back = first.factor_to(second) * second.factor_to(first)
        assert there_and_back == pytest.approx(1.0)
    else:
        with pytest.raises(UnitError, match="measures"):
            first.factor_to(second)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("Mbits", "did you mean 'Mbit'", id="near miss"),
        pytest.param("Mbit//s", "no product", id="two divisions"),
        pytest.param("", "no product", id="nothing"),
        pytest.param("10 kbit", "no product", id="a number"),
        pytest.param("s^0", "no product", id="power of nothing"),
    ],
)
def test_what_is_no_unit_says_what_it_should_be(text, message):
    with pytest.raises(UnitError, match=message):
        parse_unit(text)


def test_powers_are_read():
    assert parse_unit("s^-1").dimension == parse_unit("1/s").dimension


@pytest.mark.parametrize(
    ("name", "unit", "column"),
    [
        ("prb_usage_dl", "%", "prb_usage_dl_pct"),
        ("pdcp_sdu_volume_dl", "Mbit", "pdcp_sdu_volume_dl_mbit"),
        ("ue_throughput_dl", "kbit/s", "ue_throughput_dl_kbps"),
        ("energy_kwh", "kWh", "energy_kwh"),
        ("retainability", "1/h", "retainability_per_h"),
        ("efficiency", "kbit/s/prb", "efficiency_kbps_per_prb"),
        ("power", "mW", "power_mw"),
        ("attempts", "1", "attempts_count"),
        ("efficiency", "bit/J", "efficiency_bit_per_j"),
    ],
)
def test_a_column_ends_in_its_unit_once(name, unit, column):
    assert parse_unit(unit).column(name) == column


def test_decibels_are_known_not_to_add_up():
    assert parse_unit("dBm").is_logarithmic
    assert not parse_unit("mW").is_logarithmic
