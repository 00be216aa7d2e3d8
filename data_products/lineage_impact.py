"""What a change breaks: who loses a column, whose values are scaled, who learns anew, and why.

A change of one definition, column or product is followed through the lineage graph. Factors are
worked out from the units, numerator against denominator, so that a change that cancels is told as
one that cancels.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from typing import Literal

from data_products.lineage_graph import STANDARD, LineageGraph, Node
from data_products.product import Product
from semantic_layer.errors import InputError
from semantic_layer.kpis import Kpi
from semantic_layer.loading import Catalogue
from semantic_layer.measurements import signed
from semantic_layer.units import parse_unit

ChangeKind = Literal["removed", "unit", "renamed", "changed"]
Effect = Literal["missing", "null", "scaled", "distorted", "changed", "renamed", "unchanged"]
_HARMLESS = ("unchanged",)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one thing.

    Attributes:
        kind: `removed` (or dropped), `unit`, `renamed`, or `changed` (its formula or meaning).
        name: of the KPI, measurement, counter, column, table or product.
        to: the new unit or name.
    """

    kind: ChangeKind
    name: str
    to: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.kind}" + (f" to {self.to}" if self.to else "")


@dataclass(frozen=True, slots=True)
class Impact:
    """What a change does to one thing.

    Attributes:
        node: what is reached.
        effect: what happens to it.
        says: the same as a sentence.
        factor: for `scaled`: what its values are multiplied by.
        path: the way from the change to it.
    """

    node: Node
    effect: Effect
    says: str
    factor: float = 1.0
    path: tuple[Node, ...] = ()

    @property
    def is_breaking(self) -> bool:
        """Whether somebody has to act."""
        return self.effect not in _HARMLESS


@dataclass(frozen=True, slots=True)
class _Told:
    effect: Effect
    says: str
    factor: float = 1.0


def impact_of(
    change: Change, graph: LineageGraph, definitions: Catalogue, published: Mapping[str, Product]
) -> list[Impact]:
    """Return everything that a change reaches, nearest first.

    Args:
        change: what would change.
        graph: the lineage as it stands before the change.
        definitions: the catalogue before the change.
        published: the products before the change.

    Raises:
        UnknownNameError: nothing has the name.
        InputError: such a change cannot happen to such a thing, or the unit is unknown.
    """
    starts = graph.find(change.name)
    told = _Followed(graph, definitions, published)
    for start in starts:
        told.begin(change, start)
    if starts[0].kind == "product":
        starts += tuple(node for node in graph.fed_by(starts[0]) if node.kind == "table")
    found = [
        Impact(node, each.effect, each.says, each.factor, told.path(starts, node))
        for node, each in told.effects.items()
    ]
    return sorted(found, key=lambda one: (len(one.path), one.node))


class _Followed:
    """The effects found so far, in the order in which values flow."""

    def __init__(
        self, graph: LineageGraph, definitions: Catalogue, published: Mapping[str, Product]
    ) -> None:
        self._graph = graph
        self._definitions = definitions
        self._keys = {
            f"{table.name}.{name}": table.name
            for product in published.values()
            for table in product.tables.values()
            for name in (*table.key, table.time_column, *table.scope)
        }
        self.effects: dict[Node, _Told] = {}

    def begin(self, change: Change, start: Node) -> None:
        begun = {
            "counter": self._of_counter,
            "measurement": self._of_measurement,
            "kpi": self._of_kpi,
            "column": self._of_column,
            "table": self._of_table,
            "product": self._of_table,
        }.get(start.kind)
        if begun is None:
            raise InputError(
                f"{start} has no changes of its own; name a counter, measurement, KPI, column, "
                "table or product."
            )
        begun(change, start)
        self._through_measurements()
        self._through_kpis()
        self._through_the_rest()

    def path(self, starts: Sequence[Node], end: Node) -> tuple[Node, ...]:
        ways = [way for start in starts if (way := self._graph.path(start, end))]
        return min(ways, key=len, default=(end,))

    def _of_counter(self, change: Change, start: Node) -> None:
        source, _, name = start.name.partition("/")
        for measurement, unit, is_alone, is_divisor in self._read_from(source, name):
            node = Node("measurement", measurement)
            where = "standard files" if source == STANDARD else f"{source} files"
            if change.kind in ("removed", "renamed"):
                self.effects[node] = _Told("null", f"null where {where} deliver it")
                continue
            if change.kind == "changed":
                self.effects[node] = _Told("changed", f"means something else from {where}")
                continue
            factor = parse_unit(unit).factor_to(parse_unit(change.to))
            factor = 1 / factor if is_divisor else factor
            self.effects[node] = (
                _scaled(factor, f" from {where}: counted in {change.to}, read as {unit}")
                if is_alone or is_divisor
                else _Told("distorted", f"one of its counters is {factor:g} times as large")
            )

    def _read_from(self, source: str, name: str) -> Iterator[tuple[str, str, bool, bool]]:
        """Yield measurement, unit, whether the counter is its only one, and whether it divides."""
        if source != STANDARD:
            for mapping in self._definitions.vendor_maps[source].mappings:
                if name in mapping.reads:
                    is_alone = len(mapping.counters) == 1
                    yield mapping.measurement, mapping.unit, is_alone, name == mapping.divided_by
            return
        for measurement in self._definitions.measurements.values():
            known = (measurement.standard_name, *measurement.aliases)
            if measurement.derived_from is None and name in known:
                yield measurement.name, measurement.unit, True, False

    def _of_measurement(self, change: Change, start: Node) -> None:
        measurement = self._definitions.measurements[start.name]
        if change.kind == "unit":
            same = measurement.model_copy(update={"unit": change.to})
            parse_unit(measurement.unit).factor_to(parse_unit(change.to))
            new = parse_unit(change.to).column(same.name)
            self.effects[start] = _renamed(measurement.column, new)
        elif change.kind == "renamed":
            new = measurement.parsed_unit.column(change.to)
            self.effects[start] = _renamed(measurement.column, new)
        elif change.kind == "removed":
            self.effects[start] = _Told("missing", "is defined no more; files' values go unread")
        else:
            self.effects[start] = _Told("changed", "values before and after do not compare")

    def _of_kpi(self, change: Change, start: Node) -> None:
        kpi = self._definitions.kpis[start.name]
        if change.kind == "unit":
            parse_unit(kpi.unit).factor_to(parse_unit(change.to))
            self.effects[start] = _renamed(kpi.column, parse_unit(change.to).column(kpi.name))
        elif change.kind == "renamed":
            self.effects[start] = _renamed(kpi.column, kpi.parsed_unit.column(change.to))
        elif change.kind == "removed":
            self.effects[start] = _Told("missing", "is defined no more")
        else:
            self.effects[start] = _Told("changed", "values before and after do not compare")

    def _of_column(self, change: Change, start: Node) -> None:
        table = self._keys.get(start.name)
        if change.kind in ("removed", "renamed"):
            self.effects[start] = _Told("missing", "is not in its table any more")
            if table is not None:
                says = f"names or places its rows by {start.name}: nothing can be published"
                self.effects[Node("table", table)] = _Told("missing", says)
        elif change.kind == "unit":
            self.effects[start] = _Told(
                "changed", f"holds values in {change.to} under its old name"
            )
        else:
            self.effects[start] = _Told("changed", "values before and after do not compare")

    def _of_table(self, change: Change, start: Node) -> None:
        if change.kind == "unit":
            raise InputError(f"{start} has no unit; name a column of it.")
        effect: Effect = "changed" if change.kind == "changed" else "missing"
        says = "is published otherwise" if effect == "changed" else "is published no more"
        tables = [start]
        if start.kind == "product":
            tables += [node for node in self._graph.fed_by(start) if node.kind == "table"]
        for node in tables:
            self.effects[node] = _Told(effect, says)

    def _through_measurements(self) -> None:
        """A derived measurement shares its vector's fate: both reductions are linear."""
        for measurement in self._definitions.measurements.values():
            vector = self.effects.get(Node("measurement", measurement.derived_from or ""))
            node = Node("measurement", measurement.name)
            if vector is not None and node not in self.effects:
                lost = vector.effect in ("missing", "renamed")
                says = "its vector is gone: null" if lost else f"its vector {vector.says}"
                self.effects[node] = _Told("null", says) if lost else vector

    def _through_kpis(self) -> None:
        for kpi in self._definitions.kpis.values():
            node = Node("kpi", kpi.name)
            hit = [name for _, name in kpi.terms if Node("measurement", name) in self.effects]
            if hit and node not in self.effects:
                self.effects[node] = self._kpi_effect(kpi, hit)

    def _kpi_effect(self, kpi: Kpi, hit: Sequence[str]) -> _Told:
        effects = {name: self.effects[Node("measurement", name)] for name in hit}
        for effect, says in _KPI_SAYS.items():
            names = [name for name, told in effects.items() if told.effect == effect]
            if names:
                kept: Effect = "null" if effect in ("missing", "null", "renamed") else effect
                return _Told(kept, says.format(", ".join(names)))
        above, below = (
            self._sum_factor(terms, effects) for terms in (kpi.numerator, kpi.denominator)
        )
        if above is None or below is None:
            return _Told("distorted", "a part of a sum is scaled and the rest of it is not")
        factor = above / below
        if isclose(factor, 1.0):
            return _Told("unchanged", "numerator and denominator are scaled alike: it cancels")
        return _scaled(factor, _beyond(kpi, factor))

    def _sum_factor(self, terms: Sequence[str], effects: Mapping[str, _Told]) -> float | None:
        names = [signed(term)[1] for term in terms]
        factors = {effects[name].factor if name in effects else 1.0 for name in names}
        return factors.pop() if len(factors) == 1 else None

    def _through_the_rest(self) -> None:
        """Columns, tables and readers: each takes the gravest of what feeds it."""
        waiting = list(self.effects)
        while waiting:
            here = waiting.pop(0)
            told = self.effects[here]
            if told.effect == "unchanged":
                continue
            for there in sorted(self._graph.graph[here]):
                if there not in self.effects and there.kind not in ("kpi", "measurement"):
                    self.effects[there] = self._passed_on(here, told, there)
                    waiting.append(there)

    def _passed_on(self, here: Node, told: _Told, there: Node) -> _Told:
        if there.kind == "column":
            if here.kind in ("kpi", "measurement"):
                return _of_own_column(told, there)
            of_kpi = told.effect in ("missing", "renamed", "null")
            effect: Effect = "null" if of_kpi else told.effect
            return _Told(effect, f"as {here.name}: {told.says.rpartition(': ')[2]}", told.factor)
        if there.kind == "consumer":
            return self._read_by(here, told, there)
        if told.effect == "missing" and here.kind == "table":
            return _Told("missing", f"gets no new rows: its input {here.name} is gone")
        return _Told("changed", f"follows from {here.name}, which is reached")

    def _read_by(self, here: Node, told: _Told, there: Node) -> _Told:
        if told.effect == "null":
            return _Told("null", f"sees no value of {here.name}: no data is no evidence")
        if told.effect in ("missing", "renamed"):
            return _Told("missing", f"finds no {here.name}")
        rules = self._definitions.detection
        if rules is not None and "detector" in there.name:
            says = (
                f"{here.name} leaves its learned range: cells look abnormal until "
                f"{rules.training_days} days of new values are learned"
            )
            return _Told(told.effect, says, told.factor)
        return _Told(told.effect, f"shows {here.name}: {told.says}", told.factor)


_KPI_SAYS: Mapping[Effect, str] = {
    "missing": "cannot be computed without {0}",
    "renamed": "null over rows stored before: {0} stands there under its old column",
    "null": "null where {0} is null",
    "changed": "means something else, as {0} does",
    "distorted": "distorted by {0}",
}


def _of_own_column(told: _Told, there: Node) -> _Told:
    if told.effect in ("missing", "renamed"):
        return _Told("missing", f"is not in {there.name.rpartition('.')[0]} any more: {told.says}")
    return told


def _scaled(factor: float, says: str) -> _Told:
    if isclose(factor, 1.0):
        return _Told("unchanged", "the same unit by another name")
    return _Told("scaled", f"is {factor:g} times as large{says}", factor)


def _renamed(old: str, new: str) -> _Told:
    if old == new:
        return _Told("unchanged", "its column keeps its name")
    return _Told("renamed", f"column {old} becomes {new}; rows stored before keep {old}")


def _beyond(kpi: Kpi, factor: float) -> str:
    if factor > 1 and kpi.high is not None:
        return f"; values above {kpi.high:g} are quarantined"
    if factor < 1 and kpi.low:
        return f"; values below {kpi.low:g} are quarantined"
    return ""


def parsed_change(name: str, text: str) -> Change:
    """Return the change that `text` says: `removed`, `changed`, `unit=kbit`, `renamed=new_name`.

    Raises:
        InputError: it says none of these.
    """
    kind, _, to = text.partition("=")
    if kind in ("removed", "dropped"):
        return Change("removed", name)
    if kind == "changed":
        return Change("changed", name)
    if kind == "unit" and to:
        return Change("unit", name, to.strip())
    if kind == "renamed" and to:
        return Change("renamed", name, to.strip())
    raise InputError(f"No change {text!r}; say removed, changed, unit=kbit or renamed=new_name.")
