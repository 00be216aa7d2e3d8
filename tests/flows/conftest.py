"""One Prefect server for all flow tests, and a home folder of their own."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def orchestrator() -> Iterator[None]:
    """Run a temporary Prefect server; imported here because it costs seconds."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield
