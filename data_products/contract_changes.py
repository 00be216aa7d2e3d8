"""Two states of contracts and definitions compared: what changed, whom it breaks, what is due.

`accepted.json` holds the last accepted state. A test fails when contracts change in a way that
breaks readers without a new version and acceptance: `python -m data_products.contract_changes
--accept` accepts, once the versions are raised.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from data_products.consumption import consumers_declared
from data_products.lineage_graph import built_graph
from data_products.lineage_impact import Change, Impact, impact_of
from data_products.product import CLASSIFICATIONS, Column, Product, ProductTable
from data_products.registry import load_products, products
from semantic_layer.errors import AnopsError, DefinitionError
from semantic_layer.loading import Catalogue, catalogue, load_catalogue

ACCEPTED = Path(__file__).parent / "accepted.json"
COMMAND = "python -m data_products.contract_changes --accept"
Bump = Literal["patch", "minor", "major"]
_BUMPS: tuple[Bump, ...] = ("patch", "minor", "major")
State = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ContractChange:
    """One difference between two states.

    Attributes:
        product: whose contract changed.
        subject: the product, table, column, measurement or KPI.
        says: what is different, as a sentence.
        bump: the least rise of the contract's version that is due.
        change: the same for the lineage graph; None where nothing flows from it.
    """

    product: str
    subject: str
    says: str
    bump: Bump
    change: Change | None = None

    @property
    def is_breaking(self) -> bool:
        """Whether a reader who relied on the old state may fail."""
        return self.bump == "major"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of changes came to.

    Attributes:
        changes: every difference.
        due: product to the version that it should have at least, where that was not raised.
    """

    changes: tuple[ContractChange, ...]
    due: Mapping[str, str]

    @property
    def is_accepted(self) -> bool:
        """Whether every breaking change has the version that it needs."""
        unmet = {change.product for change in self.changes if change.is_breaking}
        return not unmet & set(self.due)

    @property
    def breaking(self) -> tuple[ContractChange, ...]:
        """The changes that may break a reader."""
        return tuple(change for change in self.changes if change.is_breaking)


def state_of(published: Mapping[str, Product], definitions: Catalogue) -> dict[str, Any]:
    """Return what readers rely on, as plain values that compare and can be kept as JSON."""
    return {
        "products": {
            name: {
                "version": product.version,
                "tables": {full: _table_state(table) for full, table in product.tables.items()},
            }
            for name, product in sorted(published.items())
        },
        "definitions": {
            **{
                f"measurement {name}": [one.unit, one.aggregation, one.shape, one.derived_from]
                for name, one in sorted(definitions.measurements.items())
            },
            **{
                f"kpi {name}": [one.unit, list(one.numerator), list(one.denominator), one.better]
                for name, one in sorted(definitions.kpis.items())
            },
        },
    }


def state_in(folder: Path) -> dict[str, Any]:
    """Return the state of a checkout (`data_products`, `semantic_layer/catalogue` below it).

    Raises:
        DefinitionError: contracts or definitions there cannot be read.
    """
    contracts, definitions = folder / "data_products", folder / "semantic_layer" / "catalogue"
    if not contracts.is_dir() or not definitions.is_dir():
        raise DefinitionError(
            f"{folder} is no checkout: it needs data_products and semantic_layer/catalogue."
        )
    known = load_catalogue(definitions)
    return state_of(load_products(contracts, known), known)


def current_state() -> dict[str, Any]:
    """Return the state of the packaged contracts and definitions."""
    return state_of(products(), catalogue())


def accepted_state(path: Path = ACCEPTED) -> dict[str, Any]:
    """Return the last accepted state; an empty one when none was accepted yet."""
    if not path.is_file():
        return {"products": {}, "definitions": {}}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def accept(path: Path = ACCEPTED) -> None:
    """Keep the packaged state as the accepted one."""
    text = json.dumps(_plain(current_state()), indent=1, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def judged(before: State, after: State) -> Verdict:
    """Return every difference, and the versions that are due because of them."""
    before, after = _plain(before), _plain(after)
    changes = tuple(contract_changes(before, after))
    due: dict[str, str] = {}
    for name, product in after["products"].items():
        if name not in before["products"]:
            continue
        bumps = [change.bump for change in changes if change.product == name]
        needed = max(bumps, key=_BUMPS.index, default=None)
        least = _raised(before["products"][name]["version"], needed)
        if _parts(product["version"]) < _parts(least):
            due[name] = least
    return Verdict(changes, due)


def contract_changes(before: State, after: State) -> Iterator[ContractChange]:
    """Yield the differences of two states, product by product."""
    for name in sorted({*before["products"], *after["products"]}):
        old, new = before["products"].get(name), after["products"].get(name)
        if new is None:
            gone = Change("removed", name)
            yield ContractChange(name, name, "is published no more", "major", gone)
        elif old is None:
            yield ContractChange(name, name, "is new", "minor")
        else:
            yield from _table_changes(name, old["tables"], new["tables"])
            yield from _definition_changes(name, new["tables"], before, after)


def told(verdict: Verdict, impacts: Mapping[ContractChange, Sequence[Impact]] | None = None) -> str:
    """Return a verdict as text: breaking changes with whom they reach, then the rest."""
    lines: list[str] = []
    ordered = sorted(verdict.changes, key=lambda one: (-_BUMPS.index(one.bump), one.subject))
    for change in ordered:
        kind = "BREAKS" if change.is_breaking else change.bump
        lines.append(f"{kind:7} {change.subject}: {change.says}")
        lines += [
            f"        {impact.node}: {impact.says}"
            for impact in (impacts or {}).get(change, ())
            if impact.is_breaking and impact.node.kind in ("kpi", "table", "consumer")
        ]
    for name, version in verdict.due.items():
        lines.append(f"DUE     {name} must become version {version} (data_products/{name})")
    if not verdict.changes:
        lines.append("Contracts and definitions are as they were accepted.")
    if verdict.due:
        lines.append(f"Raise the versions, then accept: {COMMAND}")
    return "\n".join(lines)


def reached(
    verdict: Verdict, published: Mapping[str, Product], definitions: Catalogue
) -> dict[ContractChange, list[Impact]]:
    """Return whom each breaking change reaches, by the lineage of the state before it.

    A thing that the given state does not know any more is left out: its name says enough.
    """
    graph = built_graph(published, definitions, consumers_declared())
    found: dict[ContractChange, list[Impact]] = {}
    for change in verdict.changes:
        if change.change is not None and change.is_breaking:
            try:
                found[change] = impact_of(change.change, graph, definitions, published)
            except AnopsError:
                continue
    return found


def _table_state(table: ProductTable) -> dict[str, Any]:
    return {
        "key": list(table.key),
        "time": table.time_column,
        "scope": list(table.scope),
        "columns": {column.name: _column_state(column) for column in table.columns},
    }


def _column_state(column: Column) -> list[Any]:
    return [
        str(column.dtype),
        column.is_required,
        column.definition,
        column.low,
        column.high,
        list(column.allowed),
        column.pattern,
        column.classification,
    ]


def _table_changes(product: str, old: State, new: State) -> Iterator[ContractChange]:
    for name in sorted({*old, *new}):
        if name not in new:
            change = Change("removed", name)
            yield ContractChange(product, name, "is published no more", "major", change)
        elif name not in old:
            yield ContractChange(product, name, "is new", "minor")
        else:
            for part in ("key", "time", "scope"):
                if old[name][part] != new[name][part]:
                    says = f"{part} was {old[name][part]}, is {new[name][part]}"
                    change = Change("changed", name)
                    yield ContractChange(product, name, says, "major", change)
            yield from _column_changes(product, name, old[name]["columns"], new[name]["columns"])


def _column_changes(product: str, table: str, old: State, new: State) -> Iterator[ContractChange]:
    for name in sorted({*old, *new}):
        subject = f"{table}.{name}"
        if name not in new:
            change = Change("removed", subject)
            yield ContractChange(product, subject, "is dropped", "major", change)
        elif name not in old:
            is_required = new[name][1]
            says = "is new and required" if is_required else "is new"
            yield ContractChange(product, subject, says, "minor")
        elif old[name] != new[name]:
            yield from _value_changes(product, subject, old[name], new[name])


def _value_changes(
    product: str, subject: str, old: Sequence[Any], new: Sequence[Any]
) -> Iterator[ContractChange]:
    """Yield how one column changed: readers rely on its type, its presence and its bounds."""
    changed = Change("changed", subject)
    if old[0] != new[0]:
        yield ContractChange(product, subject, f"was {old[0]}, is {new[0]}", "major", changed)
    if old[1] and not new[1]:
        yield ContractChange(product, subject, "may be null now", "major", changed)
    elif new[1] and not old[1]:
        yield ContractChange(product, subject, "is required now", "minor")
    if old[2] != new[2]:
        says = f"is defined by {new[2] or 'nothing'}, not by {old[2] or 'nothing'}"
        yield ContractChange(product, subject, says, "major", changed)
    yield from _promise_changes(product, subject, old, new)


def _promise_changes(
    product: str, subject: str, old: Sequence[Any], new: Sequence[Any]
) -> Iterator[ContractChange]:
    """Yield how the values that a column may hold, and who may see them, changed."""
    if (old[3], old[4]) != (new[3], new[4]):
        says = f"bounds were {_bounds(old)}, are {_bounds(new)}"
        yield ContractChange(product, subject, says, "major" if _tightened(old, new) else "minor")
    if old[5] != new[5]:
        lost = [value for value in old[5] if value not in new[5]]
        is_tightened = bool(new[5]) and (bool(lost) or not old[5])
        says = f"values were {old[5] or 'any'}, are {new[5] or 'any'}"
        yield ContractChange(product, subject, says, "major" if is_tightened else "minor")
    if old[6] != new[6]:
        bump: Bump = "major" if new[6] else "minor"
        yield ContractChange(product, subject, f"pattern was {old[6]!r}, is {new[6]!r}", bump)
    if old[7] != new[7]:
        is_closed = CLASSIFICATIONS.index(new[7]) > CLASSIFICATIONS.index(old[7])
        says = f"was {old[7]}, is {new[7]}"
        yield ContractChange(product, subject, says, "major" if is_closed else "minor")


def _definition_changes(
    product: str, tables: State, before: State, after: State
) -> Iterator[ContractChange]:
    """Yield definitions that changed their meaning behind a column that kept its name."""
    for definition in sorted(_definitions_of(tables)):
        kind, _, name = definition.partition(" ")
        old = before["definitions"].get(definition)
        new = after["definitions"].get(definition)
        if old is not None and new is not None and old != new:
            words = {"kpi": ("unit", "numerator", "denominator", "better")}.get(
                kind, ("unit", "aggregation", "shape", "vector")
            )
            said = [
                f"{word} was {was}, is {now}"
                for word, was, now in zip(words, old, new, strict=True)
                if was != now
            ]
            change = Change("changed", name)
            yield ContractChange(product, definition, "; ".join(said), "major", change)


def _definitions_of(tables: State) -> set[str]:
    pages = {column[2] for table in tables.values() for column in table["columns"].values()}
    return {
        f"{page.split('/')[-2]} {page.split('/')[-1]}" for page in pages if page.count("/") >= 2
    }


def _tightened(old: Sequence[Any], new: Sequence[Any]) -> bool:
    low_rose = new[3] is not None and (old[3] is None or new[3] > old[3])
    high_fell = new[4] is not None and (old[4] is None or new[4] < old[4])
    return low_rose or high_fell


def _bounds(column: Sequence[Any]) -> str:
    low, high = column[3], column[4]
    return f"{'-' if low is None else low} to {'-' if high is None else high}"


def _raised(version: str, bump: Bump | None) -> str:
    major, minor, patch = _parts(version)
    if bump == "major":
        return f"{major + 1}.0.0"
    return f"{major}.{minor + 1}.0" if bump == "minor" else f"{major}.{minor}.{patch}"


def _parts(version: str) -> tuple[int, int, int]:
    numbers = [int(part) if part.isdigit() else 0 for part in version.split(".")[:3]]
    return (*numbers, 0, 0, 0)[:3]  # type: ignore[return-value]


def _plain(state: State) -> dict[str, Any]:
    """Return a state as JSON would give it back."""
    found: dict[str, Any] = json.loads(json.dumps(state))
    return found


def main(arguments: Sequence[str]) -> int:
    """Check the packaged state against the accepted one; with `--accept`, accept it."""
    verdict = judged(accepted_state(), current_state())
    sys.stdout.write(told(verdict, reached(verdict, products(), catalogue())) + "\n")
    if "--accept" in arguments and verdict.is_accepted:
        accept()
        sys.stdout.write(f"Accepted in {ACCEPTED.name}.\n")
    return 0 if verdict.is_accepted else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
