"""Server, UI, deployments and workers on one machine, until interrupted.

What runs when is said in prefect.yaml; here is only where: Prefect's own processes, and the desk
for approvals over HTTP, one port above.
"""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from semantic_layer.errors import TransientError

REPOSITORY = Path(__file__).resolve().parents[1]
PREFECT_FILE = REPOSITORY / "deployments" / "prefect.yaml"
AUTOMATIONS_FILE = REPOSITORY / "deployments" / "automations.yaml"
WORK_POOL = "one-machine"

_START_LIMIT_S = 120.0
_POLL_S = 0.5
_STOP_LIMIT_S = 15.0
_ANSWER_LIMIT_S = 2.0


def api_url(port: int) -> str:
    """Return the address of the local server's API."""
    return f"http://127.0.0.1:{port}/api"


def is_answering(url: str) -> bool:
    """Tell whether a Prefect server answers at `url`."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=_ANSWER_LIMIT_S) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def serve(port: int, environment: Mapping[str, str]) -> None:
    """Start everything and wait; stop everything on an interrupt.

    Prefect answers on the port, approvals over HTTP on the next one.

    Raises:
        TransientError: the server did not answer in time, or registering failed.
    """
    url = api_url(port)
    variables = {
        **environment,
        "PREFECT_API_URL": url,
        "PREFECT_UI_API_URL": url,
        "ANOPS_REPOSITORY": str(REPOSITORY),
    }
    server = ["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with _running(server, variables):
        _await_server(url)
        register(variables)
        desk = ["-m", "deployments.approval_api", str(port + 1)]
        with (
            _running(desk, variables),
            _running(_worker("at-once", 1), variables),
            _running(_worker("default", 2), variables) as works,
        ):
            works.wait()


def _worker(queue: str, most: int) -> list[str]:
    """Return what starts a worker of one queue: a long cycle must not hold up what wakes cells."""
    start = ["-m", "prefect", "worker", "start", "--pool", WORK_POOL]
    return [*start, "--work-queue", queue, "--limit", str(most)]


def register(variables: Mapping[str, str]) -> None:
    """Create the work pool, every deployment of prefect.yaml and every automation.

    Raises:
        TransientError: Prefect refused; its own words are in the message.
        InputError: an automation runs what is not deployed.
    """
    _prefect(["work-pool", "create", WORK_POOL, "--type", "process", "--overwrite"], variables)
    _prefect(["--no-prompt", "deploy", "--all", "--prefect-file", str(PREFECT_FILE)], variables)
    from deployments.automations import register_automations  # noqa: PLC0415 - Prefect is dear

    register_automations(AUTOMATIONS_FILE, variables["PREFECT_API_URL"])


def _prefect(arguments: list[str], variables: Mapping[str, str]) -> str:
    done = subprocess.run(  # noqa: S603 - fixed arguments
        [sys.executable, "-m", "prefect", *arguments],
        cwd=REPOSITORY,
        env=dict(variables),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise TransientError(
            f"`prefect {' '.join(arguments)}` failed: {(done.stdout + done.stderr)[-2000:]}"
        )
    return done.stdout


@contextmanager
def _running(
    arguments: list[str], variables: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(  # noqa: S603 - fixed arguments
        [sys.executable, *arguments], cwd=REPOSITORY, env=dict(variables)
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()


def _await_server(url: str) -> None:
    deadline = time.monotonic() + _START_LIMIT_S
    while not is_answering(url):
        if time.monotonic() > deadline:
            raise TransientError(
                f"No Prefect server answered at {url} within {_START_LIMIT_S:.0f} s; "
                "is the port taken by another program?"
            )
        time.sleep(_POLL_S)
