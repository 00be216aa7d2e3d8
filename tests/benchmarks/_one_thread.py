"""Runs a benchmark in a process whose linear algebra has one thread, as workers have.

Threads that wait for one another count as CPU and say nothing of the work, the less on a busy
machine.
"""

import subprocess
import sys
from pathlib import Path

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run_alone(module: str) -> None:
    """Call `measure()` of the module `tests.benchmarks.<module>` there; print what it prints.

    Raises:
        CalledProcessError: it failed.
    """
    subprocess.run(
        [
            sys.executable,
            "-c",
            f"from tests.benchmarks.{module} import measure; measure()",
        ],
        check=True,
        cwd=Path(__file__).resolve().parents[2],
        env={**dict.fromkeys(_THREADS, "1"), "PYTHONPATH": ":".join(filter(None, sys.path))},
    )
