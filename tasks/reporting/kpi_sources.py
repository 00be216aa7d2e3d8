"""Where each number comes from: a KPI with the counters behind it, as the catalogue defines them.

A plain view of definitions, so that pages need no catalogue; nothing is defined here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from semantic_layer.loading import Catalogue
from semantic_layer.measurements import OBSERVED_TIME, Measurement, signed


@dataclass(frozen=True, slots=True)
class CounterSource:
    """One counter of a KPI's sum, with its sign (+1 or -1) and where it is defined."""

    sign: int
    name: str
    column: str
    title: str
    standard_name: str
    object_class: str
    unit: str
    aggregation: str
    source: str


@dataclass(frozen=True, slots=True)
class KpiSource:
    """One KPI: what it means, and the two sums of counters it divides.

    Thresholds are (profile, warning, critical).
    """

    name: str
    column: str
    title: str
    unit: str
    better: str
    object_class: str
    category: str
    source: str
    description: str
    numerator: tuple[CounterSource, ...]
    denominator: tuple[CounterSource, ...]
    low: float | None = None
    high: float | None = None
    thresholds: tuple[tuple[str, float | None, float | None], ...] = ()

    @property
    def counters(self) -> tuple[CounterSource, ...]:
        """Every counter the KPI reads, once, in order of appearance."""
        return tuple(
            {counter.name: counter for counter in self.numerator + self.denominator}.values()
        )

    @property
    def formula(self) -> str:
        """The division in the standard's own counter names."""
        above, below = _sum_text(self.numerator), _sum_text(self.denominator)
        return f"{above} / {below}" if below else above


@dataclass(frozen=True, slots=True)
class KpiSources:
    """The KPIs of one catalogue, found by name or by column."""

    by_key: Mapping[str, KpiSource]
    catalogue_version: str

    @classmethod
    def of(cls, kpis: Iterable[KpiSource], catalogue_version: str) -> "KpiSources":
        """Index KPIs by their names and by their columns."""
        listed = tuple(kpis)
        by_column = {kpi.column: kpi for kpi in listed}
        return cls(by_column | {kpi.name: kpi for kpi in listed}, catalogue_version)

    def find(self, key: str) -> KpiSource:
        """Return the KPI of that name or column; an unknown one has no unit and no counters.

        A table may hold KPIs of an older catalogue: the page then says that nothing defines them.
        """
        known = self.by_key.get(key)
        return known or KpiSource(key, key, key, "1", "neither", "", "", "", "", (), ())

    def every(self) -> list[KpiSource]:
        """Return the KPIs, once each, sorted by category and name."""
        once = {kpi.name: kpi for kpi in self.by_key.values()}
        return sorted(once.values(), key=lambda kpi: (kpi.category, kpi.name))


def kpi_sources(catalogue: Catalogue) -> KpiSources:
    """Return the catalogue's KPIs with the counters behind them."""
    return KpiSources.of(
        (
            KpiSource(
                name=kpi.name,
                column=kpi.column,
                title=kpi.title,
                unit=str(kpi.unit),
                better=kpi.better,
                object_class=kpi.object_class,
                category=kpi.category,
                source=kpi.source,
                description=kpi.description,
                numerator=_counters(kpi.numerator, catalogue.measurements),
                denominator=_counters(kpi.denominator, catalogue.measurements),
                low=kpi.low,
                high=kpi.high,
                thresholds=tuple(
                    (profile, limits.get("warning"), limits.get("critical"))
                    for profile, limits in sorted(kpi.thresholds.items())
                ),
            )
            for kpi in catalogue.kpis.values()
        ),
        catalogue.version,
    )


def _counters(
    terms: Iterable[str], measurements: Mapping[str, Measurement]
) -> tuple[CounterSource, ...]:
    return tuple(_counter(term, measurements) for term in terms)


_OF_BINS = {None: "", "sum": "all of ", "index_sum": "index x "}
"""What is taken of a distribution's bins: as it comes, their sum, or their sum by index."""


def _counter(term: str, measurements: Mapping[str, Measurement]) -> CounterSource:
    sign, name = signed(term)
    if name == OBSERVED_TIME:
        return CounterSource(
            sign, name, "granularity_s", "Observed time", "observed time", "", "s", "sum",
            "the length of the granularity periods that delivered data",
        )  # fmt: skip
    measurement = measurements[name]
    return CounterSource(
        sign=sign,
        name=name,
        column=measurement.column,
        title=measurement.title,
        standard_name=f"{_OF_BINS[measurement.reduce]}{measurement.standard_name}",
        object_class=measurement.object_class,
        unit=str(measurement.unit),
        aggregation=measurement.aggregation,
        source=measurement.source,
    )


def _sum_text(counters: tuple[CounterSource, ...]) -> str:
    text = ""
    for counter in counters:
        joint = " \N{MINUS SIGN} " if counter.sign < 0 else " + " if text else ""
        text += f"{joint}{counter.standard_name or counter.name}"
    return f"({text.strip()})" if len(counters) > 1 else text.strip()
