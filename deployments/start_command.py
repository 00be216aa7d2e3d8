"""`anops start`: one flow, run here and now, with the defaults that its schedule would use."""

from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

import flows
from deployments.command_words import PROFILE, named_window
from semantic_layer.errors import UnknownNameError
from tasks.settings import apply_profile


def flow_names() -> list[str]:
    """Return the names of all flows, as Prefect shows them."""
    folder = Path(flows.__file__).parent
    return sorted(
        path.stem.replace("_", "-") for path in folder.glob("*.py") if path.stem != "__init__"
    )


def start(
    name: Annotated[str, typer.Argument(help="A flow's name, such as train-models.")],
    begin: Annotated[
        datetime | None, typer.Option("--from", help="Start of the window, UTC.")
    ] = None,
    end: Annotated[datetime | None, typer.Option("--to", help="End of the window, UTC.")] = None,
) -> None:
    """Run one flow here, such as profile-cells, train-models, compare-models."""
    known = flow_names()
    if name not in known:
        raise UnknownNameError.of("flow", name, known)
    window = named_window(begin, end)
    apply_profile(PROFILE)
    module = name.replace("-", "_")
    flow = getattr(import_module(f"flows.{module}"), module)
    result: Any = flow(**({} if window is None else {"window": window}))
    Console().print(shown(result), highlight=False, markup=False, soft_wrap=True)


def shown(result: object) -> str:
    """Return a flow's result as text: a page where there is one, else rows, else what it is."""
    if isinstance(result, Mapping):
        return str(result.get("page") or "\n".join(f"{key}: {one}" for key, one in result.items()))
    if isinstance(result, list | tuple):
        return "\n".join(_row(one) for one in result) or "nothing"
    return _row(result)


def _row(one: object) -> str:
    if isinstance(one, Mapping):
        return "; ".join(f"{key} {value}" for key, value in one.items())
    table, rows = getattr(one, "table", None), getattr(one, "rows", None)
    return f"{table}: {rows:,} rows" if isinstance(rows, int) and table else str(one)
