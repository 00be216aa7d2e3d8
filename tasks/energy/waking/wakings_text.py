"""How late cells woke, as a person reads it: Markdown, load first, medians beside the worst."""

import polars as pl

from tasks.energy.waking.sleepers import BY_LOAD

TOLD = ("woken_at", "reason", "source", "switch_s", "delay_s")
"""What is read of `cell_wakings`."""

_WORDS = {
    "FULL": "a cell was full",
    "SLOW": "users below the floor",
    "SILENT": "a cell told nothing",
    "TROUBLED": "a finding",
    "UNPLACED": "nobody knew who carries",
    "UNFORECAST": "no load was forecast",
}
_SOURCES = {"minutes": "minutes", "quarter": "quarters"}


def wakings_text(wakings: pl.DataFrame) -> str:
    """Return how late cells woke as Markdown: a sentence on load, and a table by reason and source.

    Args:
        wakings: rows of `cell_wakings`, columns of `TOLD`.
    """
    if wakings.is_empty():
        return "No cell was woken between plans in these days.\n"
    by_load = wakings.filter(pl.col("reason").is_in(BY_LOAD))
    lines = [_sentence(wakings, by_load), ""]
    lines += ["| woken because | told by | cells | median s | worst s | of which radio s |"]
    lines += ["|---|---|--:|--:|--:|--:|"]
    groups = (
        wakings.group_by("reason", "source")
        .agg(
            pl.len().alias("cells"),
            pl.col("delay_s").median().alias("median"),
            pl.col("delay_s").max().alias("worst"),
            pl.col("switch_s").median().alias("radio"),
        )
        .sort("cells", "reason", "source", descending=[True, False, False])
    )
    for row in groups.iter_rows(named=True):
        lines.append(
            f"| {_WORDS[row['reason']]} | {_SOURCES[row['source']]} | {row['cells']} | "
            f"{row['median']:.0f} | {row['worst']:.0f} | {row['radio']:.0f} |"
        )
    return "\n".join(lines) + "\n"


def _sentence(wakings: pl.DataFrame, by_load: pl.DataFrame) -> str:
    told = f"Cells woken between plans: **{wakings.height}**, by load {by_load.height}"
    if by_load.is_empty():
        return f"{told}."
    half, worst = (by_load["delay_s"].quantile(share, "nearest") for share in (0.5, 1.0))
    fed = by_load.filter(pl.col("source") == "minutes").height
    return (
        f"{told}. Half of these were on the air {half:.0f} s after load rose above its limit, the "
        f"last after {worst:.0f} s; {fed} of {by_load.height} by load of minutes."
    )
