"""Chunks of work on Ray: a local Ray by default, a cluster when given its address.

One code path for both. Workers import functions by name, so a cluster's machines need anops
installed at the driver's version; a local Ray shares the driver's import path. Whether Ray may
report its usage is the deployment profile's choice (it may not).

A limit of Ray: when the head's control service itself dies, Ray ends the driver's process after a
minute. The orchestrator then sees a crashed run and its window is run again.
"""

import logging
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from semantic_layer.errors import TransientError

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")

_LOCAL_OBJECT_STORE_BYTES = 1 << 30  # reserved address space; pages count only once written
_RETRIES_OF_A_LOST_WORKER = 3
_ANSWER_LIMIT_S = 10.0

_log = logging.getLogger(__name__)


class RayWorkerPool:
    """Implements `WorkerPool` on Ray; nothing starts before the first call of `map`.

    A chunk whose worker dies is run again elsewhere, up to three times; its result counts once,
    since a chunk's result is one reference however often it was tried.
    """

    def __init__(
        self,
        address: str | None = None,
        worker_count: int = 2,
        object_store_bytes: int = _LOCAL_OBJECT_STORE_BYTES,
    ) -> None:
        self._address = address
        self._worker_count = worker_count
        self._object_store_bytes = object_store_bytes
        self._has_started = False

    def map(
        self,
        function: Callable[..., Result],
        chunks: Iterable[Chunk],
        *,
        shared: Mapping[str, Any] | None = None,
    ) -> list[Result]:
        """Return `function(chunk, **shared)` for each chunk, in the order of the chunks.

        Shared values are put in Ray's store once; NumPy arrays and Arrow tables reach the
        function read-only and without a copy. An error of the function is raised as itself.

        Raises:
            TransientError: a worker was lost again and again, or the cluster does not answer.
        """
        waiting = list(chunks)
        if not waiting:
            return []
        import ray
        from ray.exceptions import RayError, RayTaskError

        try:
            self._start()
            names = tuple(shared or {})
            values = [ray.put(value) for value in (shared or {}).values()]
            call = ray.remote(max_retries=_RETRIES_OF_A_LOST_WORKER, num_cpus=1)(_call)
            found: list[Result] = ray.get(
                [call.remote(function, chunk, names, *values) for chunk in waiting]
            )
        except RayTaskError as error:
            raise error.cause from error
        except (RayError, OSError) as error:
            self._give_up()
            raise TransientError(
                f"Ray{self._place} lost the work of {function.__name__!r} "
                f"({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}); "
                "it is started anew at the next try."
            ) from error
        return found

    def close(self) -> None:
        """Give the workers back; a local Ray is stopped, a cluster only left."""
        if self._has_started:
            self._give_up()

    @property
    def _place(self) -> str:
        return f" at {self._address}" if self._address else ""

    def _start(self) -> None:
        import ray

        if ray.is_initialized():
            return
        local: dict[str, Any] = {}
        if self._address:
            _knock(self._address)
        else:
            local = {
                "num_cpus": self._worker_count,
                "object_store_memory": self._object_store_bytes,
                "include_dashboard": False,
            }
        ray.init(
            # `local` starts one even where RAY_ADDRESS or a running cluster is lying about.
            address=self._address or "local",
            namespace="anops",
            log_to_driver=False,
            configure_logging=True,
            logging_level=logging.ERROR,
            **local,
        )
        self._has_started = True
        _log.info("Ray%s is ready.", self._place)

    def _give_up(self) -> None:
        import ray

        ray.shutdown()
        self._has_started = False


def _knock(address: str) -> None:
    """Raise OSError soon where Ray itself would wait for minutes."""
    host, colon, port = address.rpartition("://")[2].partition(":")
    if colon and port.isdigit():
        socket.create_connection((host, int(port)), timeout=_ANSWER_LIMIT_S).close()


def _call(
    function: Callable[..., Result], chunk: Chunk, names: tuple[str, ...], *values: object
) -> Result:
    return function(chunk, **dict(zip(names, values, strict=True)))
