"""Tools of changes that nobody has made: what one would do, as the twin computes it."""

from semantic_layer.errors import InputError, TransientError
from tasks.agents.toolbox.arguments import OfChange
from tasks.agents.toolbox.sources import ToolSources, failed
from tasks.agents.toolbox.values import told_row
from tasks.agents.tools import ToolFailedError, ToolResult
from tasks.messages.change_sets import ChangeSet


def simulate_change(sources: ToolSources, asked: OfChange) -> ToolResult:
    """Return what a change would do to cells; nothing is written anywhere."""
    if sources.what_if is None:
        raise ToolFailedError(
            f"The change of {len(asked.operations)} operations cannot be simulated: no twin stands "
            "beside this network."
        )
    try:
        change = ChangeSet.from_json(asked.operations)
        rows = sources.what_if(change, sources.window)
    except (InputError, TransientError) as error:
        raise failed("The simulation of a change", sources.window, str(error)) from error
    return ToolResult(
        tuple(told_row(**row) for row in rows),
        f"What {len(change.operations)} operations would do to {len(rows)} cells, simulated.",
        (f"twin#{change.digest[:16]}",),
    )
