"""What verdicts say together: reliability from agreement, and contradictions shown."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data_products.finding_verdicts.standing import contradictions, standing_verdicts
from semantic_layer.fault_kinds import fault_kinds
from tasks.feedback.agreement import (
    PRIOR_RELIABILITY,
    PRIOR_STRENGTH,
    estimated,
    reliabilities,
    weighed_verdicts,
)
from tests.tasks.feedback.world import NOW, finding_id, said

KINDS = fault_kinds()
C, R, L = "CONFIRMED", "REJECTED", "RELABELED"


def weighed(rows):
    return weighed_verdicts(said(rows), KINDS)


def probability(rows):
    return weighed(rows)["is_real_probability"].to_list()


def known(rows):
    found = reliabilities(standing_verdicts(said(rows), KINDS))
    return {row["person"]: row for row in found.iter_rows(named=True)}


def naive(findings, authors, votes, people):
    """Return reliabilities as the formulas say, vote by vote."""
    reliability = [PRIOR_RELIABILITY] * people
    for _ in range(500):
        real = {}
        for finding in set(findings):
            yes = no = 1.0
            for place, other in enumerate(findings):
                if other == finding:
                    r = reliability[authors[place]]
                    yes *= r if votes[place] else 1 - r
                    no *= 1 - r if votes[place] else r
            real[finding] = yes / (yes + no)
        for person in range(people):
            right, count = PRIOR_STRENGTH * PRIOR_RELIABILITY, PRIOR_STRENGTH
            for place, author in enumerate(authors):
                if author == person:
                    right += real[findings[place]] if votes[place] else 1 - real[findings[place]]
                    count += 1
            reliability[person] = min(max(right / count, 0.5), 0.99)
    return reliability


def test_reliabilities_are_those_of_a_naive_loop():
    rng = np.random.default_rng(5)
    authors = np.tile(np.arange(4), 25)
    findings = np.repeat(np.arange(25), 4)
    votes = rng.random(100) < 0.6
    found = estimated(findings, authors, votes, 5)
    assert found == pytest.approx(naive(findings, authors, votes, 5), abs=1e-4)
    assert found[4] == PRIOR_RELIABILITY


def test_planted_reliabilities_are_found_and_beat_a_plain_majority():
    rng = np.random.default_rng(8)
    planted = np.array([0.97, 0.92, 0.6, 0.55, 0.5])
    truth = rng.random(600) < 0.4
    findings, authors = np.repeat(np.arange(600), 5), np.tile(np.arange(5), 600)
    is_right = rng.random(3000) < planted[authors]
    votes = np.where(is_right, truth[findings], ~truth[findings])
    found = estimated(findings, authors, votes, 5)
    assert found == pytest.approx(planted, abs=0.06)
    trust = np.log(found / (1 - found))[authors]
    together = np.bincount(findings, np.where(votes, trust, -trust)) > 0
    majority = np.bincount(findings, np.where(votes, 1, -1)) > 0
    assert (together == truth).mean() > (majority == truth).mean() + 0.1


def test_one_verdict_of_somebody_unknown_counts_as_the_prior_says():
    found = weighed([(1, "anna", C), (2, "anna", R)])
    assert found["is_real_probability"].to_list() == [0.8, 0.2]
    assert found["weight"].to_list() == [0.6, 0.6]


def test_two_who_disagree_cancel_each_other_out_and_are_shown():
    found = weighed([(1, "anna", C, "outage"), (1, "bo", R)])
    row = found.row(0, named=True)
    assert (row["is_real_probability"], row["weight"]) == (0.5, 0.0)
    assert row["is_contradicted"]
    assert row["fault_kind"] is None
    told = contradictions(
        standing_verdicts(said([(1, "anna", C, "outage"), (1, "bo", R)]), KINDS)
    ).row(0, named=True)
    assert told["contradiction"] == "authors disagree"
    assert (told["said_real"], told["said_not_real"]) == (["anna"], ["bo"])


def test_whoever_contradicts_all_others_counts_for_nothing_and_never_the_other_way():
    rows = [(n, author, C if n % 2 else R) for n in range(1, 61) for author in ("anna", "bo", "cy")]
    liar = [(n, "mallory", R if n % 2 else C) for n in range(1, 61)]
    assert known([*rows, *liar])["mallory"]["reliability"] == 0.5
    assert probability([*rows, *liar, (99, "mallory", C)])[-1] == 0.5
    assert known([*rows, *liar])["anna"]["reliability"] > 0.95


def test_an_author_alone_stays_what_the_prior_says_however_much_they_say():
    assert known([(n, "anna", C) for n in range(1, 200)])["anna"]["reliability"] == 0.8


def test_the_last_verdict_of_an_author_counts_and_a_changed_mind_is_shown():
    rows = [(1, "anna", C, None, 0), (1, "Anna", R, None, 2), (1, "anna", C, None, 1)]
    standing = standing_verdicts(said(rows), KINDS)
    assert standing.select("verdict", "has_changed_mind").rows() == [(R, True)]
    assert probability(rows) == [0.2]
    assert contradictions(standing)["contradiction"].to_list() == ["an author changed their mind"]
    assert known(rows)["anna"]["changed"] == 1


def test_another_kind_of_fault_is_no_contradiction_but_no_fault_is():
    assert not weighed([(1, "a", C, "outage"), (1, "b", L, "interference")])["is_contradicted"][0]
    assert weighed([(1, "a", C, "outage"), (1, "b", L, "event")])["is_contradicted"][0]


def test_the_kind_is_that_with_most_trust_on_the_side_that_prevails():
    rows = [(1, "a", L, "interference"), (1, "b", C, "interference"), (1, "c", L, "outage"),
            (1, "d", L, "event")]  # fmt: skip
    assert weighed(rows)["fault_kind"].to_list() == ["interference"]
    even = [(1, "a", C, "outage"), (1, "b", C, "interference")]
    assert weighed(even)["fault_kind"].to_list() == ["interference"]  # by name, where equal


def test_counts_of_agreement_are_told_beside_the_estimate():
    rows = [(1, "a", C), (1, "b", C), (1, "c", R), (2, "a", C), (2, "b", R), (3, "a", C)]
    told = known(rows)
    assert {
        name: (row["verdicts"], row["shared"], row["agreed"]) for name, row in told.items()
    } == {
        "a": (3, 2, 0),
        "b": (2, 2, 0),
        "c": (1, 1, 0),
    }
    three = known([(1, "a", C), (1, "b", C), (1, "d", C), (1, "c", R)])
    assert (three["a"]["agreed"], three["c"]["agreed"]) == (1, 0)


def test_order_and_repetition_of_rows_change_nothing():
    rng = np.random.default_rng(3)
    rows = [(int(rng.integers(1, 30)), f"p{rng.integers(5)}", C if rng.random() < 0.5 else R)
            for _ in range(200)]  # fmt: skip
    verdicts = said(rows)
    mixed = pl.concat([verdicts, verdicts.head(50)]).sample(fraction=1.0, shuffle=True, seed=1)
    assert_frame_equal(weighed_verdicts(mixed, KINDS), weighed_verdicts(verdicts, KINDS))


def test_no_verdicts_are_no_rows():
    empty = said([(1, "a", C)]).clear()
    assert weighed_verdicts(empty, KINDS).is_empty()
    assert contradictions(standing_verdicts(empty, KINDS)).is_empty()
    assert reliabilities(standing_verdicts(empty, KINDS)).is_empty()


def test_a_learner_is_told_when_a_finding_was_last_judged():
    rows = [(1, "a", C, None, 5), (1, "b", C, None, 1)]
    row = weighed(rows).row(0, named=True)
    assert (row["anomaly_id"], row["n_authors"]) == (finding_id(1), 2)
    assert (row["last_given_at"] - NOW).total_seconds() == 5 * 3600
