"""How a function becomes a Prefect task: the only file below flows that imports Prefect.

Steps exchange plain values and `Snapshot`s; nothing is cached; only `TransientError` is retried.
Outside a flow run, call `some_step.fn(...)`.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import wraps
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
from prefect.events import emit_event
from prefect.runtime import flow_run

from data_products.lineage import Snapshot
from data_products.publication import ContractBrokenError
from semantic_layer.errors import InputError, TransientError
from semantic_layer.periods import Window

P = ParamSpec("P")
R = TypeVar("R")

PRODUCT_PUBLISHED = "anops.product.published"
PRODUCT_REFUSED = "anops.product.refused"
CONTRACT_BROKEN = "anops.contract.broken"
FILE_LATE = "anops.file.late"

_LOG = logging.getLogger(__name__)
_RETRIES = 3
_RETRY_DELAYS_S = [1.0, 5.0, 20.0]


def step(function: Callable[P, R]) -> Task[P, R]:
    """Turn a function of plain values into a Prefect task named after it.

    What it publishes is told as events: whoever waits for a product need not ask for it.
    """

    @wraps(function)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            result = function(*args, **kwargs)
        except ContractBrokenError as error:
            tell(CONTRACT_BROKEN, function.__name__, {"reason": str(error)})
            raise
        for snapshot in _door_snapshots(result):
            _tell_of(snapshot)
        return result

    return Task(
        told,
        name=function.__name__,
        cache_policy=NO_CACHE,
        retries=_RETRIES,
        retry_delay_seconds=_RETRY_DELAYS_S,
        retry_condition_fn=_is_transient,
        persist_result=False,
    )


def tell(event: str, resource: str, payload: Mapping[str, Any]) -> None:
    """Emit an event of anops for automations; outside a run it does nothing, and it never fails.

    Args:
        event: one of the names above.
        resource: what it is about: a table, a file, a step.
        payload: plain values that an automation may hand to a deployment.
    """
    if not _in_run():
        return
    context = FlowRunContext.get()
    started = context.flow_run if context is not None else None
    is_own = bool(started is not None and started.deployment_id and not started.parent_task_run_id)
    labels = {
        "prefect.resource.id": f"anops.{resource}",
        "prefect.resource.name": resource,
        "anops.flow": context.flow.name if context is not None and context.flow else "",
        "anops.scope": str(payload.get("scope", "")),
        "anops.started": "by itself" if is_own else "within another run",
    }
    try:
        emit_event(event=event, resource=labels, payload={**payload, "run_id": run_id()})
    except (OSError, RuntimeError, ValueError) as error:
        _LOG.warning("%s of %s could not be told: %s.", event, resource, error)


def tell_late_file(file: str, covers: Window, own: Window) -> None:
    """Tell that a file arrived for a time before the window that the run itself owns.

    Call it once a file, for files that no run has published: the automation brings that time in
    again, in a run that owns it and to which the file is not late.

    Args:
        file: as it was delivered.
        covers: the time of its content.
        own: the run's window.
    """
    if covers.end <= own.start:
        tell(FILE_LATE, "delivered_files", {"file": file, **_told_window(covers)})


def _tell_of(snapshot: Snapshot) -> None:
    payload = {
        "table": snapshot.table,
        "snapshot_id": str(snapshot.id),
        "rows": snapshot.rows,
        "scope": snapshot.scope,
        "reason": snapshot.reason,
        **(_told_window(snapshot.window) if snapshot.window else {}),
    }
    is_refused = snapshot.verdict == "refused"
    tell(PRODUCT_REFUSED if is_refused else PRODUCT_PUBLISHED, snapshot.table, payload)
    if snapshot.reason and not is_refused:
        tell(CONTRACT_BROKEN, snapshot.table, payload)


def _told_window(window: Window) -> dict[str, str]:
    return {"window_start": window.start.isoformat(), "window_end": window.end.isoformat()}


def _door_snapshots(result: object) -> list[Snapshot]:
    """Return the snapshots of a result that came through a door: those know their window."""
    found = result if isinstance(result, list | tuple) else [result]
    return [each for each in found if isinstance(each, Snapshot) and each.window is not None]


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
