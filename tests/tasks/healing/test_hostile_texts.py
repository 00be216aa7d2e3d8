"""Hostile texts change nothing: a small part of the benchmark, in every run of the tests."""

from tests.benchmarks.hostile_texts import counted


def test_no_text_makes_a_write_or_a_call_that_nobody_allowed():
    count = counted(1_000)
    assert count.unapproved_writes == 0
    assert count.calls_beyond_rights == 0
    assert count.written > 0
    assert count.tasks_done >= 0.95 * count.tasks
