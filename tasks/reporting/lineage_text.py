"""Lineage, its impact and one value's files, as text for a terminal."""

from collections.abc import Iterator, Sequence

from data_products.lineage_graph import Branch
from data_products.lineage_impact import Change, Impact
from data_products.row_lineage import FileLineage, RowLineage
from tasks.reporting.wording import clean

_LEAVES = 12


def lineage_text(trees: Sequence[Branch], *, is_downstream: bool) -> str:
    """Return trees of lineage as indented lines."""
    way = "goes into" if is_downstream else "comes from"
    lines: list[str] = []
    for tree in trees:
        lines.append(f"{tree.node} {way}" if tree.branches else f"{tree.node}: nothing {way} it")
        lines += _branches(tree.branches, "")
    return "\n".join(lines)


def impact_text(change: Change, impacts: Sequence[Impact]) -> str:
    """Return whom a change reaches: what breaks, how, and by which way."""
    breaking = [impact for impact in impacts if impact.is_breaking]
    lines = [f"{clean(str(change))} reaches {len(breaking)} things."]
    for impact in impacts:
        mark = "x" if impact.is_breaking else "-"
        lines.append(f"{mark} {impact.node}: {impact.says}")
        if len(impact.path) > 1:
            lines.append("    by " + " > ".join(node.name for node in impact.path))
    return "\n".join(lines)


def row_lineage_text(found: RowLineage, unit: str) -> str:
    """Return where one value came from."""
    value = "null" if found.value is None else f"{found.value:g} {unit}"
    lines = [
        f"{found.kpi} is {value}",
        f"  published by run {found.run_id or 'unknown'}, definitions {found.catalogue_version}",
        f"  read {', '.join(found.input_snapshots) or 'nothing'}",
    ]
    for name, total, rows in found.counted:
        said = "no value" if total is None else f"sum {total:g} over {rows} rows"
        lines.append(f"  measurement {name}: {said}")
    if found.left_out:
        lines.append(f"  {found.left_out} suspect rows were left out")
    lines += [f"  {rows} rows from {clean(file)}" for file, rows in found.files]
    return "\n".join(lines)


def file_lineage_text(found: FileLineage) -> str:
    """Return what came out of a delivered file."""
    return "\n".join(
        [
            f"{clean(found.file)} gave {found.rows} rows of {found.objects} managed objects",
            f"  periods from {found.first:%Y-%m-%d %H:%M} to {found.last:%Y-%m-%d %H:%M}",
            f"  published by run {', '.join(found.run_ids)}",
            f"  {len(found.measurements)} measurements: {', '.join(found.measurements)}",
            f"  {len(found.kpis)} KPIs that they enter: {', '.join(found.kpis)}",
        ]
    )


def _branches(branches: Sequence[Branch], indent: str) -> Iterator[str]:
    shown = branches if len(branches) <= _LEAVES + 1 else branches[:_LEAVES]
    for place, branch in enumerate(shown):
        is_last = place == len(branches) - 1
        how = f" ({branch.how})" if branch.how else ""
        yield f"{indent}{'└─' if is_last else '├─'} {branch.node}{how}"
        yield from _branches(branch.branches, indent + ("   " if is_last else "│  "))
    if len(shown) < len(branches):
        yield f"{indent}└─ and {len(branches) - len(shown)} more; --json has all"
