"""kill -9 at each step of a publish: nothing half, lost or doubled, and the next completes."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "kills"), [("first", 8), ("again", 15)])
def test_a_publish_killed_at_any_step_leaves_whole_products_and_the_next_completes(
    tmp_path, mode, kills
):
    ended = subprocess.run(
        [sys.executable, "-m", "tests.ports.killed_publish", str(tmp_path), mode],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) >= kills, "three tables are written in at least five steps each"
