"""MLflow's client, and its errors in our words. MLflow is imported when it is first called."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semantic_layer.errors import InputError, TransientError
from tasks.settings import keep_mlflow_quiet

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_PAGE = 200
_OURS = {
    "RESOURCE_DOES_NOT_EXIST",
    "RESOURCE_ALREADY_EXISTS",
    "INVALID_PARAMETER_VALUE",
    "INVALID_STATE",
    "BAD_REQUEST",
    "ENDPOINT_NOT_FOUND",
    "PERMISSION_DENIED",
    "UNAUTHENTICATED",
}


def client_of(address: str) -> "MlflowClient":
    """Return a client for both runs and registered models of an address."""
    keep_mlflow_quiet()
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with calling(address):
        from mlflow.tracking import MlflowClient

        return MlflowClient(address, address)


@contextmanager
def calling(what: str) -> Iterator[None]:
    """Turn MLflow's errors inside into ours; `what` says what was called.

    Raises:
        InputError: it is not there, or cannot be done as asked.
        TransientError: the store did not answer, or was busy.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        told = f"The model registry ({what}): {str(error).splitlines()[0]}"
        if error.error_code in _OURS:
            raise InputError(told) from error
        raise TransientError(told) from error
    except OSError as error:
        raise InputError(f"The model registry ({what}): {error}.") from error


def all_pages(search: Callable[..., Any]) -> Iterator[Any]:
    """Yield everything that a search of MLflow finds, page by page."""
    token: str | None = None
    while True:
        page = search(max_results=_PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def write_schema(folder: Path, run_id: str, kpis: tuple[str, ...]) -> None:
    """Write MLflow's own description of what the model reads, for people who look there."""
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, Schema

    reads = Schema([ColSpec("double", name) for name in kpis])
    signature = ModelSignature(reads, Schema([ColSpec("double", "score")]))
    Model(artifact_path="model", run_id=run_id, signature=signature).save(str(folder / "MLmodel"))
