"""Rules that rules of keeping must keep: no table is named twice alike, and none is left out."""

from collections.abc import Iterator

from semantic_layer.draft import Draft
from semantic_layer.yaml_source import Entry, Problem

_REST = "*"


def check_lifecycle_tables(draft: Draft) -> Iterator[Problem]:
    """A pattern stands once a file, names something, and some rule takes the rest.

    A network's own file may repeat a pattern of the packaged one: then its rule counts.
    """
    seen: dict[tuple[str, str], Entry] = {}
    for item, entry in draft.lifecycles.values():
        for pattern in item.tables:
            if not pattern.strip():
                yield entry.problem(
                    f"Rule {item.name!r} names a table without a name.",
                    "Leave it out.",
                    key="tables",
                )
            first = seen.setdefault((entry.file, pattern), entry)
            if first is not entry:
                yield entry.problem(
                    f"Tables {pattern!r} of rule {item.name!r} are already kept by "
                    f"{first.name!r} ({first.file}, line {first.line}).",
                    "Keep one.",
                    key="tables",
                )
    if seen and _REST not in {pattern for _, pattern in seen}:
        _, entry = next(iter(draft.lifecycles.values()))
        yield entry.problem(
            "No rule of keeping takes the tables that no other names.",
            f"Give one rule the pattern {_REST!r}.",
            key="tables",
        )
