"""Reading intent by rules and by keywords."""

import pytest

from tasks.trials.answers import Limit
from tasks.trials.intent_rules import intent_by_keywords, intent_by_rules


def test_rules_read_goal_place_limits_and_hours():
    found = intent_by_rules("Let cell 7 sleep between 2 and 6, load at most 12.5 %.")
    assert (found.goal, found.scope, found.place) == ("save_energy", "cell", "7")
    assert found.limits == (Limit(quantity="load_pct", bound="at_most", value=12.5),)
    assert (found.from_hour, found.to_hour) == (2, 6)


@pytest.mark.parametrize(
    ("text", "quantity", "bound"),
    [
        ("keep availability not below 99 %", "availability_pct", "at_least"),
        ("Abbruchrate nicht über 2 Prozent", "drop_rate_pct", "at_most"),
        ("at least 3 cells", "cell_count", "at_least"),
        ("make it 30 Mbit/s", "throughput_mbps", "at_least"),
        ("20 ms", "latency_ms", "at_most"),
    ],
)
def test_rules_know_more_from_less(text, quantity, bound):
    [limit] = intent_by_rules(text).limits
    assert (limit.quantity, limit.bound) == (quantity, bound)


@pytest.mark.parametrize(
    "text", ["Hello there.", "load at least 50 % and at most 10 %", "sleep from 30 to 99"]
)
def test_rules_say_what_they_cannot_read(text):
    assert intent_by_rules(text).goal == "unclear"


def test_keywords_take_the_first_number_whatever_it_is():
    found = intent_by_keywords("From 2 to 4 save energy in cell 9.")
    assert (found.goal, found.scope, found.place) == ("save_energy", "cell", "2")
