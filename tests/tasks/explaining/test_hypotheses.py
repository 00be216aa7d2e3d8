"""Hypotheses: stories that an engineer would call, and what must hold whatever is seen."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer.causes import Sign, causes, explaining_rules
from tasks.explaining.hypotheses import UNKNOWN, contributions, how_far, hypotheses, is_decided
from tests.tasks.explaining.world import alarm, change, drift, fact, facts, kpi

RULES = explaining_rules()
KNOWN = causes()


def ranked(*seen):
    return hypotheses(facts(*seen), KNOWN, RULES)


SOUND = (kpi("cell_availability", 0.0), kpi("mean_cqi", 0.1), kpi("ul_interference", 0.0))
STORIES = [
    pytest.param(
        "outage",
        [kpi("cell_availability", -20), kpi("mean_active_users", -5),
         alarm("cell_service_unavailable"), fact("alone_at_site", 1), fact("whole_site", 0)],
        id="unavailable, alone, with its alarm",
    ),
    pytest.param(
        "power_failure",
        [kpi("cell_availability", -20), kpi("mean_active_users", -5), fact("whole_site", 1),
         alarm("mains_failure", "same_site"), alarm("cell_service_unavailable")],
        id="unavailable, the whole site, after the mains",
    ),
    pytest.param(
        "sleeping_cell",
        [*SOUND, kpi("rrc_setup_success_rate", -9), kpi("mean_active_users", -4),
         fact("alone_at_site", 1), fact("whole_site", 0)],
        id="available, and nobody gets in",
    ),
    pytest.param(
        "interference",
        [kpi("cell_availability", 0), kpi("mean_cqi", 0), kpi("ul_interference", 8),
         kpi("ul_bler", 3), fact("noise_follows_load", 0), fact("alone_at_site", 1)],
        id="noise at any load",
    ),
    pytest.param(
        "passive_intermodulation",
        [kpi("cell_availability", 0), kpi("mean_cqi", 0), kpi("ul_interference", 8),
         kpi("ul_bler", 3), fact("noise_follows_load", 1), fact("alone_at_site", 1)],
        id="noise that follows the own load",
    ),
    pytest.param(
        "antenna_misaligned",
        [*SOUND, kpi("mean_active_users", -4), drift("digitalTilt"), fact("alone_at_site", 1)],
        id="fewer users and a tilt that is not planned",
    ),
    pytest.param(
        "neighbor_relation",
        [*SOUND, kpi("ho_execution_success_rate", -8), kpi("user_throughput_dl", 0),
         kpi("rrc_setup_success_rate", 0), kpi("mean_active_users", 0), drift("NRCellRelation")],
        id="handovers fail, a planned relation is gone",
    ),
    pytest.param(
        "software_fault",
        [*SOUND, kpi("rrc_setup_success_rate", -4), fact("whole_site", 1), change("software")],
        id="worse at the whole site after an upgrade",
    ),
    pytest.param(
        "backhaul_congestion",
        [*SOUND, kpi("user_throughput_dl", -6), kpi("packet_loss_dl", 9), fact("whole_site", 1)],
        id="a ceiling for the whole site, radio sound",
    ),
    pytest.param(
        "diverted_users",
        [*SOUND, kpi("mean_active_users", 4), fact("neighbor_lost_users", 1),
         fact("neighbor_strays_more", 1), fact("alone_at_site", 1)],
        id="more users while a neighbor lost its own",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("cause", "seen"), STORIES)
def test_an_engineer_would_call_it_so(cause, seen):
    first, second, *_ = told = ranked(*seen)
    assert first.cause == cause, [(one.cause, one.log_odds) for one in told[:3]]
    assert first.probability > second.probability


def test_nothing_seen_is_no_known_cause_and_not_decided():
    told = hypotheses(facts(looked_for=frozenset()), KNOWN, RULES)
    assert told[0].cause == UNKNOWN
    assert not is_decided(told, RULES)
    for one in told:
        assert one.cause == UNKNOWN or one.log_odds == KNOWN[one.cause].base


def test_no_alarm_counts_only_where_alarms_were_looked_for():
    power = KNOWN["power_failure"]
    looked = sum(one.log_odds for one in contributions(power, facts(), RULES))
    blind = contributions(power, facts(looked_for=frozenset()), RULES)
    assert looked < 0
    assert blind == ()


@pytest.mark.parametrize(
    ("moves", "distance", "strength"),
    [
        pytest.param("up", 0.5, 0.0, id="within the band"),
        pytest.param("up", 1.5, 0.5, id="half way"),
        pytest.param("up", 9.0, 1.0, id="clear"),
        pytest.param("up", -9.0, 0.0, id="the other way"),
        pytest.param("down", -9.0, 1.0, id="down"),
        pytest.param("changed", -9.0, 1.0, id="either way"),
        pytest.param("usual", -9.0, 0.0, id="not usual"),
        pytest.param("usual", 0.2, 1.0, id="usual"),
    ],
)
def test_a_kpi_has_moved_as_far_as_it_left_its_band(moves, distance, strength):
    sign = Sign(about="kpi", any_of=("dl_bler",), moves=moves, weight=1, because="it does")
    assert how_far(sign, facts(kpi("dl_bler", distance)), RULES)[0] == strength


def test_all_of_the_kpis_must_be_usual_and_one_that_moved_is_enough():
    names = ("dl_bler", "ul_bler")
    seen = facts(kpi("dl_bler", 0.0), kpi("ul_bler", 9.0))
    usual = Sign(about="kpi", any_of=names, moves="usual", weight=1, because="it does")
    up = usual.model_copy(update={"moves": "up"})
    assert how_far(usual, seen, RULES)[0] == 0.0
    assert how_far(up, seen, RULES)[0] == 1.0


NAMES = sorted({name for cause in KNOWN.values() for sign in cause.signs for name in sign.any_of})
some_seen = st.lists(
    st.one_of(
        st.builds(kpi, st.sampled_from(NAMES), st.floats(-20, 20)),
        st.builds(
            alarm,
            st.sampled_from(NAMES),
            st.sampled_from(["same_cell", "same_site", "upstream", "neighbor_site", "network"]),
            st.floats(0, 1),
        ),
        st.builds(change, st.sampled_from(["software", "maintenance", "expansion"])),
        st.builds(fact, st.sampled_from(NAMES), st.floats(0, 1)),
    ),
    max_size=25,
)


@given(some_seen)
def test_probabilities_add_up_and_follow_the_log_odds(seen):
    told = ranked(*seen)
    assert len(told) == len(KNOWN) + 1
    assert math.isclose(sum(one.probability for one in told), 1.0, abs_tol=0.01)
    assert [one.log_odds for one in told] == sorted((one.log_odds for one in told), reverse=True)
    naive = math.exp(told[0].log_odds) / sum(math.exp(one.log_odds) for one in told)
    assert math.isclose(told[0].probability, naive, abs_tol=1e-3)


@given(some_seen)
def test_log_odds_are_the_base_and_what_each_sign_adds(seen):
    told = facts(*seen)
    for one in hypotheses(told, KNOWN, RULES):
        if one.cause == UNKNOWN:
            continue
        cause = KNOWN[one.cause]
        total = cause.base
        for sign in cause.signs:
            held = how_far(sign, told, RULES)
            if held is not None:
                total += sign.weight * held[0] + sign.otherwise * (1 - held[0])
        assert math.isclose(one.log_odds, total, abs_tol=1e-2)


@given(some_seen, st.randoms())
def test_the_order_in_which_tools_answered_changes_nothing(seen, random):
    mixed = list(seen)
    random.shuffle(mixed)
    told, again = ranked(*seen), ranked(*mixed)
    assert [(one.cause, one.log_odds) for one in told] == [
        (one.cause, one.log_odds) for one in again
    ]
