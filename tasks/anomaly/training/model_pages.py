"""What `anops models` says: which models there are, where each comes from, who served when."""

from collections.abc import Mapping, Sequence

from tasks.anomaly.model_names import CHALLENGER, CHAMPION
from tasks.anomaly.training.roles import Assignment
from tasks.stored_models import ModelVersion

_NO_MODEL = "No model was registered; the `train-models` flow trains them from published KPIs."


def models_text(models: Mapping[str, Sequence[ModelVersion]]) -> str:
    """Return one line a model name: who serves, who scores beside, how precise they are."""
    if not models:
        return _NO_MODEL
    header = ("model", "versions", CHAMPION, CHALLENGER)
    rows = [
        (name, str(len(versions)), _held(versions, CHAMPION), _held(versions, CHALLENGER))
        for name, versions in models.items()
    ]
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(4)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
             for row in (header, *rows)]  # fmt: skip
    return "\n".join(line.rstrip() for line in lines)


def model_text(
    version: ModelVersion, held: Mapping[str, Sequence[Assignment]], others: Sequence[ModelVersion]
) -> str:
    """Return everything that is known of a version, and who held each role when."""
    card = version.card
    lines = [
        f"{version.name} version {version.version} of {len(others)}"
        f"{', ' + ' and '.join(version.aliases) if version.aliases else ''}",
        f"  family         {version.family}",
        f"  registered     {version.registered_at:%Y-%m-%d %H:%M} UTC",
        f"  digest         {version.digest}",
        f"  catalogue      {card.catalogue_version}",
        f"  seed           {card.seed}",
        "  why            " + (card.reason or "not told"),
        "  data",
        *(f"    {name:<20} {value}" for name, value in sorted(card.data.items())),
        "  parameters",
        *(f"    {name:<20} {value}" for name, value in sorted(card.parameters.items())),
        "  metrics",
        *(f"    {name:<44} {value:.4g}" for name, value in sorted(card.metrics.items())),
    ]
    for alias, assignments in held.items():
        lines.append(f"  who was {alias}")
        lines += [
            f"    {since:%Y-%m-%d %H:%M}  {_whom(holder)}  by {author}: {reason}"
            for holder, reason, author, since in assignments
        ] or ["    nobody yet"]
    return "\n".join(lines)


def _held(versions: Sequence[ModelVersion], alias: str) -> str:
    for version in versions:
        if alias in version.aliases:
            precision = version.card.metrics.get("average_precision")
            told = "" if precision is None else f", average precision {precision:.3f}"
            return f"{version.version} ({version.family}{told})"
    return "-"


def _whom(version: int | None) -> str:
    return "nobody" if version is None else f"version {version}"
