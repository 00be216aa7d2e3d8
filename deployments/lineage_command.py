"""The words `anops lineage`, `anops catalogue` and `anops contracts` and what they print."""

import json
import re
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from data_products import contract_changes
from data_products.lineage_graph import Branch, lineage_graph
from data_products.lineage_impact import Impact, impact_of, parsed_change
from data_products.registry import load_products, products
from semantic_layer.errors import InputError
from semantic_layer.loading import catalogue, load_catalogue
from tasks.reporting.lineage_text import impact_text, lineage_text
from tasks.settings import apply_profile

REPOSITORY = Path(__file__).resolve().parents[1]
_FILE = re.compile(r"\.(xml|csv|parquet|xlsx|json)(\.gz)?$")
PROFILE = REPOSITORY / "deployments" / "profiles" / "local.env"

contracts = typer.Typer(
    no_args_is_help=True, help="Compare contracts and say whom a change breaks."
)


def lineage(
    name: Annotated[
        str,
        typer.Argument(help="KPI, measurement, counter, product, table, table.column, file."),
    ],
    *,
    downstream: Annotated[
        bool, typer.Option("--downstream/--upstream", help="Where it goes, or comes from.")
    ] = False,
    impact: Annotated[
        str,
        typer.Option(help="What if: removed, changed, unit=kbit, renamed=NAME."),
    ] = "",
    cell: Annotated[
        str, typer.Option(help="A cell's DN: from which files its KPI NAME came; with --at.")
    ] = "",
    at: Annotated[datetime | None, typer.Option(help="A moment of the period, UTC.")] = None,
    granularity: Annotated[str, typer.Option(help="15min, hour or day.")] = "15min",
    as_json: Annotated[bool, typer.Option("--json", help="Everything, for programs.")] = False,
) -> None:
    """Say where a value comes from, where it goes, and what a change of it breaks."""
    if cell:
        _say(_traced(name, cell, at, granularity))
        return
    if _FILE.search(name):
        _say(_file_traced(name))
        return
    graph = lineage_graph()
    if impact:
        change = parsed_change(name, impact)
        found = impact_of(change, graph, catalogue(), products())
        _say(_json([_impact(each) for each in found]) if as_json else impact_text(change, found))
        return
    trees = graph.downstream(name) if downstream else graph.upstream(name)
    _say(
        _json([_branch(tree) for tree in trees])
        if as_json
        else lineage_text(trees, is_downstream=downstream)
    )


def write_catalogue() -> None:
    """Write the page of all data products, their lineage, freshness and quality."""
    apply_profile(PROFILE)
    from tasks.reporting.steps import write_catalogue as write  # noqa: PLC0415 - Prefect is dear

    _say(f"The catalogue: {write.fn()}")


@contracts.command()
def check(
    against: Annotated[
        str, typer.Option(help="A checkout's folder or a git revision. Unset: what was accepted.")
    ] = "",
) -> None:
    """Say how contracts and definitions changed, whom that breaks and which version is due."""
    published = products()
    definitions = catalogue()
    before = contract_changes.accepted_state()
    if against:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(against)
            if not folder.is_dir():
                folder = _checked_out(against, Path(scratch))
            before = contract_changes.state_in(folder)
            definitions = load_catalogue(folder / "semantic_layer" / "catalogue")
            published = load_products(folder / "data_products", definitions)
    verdict = contract_changes.judged(before, contract_changes.current_state())
    reached = contract_changes.reached(verdict, published, definitions)
    _say(contract_changes.told(verdict, reached))
    if not verdict.is_accepted:
        raise typer.Exit(1)


def _traced(kpi: str, cell: str, at: datetime | None, granularity: str) -> str:
    apply_profile(PROFILE)
    from tasks.reporting.steps import trace_value  # noqa: PLC0415 - Prefect is dear

    if at is None:
        raise InputError("Tracing a cell's value needs --at, a moment of its period.")
    moment = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return trace_value.fn(kpi, cell, moment, granularity)


def _file_traced(file: str) -> str:
    apply_profile(PROFILE)
    from tasks.reporting.steps import trace_file  # noqa: PLC0415 - Prefect is dear

    return trace_file.fn(file)


def _checked_out(revision: str, folder: Path) -> Path:
    """Return a folder with the contracts and definitions of a git revision."""
    if revision.startswith("-"):
        raise InputError(f"{revision!r} is no git revision.")
    packed = subprocess.run(  # noqa: S603 - fixed arguments, a revision that is no option
        ["git", "archive", revision, "data_products", "semantic_layer/catalogue"],  # noqa: S607
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
    )
    if packed.returncode:
        said = packed.stderr.decode(errors="replace").strip()
        raise InputError(f"{revision!r} is neither a folder nor a git revision here: {said}")
    subprocess.run(  # noqa: S603
        ["tar", "-x", "-C", str(folder)],  # noqa: S607
        input=packed.stdout,
        check=True,
    )
    return folder


def _branch(branch: Branch) -> dict[str, Any]:
    return {
        "kind": branch.node.kind,
        "name": branch.node.name,
        "how": branch.how,
        "branches": [_branch(each) for each in branch.branches],
    }


def _impact(impact: Impact) -> dict[str, Any]:
    return {
        "kind": impact.node.kind,
        "name": impact.node.name,
        "effect": impact.effect,
        "factor": impact.factor,
        "says": impact.says,
        "path": [node.name for node in impact.path],
    }


def _json(content: Sequence[Any]) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False)


def _say(text: str) -> None:
    typer.echo(text)
