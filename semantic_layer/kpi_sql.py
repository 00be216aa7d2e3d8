"""KPIs compiled to SQL, equal to `aggregate_kpis`: sums added over a group's rows, then divided.

Text only: which engine runs it, and where its rows lie, is the caller's. One scan, no join: sums
of rows are added within each group; where a KPI's measurements stand on rows of several classes,
all sums are first added within each managed element and period, then again within the group.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from semantic_layer.errors import InputError
from semantic_layer.kpi_sql_text import (
    Dialect,
    as_double,
    identifier,
    null_double,
    number,
    texts,
)
from semantic_layer.kpi_terms import (
    SECONDS,
    home_classes,
    is_gauge,
    row_classes_differ,
    weighted_terms,
)
from semantic_layer.kpis import Kpi
from semantic_layer.loading import Catalogue
from semantic_layer.measurements import OBSERVED_TIME

_PLACES = ("managed_element_dn", "period_start", SECONDS, "object_class")
_ROWS = "rows entered"


@dataclass(frozen=True, slots=True)
class SqlRows:
    """Rows as `pm_measurements` has them, as an engine finds them.

    Attributes:
        relation: what to read from, as SQL that code made: a quoted table, or a sub-query in
            parentheses with an alias.
        columns: of the relation.
        dialect: whose SQL.
        where: a condition on rows, as SQL that code made; None takes all.
    """

    relation: str
    columns: Collection[str]
    dialect: Dialect
    where: str | None = None


@dataclass(frozen=True, slots=True)
class _Compiler:
    """What every part of a query needs to know."""

    catalogue: Catalogue
    present: frozenset[str]
    dialect: Dialect

    def name(self, column: str) -> str:
        return identifier(column, self.dialect)

    def integral(self, name: str) -> str | None:
        """Return what a row adds to a sum of a measurement; None when no column tells it."""
        if name == OBSERVED_TIME:
            return as_double(self.name(SECONDS), self.dialect) if SECONDS in self.present else None
        measurement = self.catalogue.measurement(name)
        if measurement.column not in self.present:
            return None
        value = self.name(measurement.column)
        return f"{value} * {self.name(SECONDS)}" if is_gauge(name, self.catalogue) else value

    def added(self, terms: Sequence[str], value: Callable[[str], str | None]) -> str | None:
        """Return a sum of weighted terms; None when one of them cannot be told."""
        total = ""
        for weight, name in weighted_terms(terms, self.catalogue):
            part = value(name)
            if part is None:
                return None
            scaled = f"({part})" if abs(weight) == 1.0 else f"({part}) * {number(abs(weight))}"
            sign = "-" if weight < 0 else "+" if total else ""
            total = f"{total} {sign} {scaled}".strip()
        return total


def aggregate_sql(
    rows: SqlRows,
    kpis: Sequence[Kpi],
    by: Sequence[str],
    catalogue: Catalogue,
    *,
    rows_column: str | None = None,
) -> str:
    """Return a SELECT of one row a group: the columns of `by`, then one a KPI.

    It says what `aggregate_kpis` says: a row with a null in any part of a KPI enters neither of
    its sums, a gauge weighs by its seconds, a zero denominator gives null, nulls in `by` make a
    group. A KPI whose columns are absent is null.

    Args:
        rows: what to read.
        kpis: the definitions to compute.
        by: columns that name a group; at least one.
        catalogue: where the KPIs' measurements are defined.
        rows_column: name of a column that counts each group's rows; none by default.

    Raises:
        InputError: columns that place a row are missing, or nothing names a group.
    """
    made = _Compiler(catalogue, frozenset(rows.columns), rows.dialect)
    has_across = any(row_classes_differ(kpi, catalogue) for kpi in kpis)
    if not by:
        raise InputError("KPIs are added up by at least one column; none was named.")
    _require(made.present, [*by, *(_PLACES if has_across else ())])
    source = f"{rows.relation} WHERE {rows.where}" if rows.where else rows.relation
    if has_across:
        sums = _across(made, kpis, by, source)
    else:
        sums = _grouped(by, _plain_sums(made, kpis), source, made)
    named = [made.name(column) for column in by]
    if rows_column:
        named.append(f"CAST({made.name(_ROWS)} AS BIGINT) AS {made.name(rows_column)}")
    values = [f"{_quotient(made, kpi)} AS {made.name(kpi.column)}" for kpi in kpis]
    chosen = ", ".join([*named, *values])
    return f"SELECT {chosen} FROM ({sums}) AS {made.name('sums')}"  # noqa: S608  (quoted above)


def _plain_sums(made: _Compiler, kpis: Sequence[Kpi]) -> dict[str, str]:
    """Return the sums of KPIs whose parts stand in one row, by alias."""
    found = {_ROWS: "count(*)"}
    for kpi in kpis:
        above = made.added(kpi.numerator, made.integral)
        below = made.added(kpi.denominator, made.integral)
        found |= _sums_of_whole(made, kpi, above, below)
    return found


def _sums_of_whole(
    made: _Compiler, kpi: Kpi, above: str | None, below: str | None
) -> dict[str, str]:
    """Return both sums over what has both parts; nulls where a part cannot be told."""
    if above is None or below is None:
        nothing = null_double(made.dialect)
        return {_above(kpi): f"any_value({nothing})", _below(kpi): f"any_value({nothing})"}
    is_whole = f"({above}) IS NOT NULL AND ({below}) IS NOT NULL"
    return {
        _above(kpi): f"sum(CASE WHEN {is_whole} THEN {above} END)",
        _below(kpi): f"sum(CASE WHEN {is_whole} THEN {below} END)",
    }


def _across(made: _Compiler, kpis: Sequence[Kpi], by: Sequence[str], source: str) -> str:
    """Return sums within elements and periods, added up again within groups."""
    across = [kpi for kpi in kpis if row_classes_differ(kpi, made.catalogue)]
    same_row = [kpi for kpi in kpis if not row_classes_differ(kpi, made.catalogue)]
    keys = dict.fromkeys([*by, *_PLACES[:3]])
    plain = _plain_sums(made, same_row)
    inner = {_inner(alias): expression for alias, expression in plain.items()}
    for kpi in across:
        inner |= _parts(made, kpi)
    periods = _grouped(list(keys), inner, source, made)
    outer = {alias: f"sum({made.name(_inner(alias))})" for alias in plain}
    for kpi in across:

        def part(name: str, kpi: Kpi = kpi) -> str:
            return made.name(_part(kpi, name))

        above, below = made.added(kpi.numerator, part), made.added(kpi.denominator, part)
        outer |= _sums_of_whole(made, kpi, above, below)
    return _grouped(by, outer, f"({periods}) AS {made.name('periods')}", made)


def _parts(made: _Compiler, kpi: Kpi) -> dict[str, str]:
    """Return each term's sum over the rows of its class; null when one of them lacks it."""
    found = {}
    for _, name in kpi.terms:
        value = made.integral(name)
        if value is None:
            found[_part(kpi, name)] = f"any_value({null_double(made.dialect)})"
            continue
        classes = texts(home_classes(kpi, name, made.catalogue), made.dialect)
        home = f"{made.name('object_class')} IN {classes}"
        told = f"CASE WHEN {home} THEN {value} END"
        found[_part(kpi, name)] = (
            f"CASE WHEN count(CASE WHEN {home} THEN 1 END) = count({told}) THEN sum({told}) END"
        )
    return found


def _grouped(by: Sequence[str], sums: dict[str, str], source: str, made: _Compiler) -> str:
    keys = [made.name(column) for column in by]
    values = [f"{expression} AS {made.name(alias)}" for alias, expression in sums.items()]
    return f"SELECT {', '.join([*keys, *values])} FROM {source} GROUP BY {', '.join(keys)}"  # noqa: S608


def _quotient(made: _Compiler, kpi: Kpi) -> str:
    above = made.name(_above(kpi))
    scaled = above if kpi.factor == 1.0 else f"{above} * {number(kpi.factor)}"
    return f"{scaled} / nullif({made.name(_below(kpi))}, 0)"


def _above(kpi: Kpi) -> str:
    return f"above:{kpi.column}"


def _below(kpi: Kpi) -> str:
    return f"below:{kpi.column}"


def _inner(alias: str) -> str:
    """Return a sum's alias within a period: ClickHouse confuses columns and aliases of one name."""
    return f"period {alias}"


def _part(kpi: Kpi, name: str) -> str:
    return f"{kpi.column}:{name}"


def _require(present: frozenset[str], needed: Sequence[str]) -> None:
    missing = [name for name in dict.fromkeys(needed) if name not in present]
    if missing:
        raise InputError(
            f"KPIs cannot be added up without the columns {', '.join(missing)}; "
            f"the relation has {', '.join(sorted(present))}."
        )
