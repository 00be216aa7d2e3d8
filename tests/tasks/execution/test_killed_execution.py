"""kill -9 at every step of execute: nothing lost, doubled or half done; the ledger agrees."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tasks.execution.killed_execution import STORIES

REPOSITORY = Path(__file__).resolve().parents[3]
ONE_RESTART = 2 + 2 * (1 + 2 + 2 + 1) + 2 * 2
"""Sides of a read, of the entries of two operations and their frame, and of two writes."""


def kills(tmp_path, how_often, stories):
    ended = subprocess.run(
        [
            sys.executable, "-m", "tests.tasks.execution.killed_execution", tmp_path, how_often,
            *stories,
        ],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return {name: int(count) for name, count in (one.split(": ") for one in ended.stdout.split("\n")
            if one)}  # fmt: skip


@pytest.mark.slow
def test_an_execution_killed_at_any_step_is_completed_once_or_taken_back(tmp_path):
    found = kills(tmp_path, "once", STORIES)
    assert found["restart"] == ONE_RESTART, "a step was not enumerated"
    assert found["tilt"] == found["neighbor"] == ONE_RESTART - 2 * 3
    assert all(count >= 2 for count in found.values())


@pytest.mark.slow
def test_a_recovery_killed_at_any_step_is_completed_by_the_next(tmp_path):
    found = kills(tmp_path, "twice", ["restart", "tilt is worse"])
    assert found["restart"] > ONE_RESTART**2 / 2
