"""Fixtures that every test may use, and the quiet environment that all of them run in."""

import os
from pathlib import Path

import pytest

os.environ.update(  # noqa: TID251 - tests set the environment of the processes that they start
    {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MODE": "PRODUCTION",
        "GX_ANALYTICS_ENABLED": "false",
        "RAY_USAGE_STATS_ENABLED": "0",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
)

REPOSITORY = Path(__file__).resolve().parents[1]
REAL_DATA = REPOSITORY.parent / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of operator data sets, or skip: they are not redistributed."""
    if not REAL_DATA.is_dir():
        pytest.skip(
            f"needs the operator data sets, expected in {REAL_DATA.name!r} beside the clone"
        )
    return REAL_DATA
