"""KPIs of objects by period as two sums each, which add up from part to part of a longer period.

A day of a nation is more than memory holds. Its hours are summed one after the other, an hour's
sums are a part of its day's, and only sums are kept: what was added is divided at the very end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from data_products.group_sums import Groups, grouped, numbered
from data_products.product import TIME
from semantic_layer.kpi_terms import SECONDS, home_classes, row_classes_differ
from semantic_layer.kpis import Kpi, kpi_rows, quotient, row_sums, sum_of_terms, term_integral
from semantic_layer.loading import Catalogue
from semantic_layer.periods import GRANULARITIES

_ELEMENT = "managed_element_dn"
_PERIOD = "period_start"
_COUNT = "periods_count"
_ABOVE, _BELOW = "above:", "below:"


@dataclass(frozen=True, slots=True)
class KpiShape:
    """Which KPIs of which objects are summed.

    Attributes:
        key: the column that names an object.
        kpis: of the object, in order; terms on rows of several classes give null.
        of_element: KPIs of the managed element, which each of its objects bears too.
        catalogue: where their measurements are defined.
    """

    key: str
    kpis: tuple[Kpi, ...]
    of_element: tuple[Kpi, ...]
    catalogue: Catalogue


@dataclass(frozen=True, slots=True)
class KpiSums:
    """Sums by object and period, and by managed element and period.

    Attributes:
        granularity: of the periods.
        objects: key, managed_element_dn, object_class, period_start, periods_count, sums.
        elements: managed_element_dn, period_start, sums; empty where no KPI is of the element.
    """

    granularity: str
    objects: pl.DataFrame
    elements: pl.DataFrame

    def within(self, is_wanted: pl.Expr) -> "KpiSums":
        """Return the sums of some periods; the expression is of `period_start`."""
        return KpiSums(
            self.granularity, self.objects.filter(is_wanted), self.elements.filter(is_wanted)
        )


class KpiRows:
    """Measurement rows that are summed at several granularities: what these share is found once.

    Suspect rows enter no sum, nor do those that cover more time than the granularity.

    Args:
        rows: as `pm_measurements` has them.
        shape: what is summed.
    """

    def __init__(self, rows: pl.DataFrame, shape: KpiShape) -> None:
        self._rows, self._shape = rows, shape
        self._present = frozenset(rows.columns)
        self._numbers: dict[str, pl.Series] = {}
        self._elements: dict[str, pl.DataFrame] = {}

    def summed(self, granularity: str) -> KpiSums:
        """Return the sums by object and period of `granularity`."""
        objects = self._object_sums(granularity)
        return KpiSums(granularity, objects, self._element_sums(granularity))

    def longer(self, seconds: int) -> "KpiRows":
        """Return the rows that cover more than so many seconds."""
        is_longer = pl.col(SECONDS) > seconds
        return KpiRows(self._rows.filter(is_longer), self._shape)

    def one_row_each(self, granularity: str) -> pl.DataFrame | None:
        """Return what `divided` makes of the sums, when each row is alone in its period.

        Such rows need no adding; None when some are not alone, or cover a part of their period.
        """
        rows, shape = self._rows, self._shape
        enters = self._entering(granularity) & rows[shape.key].is_not_null()
        is_part = pl.col(SECONDS) != GRANULARITIES[granularity]
        if rows.select(is_part.filter(enters).any()).item():
            return None
        period = _period(rows, granularity)
        if grouped([self._numbered(shape.key), period], enters).counts.max(initial=1) > 1:
            return None
        found = (
            kpi_rows(rows.with_columns(period).lazy(), shape.kpis, shape.catalogue)
            .select(
                shape.key, _ELEMENT, "object_class", _PERIOD,
                pl.lit(1, dtype=pl.Int32).alias(_COUNT), *(kpi.column for kpi in shape.kpis),
            )
            .collect()
        )  # fmt: skip
        if not enters.all():
            found = found.filter(enters)
        return _with_elements(found, self._element_sums(granularity), shape)

    def _object_sums(self, granularity: str) -> pl.DataFrame:
        rows, shape, period = self._rows, self._shape, _period(self._rows, granularity)
        is_in = self._entering(granularity) & rows[shape.key].is_not_null()
        groups = grouped([self._numbered(shape.key), period], is_in)
        columns = _first_of(groups, rows, period, (shape.key, _ELEMENT, "object_class"))
        columns.append(pl.Series(_COUNT, groups.counts, dtype=pl.Int64))
        for kpi in shape.kpis:
            columns += _same_row_sums(rows, groups, kpi, self._present, shape.catalogue)
        return pl.DataFrame(columns)

    def _element_sums(self, granularity: str) -> pl.DataFrame:
        """Return the sums of managed elements: of shorter periods, and of rows beyond those."""
        if not self._shape.of_element:
            return pl.DataFrame(schema={_ELEMENT: pl.String, _PERIOD: TIME})
        if granularity not in self._elements:
            names = list(GRANULARITIES)
            shorter = names[: names.index(granularity)][-1:]
            found = self.element_sums_of_rows(granularity) if not shorter else _added(
                [
                    self._element_sums(shorter[0]),
                    self.longer(GRANULARITIES[shorter[0]]).element_sums_of_rows(granularity),
                ],
                granularity,
            )  # fmt: skip
            self._elements[granularity] = found
        return self._elements[granularity]

    def element_sums_of_rows(self, granularity: str) -> pl.DataFrame:
        """Return the sums by managed element and period, added up from rows alone."""
        rows, shape, period = self._rows, self._shape, _period(self._rows, granularity)
        is_in = self._entering(granularity) & rows[_ELEMENT].is_not_null()
        groups = grouped([self._numbered(_ELEMENT), period], is_in)
        columns = _first_of(groups, rows, period, (_ELEMENT,))
        across = []
        for kpi in shape.of_element:
            if row_classes_differ(kpi, shape.catalogue):
                across.append(kpi)
            else:
                columns += _same_row_sums(rows, groups, kpi, self._present, shape.catalogue)
        if across:
            keys = [self._numbered(_ELEMENT), rows[_PERIOD], rows[SECONDS]]
            delivered = grouped(keys, is_in)
            columns += _across_sums(rows, groups, delivered, across, shape.catalogue)
        return pl.DataFrame(columns)

    def _numbered(self, name: str) -> pl.Series:
        if name not in self._numbers:
            self._numbers[name] = numbered(self._rows[name])
        return self._numbers[name]

    def _entering(self, granularity: str) -> pl.Series:
        is_short = pl.col(SECONDS) <= GRANULARITIES[granularity]
        is_sound = ~pl.col("is_suspect").fill_null(value=False)
        return self._rows.select((is_sound & is_short).fill_null(value=False)).to_series()


def kpis_of(rows: pl.DataFrame | KpiRows, granularity: str, shape: KpiShape) -> pl.DataFrame:
    """Return the KPIs of measurement rows by object and period of `granularity`."""
    told = rows if isinstance(rows, KpiRows) else KpiRows(rows, shape)
    alone = told.one_row_each(granularity)
    return divided(told.summed(granularity), shape) if alone is None else alone


def added(parts: Sequence[KpiSums], granularity: str) -> KpiSums:
    """Return the sums of parts as one, by periods of `granularity` that hold theirs whole."""
    return KpiSums(
        granularity,
        _added([part.objects for part in parts], granularity),
        _added([part.elements for part in parts], granularity),
    )


def divided(sums: KpiSums, shape: KpiShape) -> pl.DataFrame:
    """Return the KPIs: key, what `KpiSums.objects` says of it, and a column a KPI."""
    objects = sums.objects
    told = [name for name in objects.columns if not name.startswith((_ABOVE, _BELOW))]
    found = objects.select(*told, *(_divided(kpi, objects) for kpi in shape.kpis))
    found = found.with_columns(pl.col(_COUNT).cast(pl.Int32))
    return _with_elements(found, sums.elements, shape)


def _period(rows: pl.DataFrame, granularity: str) -> pl.Series:
    start = pl.col(_PERIOD).dt.truncate(f"{GRANULARITIES[granularity]}s")
    return rows.select(start.cast(TIME)).to_series()


def _first_of(
    groups: Groups, rows: pl.DataFrame, period: pl.Series, names: Sequence[str]
) -> list[pl.Series]:
    first = pl.Series(groups.first)
    return [*(rows[name].gather(first) for name in names), period.gather(first)]


def _same_row_sums(
    rows: pl.DataFrame, groups: Groups, kpi: Kpi, present: frozenset[str], catalogue: Catalogue
) -> list[pl.Series]:
    pair = row_sums(kpi, present, catalogue, integrated=True)
    if pair is None:
        return []
    is_whole = pair[0].is_not_null() & pair[1].is_not_null()
    sides = rows.select(
        pl.when(is_whole).then(side).otherwise(0.0).cast(pl.Float64).alias(name + kpi.column)
        for name, side in zip((_ABOVE, _BELOW), pair, strict=True)
    )
    return [groups.sums(side) for side in sides]


def _across_sums(
    rows: pl.DataFrame,
    groups: Groups,
    delivered: Groups,
    kpis: Sequence[Kpi],
    catalogue: Catalogue,
) -> list[pl.Series]:
    """Return sums of KPIs whose terms stand on rows of several classes; see `aggregate_kpis`.

    They are brought together within each element and delivered period, and enter when whole.
    """
    outer = Groups(groups.places[delivered.first], groups.first, groups.counts)
    found = []
    for kpi in kpis:
        told = _terms_told(rows, delivered, kpi, catalogue)
        if told is None:
            continue
        sides = told.select(
            sum_of_terms(terms, kpi, catalogue).alias(name + kpi.column)
            for name, terms in ((_ABOVE, kpi.numerator), (_BELOW, kpi.denominator))
        )
        is_whole = sides.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
        found += [outer.sums(side.set(~is_whole, None)) for side in sides]
    return found


def _terms_told(
    rows: pl.DataFrame, delivered: Groups, kpi: Kpi, catalogue: Catalogue
) -> pl.DataFrame | None:
    """Return each term's sum within a delivered period; null unless every row there tells it."""
    found = {}
    for _, name in kpi.terms:
        value = term_integral(name, frozenset(rows.columns), catalogue)
        if value is None:
            return None
        is_home = pl.col("object_class").is_in(home_classes(kpi, name, catalogue))
        parts = rows.select(
            pl.when(is_home).then(value).alias("told"),
            is_home.alias("home"),
            (is_home & value.is_null()).alias("missing"),
        )
        told, homes, missing = (delivered.sums(part) for part in parts)
        alias = f"{kpi.column}:{name}"
        found[alias] = told.set((homes == 0) | (missing > 0), None).alias(alias)
    return pl.DataFrame(found)


def _added(parts: Sequence[pl.DataFrame], granularity: str) -> pl.DataFrame:
    rows = pl.concat(parts, how="diagonal_relaxed", rechunk=True)
    summands = [name for name in rows.columns if name.startswith((_ABOVE, _BELOW, _COUNT))]
    names = [name for name in rows.columns if name not in (*summands, _PERIOD)]
    period = _period(rows, granularity)
    everywhere = pl.repeat(value=True, n=rows.height, dtype=pl.Boolean, eager=True)
    groups = grouped([numbered(rows[names[0]]), period], everywhere)
    order = _first_of(groups, rows, period, names)
    sums = {name: groups.sums(rows[name]) for name in summands}
    if _COUNT in sums:
        sums[_COUNT] = sums[_COUNT].cast(pl.Int64)
    return pl.DataFrame([*order, *sums.values()])


def _divided(kpi: Kpi, sums: pl.DataFrame) -> pl.Expr:
    above, below = _ABOVE + kpi.column, _BELOW + kpi.column
    if above not in sums.columns:
        return pl.lit(None, pl.Float64).alias(kpi.column)
    return quotient(pl.col(above), pl.col(below), kpi.factor).alias(kpi.column)


def _with_elements(found: pl.DataFrame, elements: pl.DataFrame, shape: KpiShape) -> pl.DataFrame:
    """Return objects with the KPIs of their element: joined by name alone, which copies little."""
    if not shape.of_element:
        return found
    told = elements.select(
        _ELEMENT, _PERIOD, *(_divided(kpi, elements) for kpi in shape.of_element)
    )
    by = [_ELEMENT, _PERIOD]
    joined = found.select(by).join(told, on=by, how="left", maintain_order="left")
    return found.hstack(joined.drop(by).get_columns())
