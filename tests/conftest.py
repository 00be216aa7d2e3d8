"""Fixtures that every test may use, and the quiet environment that all of them run in."""

import os
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from tasks.settings import profile_variables

REPOSITORY = Path(__file__).resolve().parents[1]
REAL_DATA = REPOSITORY.parent / "shared" / "data"

for _name, _value in profile_variables(REPOSITORY / "deployments/profiles/local.env").items():
    os.environ.setdefault(_name, _value)

# Examples have no deadline: a test that is slow on a busy machine is not a wrong one.
hypothesis_settings.register_profile("anops", deadline=None)
hypothesis_settings.load_profile("anops")

TEST_POSTGRESQL = os.environ.get("ANOPS_TEST_POSTGRESQL")
"""An empty database that tests may fill (with the extra `postgresql`); unset, none is used."""


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of operator data sets, or skip: they are not redistributed."""
    if not REAL_DATA.is_dir():
        pytest.skip(
            f"needs the operator data sets, expected in {REAL_DATA.name!r} beside the clone"
        )
    return REAL_DATA
