"""Facts that are computed of a finding and the cells near it."""

import pytest

from semantic_layer.causes import explaining_rules
from tasks.explaining.company import facts_of_company

FINDING = {
    "onset_at": None, "anomaly_start": "2026-03-08T12:00+00:00",
    "anomaly_end": "2026-03-08T16:00+00:00", "is_ongoing": False,
}  # fmt: skip


def row(relation, *, astray=0, peak=1.0, first=None, users=0.0, judged=16, dn="c"):
    return {
        "cell_dn": dn, "relation": relation, "judged_periods": judged, "astray_periods": astray,
        "peak_score": peak, "first_astray_at": first, "users_deviation": users,
        "availability_deviation": None,
    }  # fmt: skip


OWN = row("same_cell", astray=16, peak=10.0, first="2026-03-08T12:00+00:00")


def found(*company, kpis=(), finding=FINDING):
    told = facts_of_company([OWN, *company], finding, kpis, explaining_rules())
    return {one.name: one.strength for one in told}


def test_a_site_whose_other_cells_stray_is_whole_and_nobody_is_alone():
    told = found(row("same_site", astray=16), row("same_sector", astray=8), row("same_site"))
    assert told["whole_site"] == pytest.approx(2 / 3, abs=1e-3)
    assert told["alone_at_site"] == pytest.approx(1 / 3, abs=1e-3)


def test_a_cell_that_was_not_judged_is_neither_sound_nor_astray():
    assert "whole_site" not in found(row("same_site", judged=0))


@pytest.mark.parametrize(
    ("peak", "first", "strength"),
    [
        pytest.param(20.0, "2026-03-08T12:00+00:00", 1.0, id="twice as far, at once"),
        pytest.param(20.0, "2026-03-08T14:00+00:00", 0.0, id="later"),
        pytest.param(10.0, "2026-03-08T11:00+00:00", 0.0, id="no farther"),
    ],
)
def test_a_neighbor_strays_more_if_farther_and_no_later(peak, first, strength):
    told = found(row("neighbor_site", astray=16, peak=peak, first=first))
    assert told["neighbor_strays_more"] == strength


def test_what_the_whole_site_shares_is_not_a_neighbors():
    strong = row("same_site", astray=16, peak=30.0, first="2026-03-08T12:00+00:00")
    assert found(strong)["neighbor_strays_more"] == 0.0


def test_users_that_a_neighbor_lost_count_unless_they_were_lost_here_too():
    assert found(row("neighbor_site", users=-5.0))["neighbor_lost_users"] == 1.0
    both = facts_of_company(
        [{**OWN, "users_deviation": -5.0}, row("neighbor_site", users=-5.0)],
        FINDING, (), explaining_rules(),
    )  # fmt: skip
    assert {one.name: one.strength for one in both}["neighbor_lost_users"] == 0.0


def test_noise_follows_load_only_where_there_is_noise():
    noise = {"kpi": "ul_interference", "deviation": 5.0, "follows_load": 0.9}
    assert found(kpis=[noise])["noise_follows_load"] == 1.0
    assert "noise_follows_load" not in found(kpis=[{**noise, "deviation": 0.2}])
    assert "noise_follows_load" not in found(kpis=[{**noise, "follows_load": None}])


def test_what_ended_within_hours_passed_and_what_goes_on_may():
    assert found()["passes_soon"] == 1.0
    assert found(finding={**FINDING, "is_ongoing": True})["passes_soon"] == 0.5
    old = {**FINDING, "onset_at": "2026-03-05T12:00+00:00"}
    assert (found(finding=old)["passes_soon"], found(finding=old)["lasts_days"]) == (0.0, 1.0)
