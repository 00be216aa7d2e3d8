"""The part of the catalogue's page that tells alarms, what brings them, words, and keeping."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from semantic_layer.alarms import AlarmDefinition
from semantic_layer.catalogue_type import Catalogue


def alarm_lines(catalogue: Catalogue) -> Iterator[str]:
    """Yield the alarms of each layer, and the causal rules by cause."""
    yield "\n## Alarms"
    yield (
        "\nA delivered alarm is known by its specific problem, or a text that vendors use for it; "
        "else by a probable cause that it alone has."
    )
    for layer, alarms in groupby(catalogue.alarms.values(), key=lambda item: item.layer):
        yield f"\n### {layer.capitalize()}\n"
        yield from table(
            (
                "alarm",
                "type and cause",
                "severity",
                "raised by",
                "also known as",
                "meaning",
                "source",
            ),
            [_alarm_row(item) for item in alarms],
        )
    yield "\n## What brings what"
    yield (
        "\nThe effect's object is the same as the cause's, contained in it, at its site, carried, "
        "supported, served or synchronized by it.\n"
    )
    yield from table(
        ("cause", "effect", "relation", "within", "why", "source"),
        [
            (
                f"`{rule.cause}`",
                f"`{rule.effect}`",
                rule.relation,
                _duration(rule.max_delay_s),
                rule.description,
                rule.source,
            )
            for rule in catalogue.correlation_rules.values()
        ],
    )


def wording_lines(catalogue: Catalogue) -> Iterator[str]:
    """Yield the terms of the field, and how long tables are kept."""
    yield "\n## Terms of the field\n"
    yield from table(
        ("term", "also", "means"),
        [
            (
                item.name,
                ", ".join(item.also),
                ", ".join(f"`{name}`" for name in item.means) or item.description,
            )
            for item in catalogue.synonym_terms.values()
        ],
    )
    yield "\n## Keeping"
    yield (
        "\nAges in days. The rule that names a table most closely counts. These rules change no "
        "published number and are no part of the version.\n"
    )
    yield from table(
        ("tables", "hot", "warm", "deleted at", "snapshots", "file MB", "reason"),
        [
            (
                ", ".join(f"`{name}`" for name in rule.tables),
                str(rule.hot_days),
                str(rule.warm_days),
                "never" if rule.cold_days is None else str(rule.cold_days),
                str(rule.keep_snapshots_days),
                str(rule.target_file_mb),
                rule.description,
            )
            for rule in catalogue.lifecycles.values()
        ],
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a Markdown table."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _alarm_row(item: AlarmDefinition) -> tuple[str, ...]:
    return (
        f"`{item.name}`",
        f"{item.alarm_type}, {item.probable_cause}",
        item.perceived_severity + (", felt by users" if item.is_service_affecting else ""),
        ", ".join(item.object_classes),
        "; ".join(item.also_known_as),
        item.description,
        item.source,
    )


def _duration(seconds: int) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
