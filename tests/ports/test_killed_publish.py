"""kill -9 at each step of publish and upkeep: nothing half, lost or doubled, the next completes."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def ended(program, *given):
    return subprocess.run(
        [sys.executable, "-m", f"tests.ports.{program}", *map(str, given)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


@pytest.mark.slow
def test_upkeep_killed_at_any_step_leaves_rows_and_history_and_the_next_completes(tmp_path):
    killed = ended("killed_upkeep", tmp_path)
    assert killed.returncode == 0, killed.stderr
    assert int(killed.stdout) >= 4


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "kills"), [("first", 8), ("again", 15)])
def test_a_publish_killed_at_any_step_leaves_whole_products_and_the_next_completes(
    tmp_path, mode, kills
):
    killed = ended("killed_publish", tmp_path, mode)
    assert killed.returncode == 0, killed.stderr
    assert int(killed.stdout) >= kills, "three tables are written in at least four steps each"
