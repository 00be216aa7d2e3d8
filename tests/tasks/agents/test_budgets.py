"""Calls and questions are shared out before branches race."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.agents.budgets import Allowance


@given(st.integers(0, 60), st.integers(0, 40), st.integers(1, 12), st.data())
def test_shares_use_up_nothing_and_lose_nothing_and_no_number_is_given_twice(
    calls, questions, count, data
):
    whole = Allowance(calls, questions)
    numbers = [whole.take_call() for _ in range(min(2, calls))]
    left, left_questions = whole.calls, whole.questions
    shares = whole.shares(count)
    assert sum(share.calls for share in shares) == left
    assert sum(share.questions for share in shares) == left_questions
    assert max(share.calls for share in shares) - min(share.calls for share in shares) <= 1
    used = [data.draw(st.integers(0, share.calls)) for share in shares]
    for share, wanted in zip(shares, used, strict=True):
        numbers += [share.take_call() for _ in range(wanted)]
    whole.take_back(shares)
    assert whole.calls == left - sum(used)
    numbers += [whole.take_call() for _ in range(whole.calls)]
    assert 0 not in numbers
    assert len(set(numbers)) == len(numbers) == calls


def test_a_call_beyond_the_last_has_no_number():
    allowance = Allowance(1, 0)
    assert (allowance.take_call(), allowance.take_call()) == (1, 0)
    assert not allowance.take_question()


def test_an_exploration_of_nothing_costs_nothing():
    allowance = Allowance(5, 5)
    allowance.take_back(allowance.shares(0))
    assert (allowance.calls, allowance.take_call()) == (5, 1)
