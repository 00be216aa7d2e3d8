"""How a function becomes a Prefect task: the only file below flows that imports Prefect.

Steps exchange plain values and `Snapshot`s; nothing is cached; only `TransientError` is retried.
Outside a flow run, call `some_step.fn(...)`.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar

from prefect import Task
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import FlowRunContext, TaskRunContext
from prefect.runtime import flow_run

from semantic_layer.errors import InputError, TransientError

P = ParamSpec("P")
R = TypeVar("R")

_RETRIES = 3
_RETRY_DELAYS_S = [1.0, 5.0, 20.0]


def step(function: Callable[P, R]) -> Task[P, R]:
    """Turn a function of plain values into a Prefect task named after it."""
    return Task(
        function,
        name=function.__name__,
        cache_policy=NO_CACHE,
        retries=_RETRIES,
        retry_delay_seconds=_RETRY_DELAYS_S,
        retry_condition_fn=_is_transient,
        persist_result=False,
    )


def _is_transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    failure = state.data
    cause = getattr(failure, "exception", failure)
    return isinstance(cause, TransientError)


def run_id() -> str:
    """Return the id of the running flow run, or `local` outside of one."""
    flow_context = FlowRunContext.get()
    task_context = TaskRunContext.get()
    if flow_context is not None and flow_context.flow_run is not None:
        return str(flow_context.flow_run.id)
    if task_context is not None and task_context.task_run.flow_run_id is not None:
        return str(task_context.task_run.flow_run_id)
    return "local"


def _in_run() -> bool:
    return FlowRunContext.get() is not None or TaskRunContext.get() is not None


def show_table(key: str, rows: list[dict[str, Any]], description: str) -> None:
    """Publish a table to the run's page in the UI; outside a run it does nothing."""
    if _in_run():
        create_table_artifact(table=rows, key=key, description=description)


def show_markdown(key: str, text: str, description: str) -> None:
    """Publish a Markdown page to the run's page in the UI; outside a run it does nothing."""
    if _in_run():
        create_markdown_artifact(markdown=text, key=key, description=description)


class Progress:
    """A progress bar on the run's page; outside a run it does nothing."""

    def __init__(self, description: str) -> None:
        self._artifact = (
            create_progress_artifact(progress=0.0, description=description) if _in_run() else None
        )

    def reach(self, share: float) -> None:
        """Move the bar to `share` of the work, 0 to 1."""
        if self._artifact is not None:
            update_progress_artifact(self._artifact, progress=100.0 * share)  # type: ignore[arg-type]


def scheduled_at() -> datetime:
    """Return the moment that the running flow was scheduled for: a run's only idea of time.

    Raises:
        InputError: called outside a flow run, where no moment was agreed.
    """
    moment = flow_run.scheduled_start_time
    if moment is None:
        raise InputError("Outside a flow run there is no scheduled time; name the window instead.")
    return datetime.fromtimestamp(moment.timestamp(), UTC)
