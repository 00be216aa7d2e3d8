"""Levels of autonomy follow from the record: risen by evidence, fallen at once, set by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_layer.errors import InputError, UnknownNameError
from tasks.adapters.memory_ledger import MemoryLedger
from tasks.guardrails.autonomy import autonomy_of, change_by_hand, lower_bound, outcomes
from tasks.messages.ledger import EntryDraft
from tests.tasks.guardrails.town import AUTONOMY, sleeping

BEGIN = datetime(2025, 6, 4, tzinfo=UTC)
USE_CASE = "heal_sleeping_cell"


class StoppedClock:
    def now(self):
        return BEGIN


class Story:
    """A ledger told hour by hour."""

    def __init__(self):
        self.ledger = MemoryLedger(StoppedClock())
        self.at = BEGIN
        self.count = 0

    def tell(self, kind, subject, payload, key=""):
        self.at += timedelta(hours=1)
        self.ledger.append(EntryDraft(kind, subject, "someone", self.at, payload, key))

    def ended(self, *kinds):
        """A proposal was made and ended so, with a verdict or another entry each."""
        self.count += 1
        one = sleeping(1, trigger_ids=(f"finding-{self.count}",))
        key = one.proposal_id
        self.tell("proposed", key, {"proposal": one.to_json()}, f"proposed:{key}")
        for kind in kinds:
            if kind in ("undone", "execution_failed", "rolled_back"):
                self.tell(kind, key, {"attempt": 1, "reason": "It was."})
            else:
                self.tell("verified", key, {"verdict": kind, "effect": {}})
        return key

    def now(self, hours=0):
        at = self.at + timedelta(hours=hours)
        return autonomy_of(USE_CASE, self.ledger.entries(), at, AUTONOMY)

    def adjust(self, hours=0):
        now = self.now(hours)
        self.at += timedelta(hours=hours)
        for change in now.due:
            self.ledger.append(change.draft("policy:autonomy", self.at))
        return [(change.from_level, change.to_level) for change in now.due]


def test_a_use_case_begins_where_it_is_defined_to():
    now = Story().now()
    assert (now.level, now.due, now.outcomes) == (2, (), 0)
    assert "0 of 10 verified outcomes" in now.lacking


def test_ten_good_outcomes_raise_by_one_level_and_no_more():
    story = Story()
    for _ in range(9):
        story.ended("better")
    assert story.adjust() == []
    story.ended("better")
    assert story.adjust() == [(2, 3)]
    assert story.adjust() == []
    assert "30 verified outcomes" in story.now().lacking


def test_outcomes_that_are_not_good_prove_less():
    story = Story()
    for number in range(12):
        story.ended("better" if number % 3 else "as_before")
    now = story.now()
    assert (now.outcomes, now.good, now.due) == (12, 8, ())
    assert "L3 needs 0.70" in now.lacking


@pytest.mark.parametrize(
    "ending",
    [("worse",), ("worse", "undone"), ("execution_failed", "rolled_back"), ("undone",)],
)
def test_one_bad_outcome_lowers_at_once_and_only_once(ending):
    story = Story()
    for _ in range(10):
        story.ended("better")
    story.adjust()
    story.ended(*ending)
    assert story.now().level == 2, "it counts before it is on record"
    assert story.adjust() == [(3, 2)]
    assert story.adjust() == []
    assert (story.now().level, story.now().outcomes) == (2, 0)


def test_two_bad_outcomes_lower_twice_but_not_below_the_lowest():
    story = Story()
    for _ in range(3):
        story.ended("worse")
    assert story.adjust() == [(2, 1), (1, 1), (1, 1)]
    assert story.adjust() == []
    assert story.now().level == 1


def test_after_a_fall_it_rises_only_on_new_evidence_and_after_cooling():
    story = Story()
    for _ in range(10):
        story.ended("better")
    story.ended("worse")
    story.adjust()
    assert story.now().level == 1
    for _ in range(5):
        story.ended("better")
    assert story.now().due == ()
    assert "72 h" in story.now().lacking
    assert [change.to_level for change in story.now(hours=72).due] == [2]


def test_old_outcomes_prove_nothing():
    story = Story()
    for _ in range(10):
        story.ended("better")
    now = story.now(hours=24 * AUTONOMY.evidence_days)
    assert (now.due, now.outcomes < 10) == ((), True)


def test_outcomes_of_other_use_cases_do_not_count():
    story = Story()
    for _ in range(10):
        story.ended("better")
    entries = story.ledger.entries()
    assert outcomes("heal_tilt_slip", entries) == []
    assert len(outcomes(USE_CASE, entries)) == 10


def test_a_person_sets_a_level_with_a_reason_within_bounds():
    now = Story().now()
    change = change_by_hand(now, 3, "We watched it for a month.", AUTONOMY, 7)
    assert (change.from_level, change.to_level) == (2, 3)
    for level, reason, said in (
        (3, "  ", "say why"),
        (4, "I trust it.", "earned by verified outcomes"),
        (6, "More.", "no level L6"),
        (-1, "Less.", "no level L-1"),
    ):
        with pytest.raises(InputError, match=said):
            change_by_hand(now, level, reason, AUTONOMY, 7)
    assert change_by_hand(now, 0, "An audit.", AUTONOMY, 7).to_level == 0


def test_a_bad_outcome_lowers_what_a_person_has_set():
    story = Story()
    change = change_by_hand(story.now(), 3, "We watched it.", AUTONOMY, 0)
    story.ledger.append(change.draft("anna", story.at))
    story.ended("worse")
    assert story.adjust() == [(3, 2)]


def test_an_unknown_use_case_has_no_level():
    with pytest.raises(UnknownNameError, match="heal_sleeping_cell"):
        autonomy_of("heal_sleeping_cel", [], BEGIN, AUTONOMY)


@pytest.mark.parametrize(
    ("good", "count", "bound"), [(0, 0, 0.0), (0, 9, 0.0), (10, 10, 0.7411), (18, 20, 0.7174)]
)
def test_the_bound_is_that_of_clopper_and_pearson(good, count, bound):
    assert lower_bound(good, count, 0.95) == pytest.approx(bound, abs=1e-4)


ENDING = st.sampled_from(
    [("better",), ("better",), ("better",), ("as_before",), ("unclear",), ("worse", "undone"),
     ("execution_failed", "rolled_back")]
)  # fmt: skip


@given(st.lists(st.tuples(ENDING, st.booleans()), max_size=40))
def test_levels_rise_stepwise_after_cooling_and_never_pass_their_bounds(told):
    story, own = Story(), AUTONOMY.of(USE_CASE)
    raised_at = None
    for ending, is_adjusted in told:
        before = story.now().level
        story.ended(*ending)
        is_bad = ending[0] in ("worse", "execution_failed")
        assert story.now().level <= before
        assert not is_bad or story.now().level == max(before - 1, own.lowest)
        if is_adjusted:
            for old, new in story.adjust(hours=30):
                assert new - old <= 1
                if new > old:
                    cooled = timedelta(hours=AUTONOMY.cooling_hours)
                    assert raised_at is None or story.at - raised_at >= cooled
                    raised_at = story.at
            assert own.lowest <= story.now().level <= own.highest
            assert all(change.to_level > change.from_level for change in story.now().due)
