"""Sampled sessions say what the state gave their users."""

from dataclasses import replace
from itertools import accumulate

import numpy as np
import polars as pl
import pytest

from data_products.customer_experience.derive import derive as customer_experience
from semantic_layer.services import service_catalogue
from tasks.twin.sample_network import simulated_run
from tasks.twin.scenario import NETWORKS
from tasks.twin.subscribers import service_sessions, write_sessions

DAY = 96


@pytest.fixture(scope="module")
def run():
    chosen = replace(NETWORKS["village"], seed=5, history_days=1, newest_days=1, history_faults=0)
    return simulated_run(chosen)[0]


@pytest.fixture(scope="module")
def sessions(run):
    return service_sessions(run, DAY, 2 * DAY)


def test_each_session_has_an_id_and_a_place_in_the_window(run, sessions):
    assert sessions["session_id"].n_unique() == sessions.height > 1000
    assert sessions["started_at"].is_sorted()
    first, last = run.calendar.starts[DAY], run.calendar.starts[-1]
    assert sessions["started_at"].min() >= first
    assert (sessions["started_at"].max() - last).total_seconds() < 900


def test_the_weights_add_up_to_the_sessions_that_were_asked_for(run, sessions):
    asked = float(np.asarray(run.state.sessions[DAY:]).sum())
    assert sessions["weight"].sum() == pytest.approx(asked, rel=0.05)


def test_the_services_are_those_that_are_defined(sessions):
    assert set(sessions["service"]) <= set(service_catalogue().by_name)


def test_a_session_that_was_not_set_up_has_no_quality(sessions):
    failed = sessions.filter(~pl.col("is_setup"))
    assert failed.height
    assert failed["throughput_dl_mbps"].null_count() == failed.height
    assert not failed["is_dropped"].any()


def test_users_of_a_slower_cell_are_slower(run, sessions):
    rates = np.asarray(run.state.downlink_user_mbps[DAY:]).mean(axis=0)
    cells = [cell.dn for cell in run.world.radio.network.cells]
    slow, quick = cells[int(rates.argmin())], cells[int(rates.argmax())]
    told = dict(sessions.group_by("cell_dn").agg(pl.col("throughput_dl_mbps").median()).rows())
    assert told[slow] < told[quick]


def test_the_same_seed_gives_the_same_files(run, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        assert write_sessions(run, DAY, 2 * DAY, tmp_path / name) > 1000
    ones = sorted((tmp_path / "one").iterdir())
    assert [path.read_bytes() for path in ones] == [
        (tmp_path / "two" / path.name).read_bytes() for path in ones
    ]


def test_no_group_below_the_smallest_is_told_apart(sessions):
    told = customer_experience(sessions.lazy(), "hour", service_catalogue()).collect()
    assert told["is_withheld"].any()
    assert not told["is_withheld"].all()
    assert told.filter("is_withheld")["satisfied_share"].null_count() == told["is_withheld"].sum()
    shown = told.filter(~pl.col("is_withheld"))
    assert shown["subscribers_count"].min() >= service_catalogue().fewest_subscribers
    assert told["sessions_count"].sum() == pytest.approx(sessions["weight"].sum())


def test_experience_equals_a_plain_loop(sessions):
    services = service_catalogue()
    told = customer_experience(sessions.lazy(), "day", services).collect()
    for row in told.filter(~pl.col("is_withheld")).head(12).iter_rows(named=True):
        group = sessions.filter(cell_dn=row["cell_dn"], service=row["service"]).to_dicts()
        limits = services.service(row["service"])
        weight = sum(one["weight"] for one in group)
        satisfied = sum(one["weight"] for one in group if _is_satisfied(one, limits))
        rates = sorted(
            (one["throughput_dl_mbps"], one["weight"]) for one in group if one["is_setup"]
        )
        half = sum(part for _, part in rates) / 2
        reached = list(accumulate(part for _, part in rates))
        median = next(
            rate for (rate, _), so_far in zip(rates, reached, strict=True) if so_far >= half
        )
        assert row["sessions_count"] == pytest.approx(weight)
        assert row["satisfied_share"] == pytest.approx(satisfied / weight)
        assert row["throughput_dl_p50_mbps"] == median


def _is_satisfied(session, limits):
    return (
        session["is_setup"]
        and not session["is_dropped"]
        and session["throughput_dl_mbps"] >= limits.floor_throughput_dl_mbps
        and session["throughput_ul_mbps"] >= limits.floor_throughput_ul_mbps
        and session["round_trip_ms"] <= limits.ceiling_round_trip_ms
        and session["packet_loss_share"] <= limits.ceiling_packet_loss_share
    )
