"""The `anops` command: run a cycle, serve, explain a cell, show a KPI, look after the house.

It parses words and prints answers; whatever thinks lies in the rooms below. Prefect, Ray and the
like are imported by the subcommand that needs them.
"""

from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deployments import lineage_command, models_command, routes_command
from deployments.approvals_command import approvals
from deployments.autonomy_command import autonomy
from deployments.command_words import PROFILE, named_window
from deployments.decisions_command import decisions
from deployments.energy_command import energy
from deployments.feedback_command import feedback
from deployments.knowledge_command import app as knowledge
from deployments.query_command import query
from deployments.replay_command import replay
from deployments.sample_command import sample
from deployments.start_command import start as start_flow
from deployments.trial_command import trial
from semantic_layer.errors import AnopsError, InputError
from tasks.settings import apply_profile, point_at_server, settings

PORT = 4200


class Span(StrEnum):
    """How much of the newest deliveries a run takes when no window is named."""

    quarter_hour = "15min"
    hour = "hour"
    day = "day"


class Group(StrEnum):
    """What a KPI can be compared by."""

    cell = "cell"
    site = "site"
    band = "band"
    archetype = "archetype"
    subnetwork = "subnetwork"
    managed_element = "managed_element"
    hour = "hour"
    day = "day"


app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Autonomous network operations: what a network delivers becomes products and findings. "
    "Times are UTC. Settings are ANOPS_ variables, listed in deployments/REFERENCE.md.",
)
_console = Console()

Port = Annotated[int, typer.Option(help="Port of the local Prefect server and UI.")]


def main() -> None:
    """Run the command; an error that anops raises on purpose is a sentence, not a traceback."""
    try:
        app()
    except AnopsError as error:
        Console(stderr=True).print(f"[red]anops:[/red] {escape(str(error))}", highlight=False)
        raise SystemExit(2) from error


@app.command()
def run(
    input_folder: Annotated[
        Path | None,
        typer.Option("--input", help="Folder of delivered files. Unset: the sample network."),
    ] = None,
    start: Annotated[
        datetime | None, typer.Option("--from", help="Start of the window, UTC.")
    ] = None,
    end: Annotated[datetime | None, typer.Option("--to", help="End of the window, UTC.")] = None,
    span: Annotated[
        Span, typer.Option(help="Without --from and --to: the newest of these delivered.")
    ] = Span.day,
    port: Port = PORT,
) -> None:
    """Run the whole cycle once: files in, KPIs validated, every cell scored, a report out."""
    window = named_window(start, end)
    if input_folder is not None and not input_folder.is_dir():
        raise InputError(f"No folder {input_folder}; --input names the folder of delivered files.")
    _prepare(port)
    from flows.operate_network import operate_network

    report = Path(operate_network(window=window, folder=input_folder, span=span.value))
    _say("")
    _say(report.with_name("summary.txt").read_text(encoding="utf-8"))
    _say(f"\nThe whole report: {report}")
    _say("Why a cell: `anops explain CELL`; a KPI: `anops kpi NAME`.")
    _say(f"Runs, artifacts and schedules in the Prefect UI: `make serve`, http://127.0.0.1:{port}")


@app.command()
def serve(port: Port = PORT) -> None:
    """Start server, UI, every deployment and a worker on this machine; Ctrl-C stops them."""
    environment = apply_profile(PROFILE)
    from deployments.serve import serve as serve_here

    _say(f"UI: http://127.0.0.1:{port}; Ctrl-C stops everything.")
    with suppress(KeyboardInterrupt):
        serve_here(port, environment)


@app.command()
def explain(
    cell: Annotated[str, typer.Argument(help="A cell's DN, or a part of it that only it has.")],
) -> None:
    """Say what is abnormal about a cell, since when, and from which counters that follows."""
    apply_profile(PROFILE)
    from tasks.reporting.steps import explain_cell

    _say(explain_cell.fn(cell))


@app.command()
def kpi(
    name: Annotated[str, typer.Argument(help="A KPI's name, as in CATALOGUE.md.")],
    by: Annotated[Group, typer.Option(help="What to compare.")] = Group.cell,
) -> None:
    """Show a KPI: its definition, its counters, its newest day and its worst cells."""
    apply_profile(PROFILE)
    from tasks.reporting.steps import summarize_kpi

    _say(summarize_kpi.fn(name, by.value))


app.command("start")(start_flow)
app.command()(query)
app.command()(replay)
app.command()(trial)
app.command("lineage")(lineage_command.lineage)
app.command("catalogue")(lineage_command.write_catalogue)


@app.command()
def doctor(port: Port = PORT) -> None:
    """Look at everything that a run stands on, and say what would help."""
    apply_profile(PROFILE)
    from deployments.doctor import examine

    table = Table("", "what", "says", show_edge=False)
    findings = list(examine(settings(), port))
    for finding in findings:
        mark = "[green]well[/green]" if finding.is_well else "[red]ill[/red]"
        table.add_row(mark, finding.name, escape(finding.says))
    _console.print(table)
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)


app.add_typer(approvals, name="approvals")
app.add_typer(autonomy, name="autonomy")
app.add_typer(decisions, name="decisions")
app.add_typer(feedback, name="feedback")
app.add_typer(energy, name="energy")
app.add_typer(knowledge, name="knowledge")
app.add_typer(models_command.app, name="models")
app.add_typer(routes_command.app, name="routes")
app.add_typer(sample, name="sample")
app.add_typer(lineage_command.contracts, name="contracts")


def _say(text: str) -> None:
    _console.print(text, highlight=False, markup=False, soft_wrap=True)


def _prepare(port: int) -> None:
    """Load the profile, and use the local server when one is running."""
    apply_profile(PROFILE)
    from deployments.serve import api_url, is_answering

    if is_answering(api_url(port)):
        point_at_server(api_url(port))
