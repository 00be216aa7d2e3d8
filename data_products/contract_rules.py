"""A contract's quality rules and service levels, from ODCS words to `Rule`.

Known metrics: nullValues, invalidValues, duplicateValues, rowCount; and the service level
`latency`. `mustBe: 0` allows no failing row; `unit: percent` with `mustBeLessOrEqualTo` allows
a share. `severity: warning` reports without blocking.
"""

from collections.abc import Iterator, Sequence

from open_data_contract_standard.model import DataQuality, ServiceLevelAgreementProperty

from data_products.contract_source import ContractSource, Keys
from data_products.product import Column, Rule
from semantic_layer.errors import did_you_mean

_ROW_METRICS = ("nullValues", "invalidValues", "duplicateValues")
_METRICS = (*_ROW_METRICS, "rowCount")
_SEVERITIES = ("error", "warning")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def rules_of(source: ContractSource, index: int, columns: Sequence[Column]) -> Iterator[Rule]:
    """Yield the quality rules of one table, its own and its columns', reporting bad ones."""
    schema = (source.model.schema_ or [])[index]
    names = [column.name for column in columns]
    for place, quality in enumerate(schema.quality or []):
        yield from _rule(source, quality, names, (), ("schema", index, "quality", place))
    for position, item in enumerate(schema.properties or []):
        for place, quality in enumerate(item.quality or []):
            path = ("schema", index, "properties", position, "quality", place)
            yield from _rule(source, quality, names, (item.name or "",), path)


def sla_rules(source: ContractSource, table: str, names: Sequence[str]) -> Iterator[Rule]:
    """Yield the service levels of one table, reporting bad ones."""
    for place, level in enumerate(source.model.slaProperties or []):
        element = level.element or ""
        if element.partition(".")[0] == table:
            yield from _latency(source, level, names, ("slaProperties", place))


def _rule(
    source: ContractSource,
    quality: DataQuality,
    names: Sequence[str],
    columns: tuple[str, ...],
    path: Keys,
) -> Iterator[Rule]:
    metric = quality.metric or ""
    if metric not in _METRICS:
        source.report(f"No quality metric {metric!r}{did_you_mean(metric, _METRICS)}", *path)
        return
    severity = quality.severity or "error"
    if severity not in _SEVERITIES:
        source.report(f"No severity {severity!r}{did_you_mean(severity, _SEVERITIES)}", *path)
    chosen = columns or tuple((quality.arguments or {}).get("properties", ()))
    for name in chosen:
        if name not in names:
            source.report(
                f"Rule {metric} names no column {name!r}{did_you_mean(name, names)}", *path
            )
    if metric == "duplicateValues" and not chosen:
        source.report("Rule duplicateValues needs arguments: {properties: [...]}.", *path)
    low, high = _row_bounds(quality) if metric == "rowCount" else (None, None)
    yield Rule(
        metric=metric,
        columns=chosen,
        low=low,
        high=high,
        limit_share=_limit_share(source, quality, path) if metric in _ROW_METRICS else 0.0,
        is_blocking=severity == "error",
        place=source.place(*path),
    )


def _limit_share(source: ContractSource, quality: DataQuality, path: Keys) -> float:
    if quality.mustBe == 0:
        return 0.0
    limit = quality.mustBeLessOrEqualTo
    if limit is not None and quality.unit == "percent" and 0 <= limit <= 100:
        return limit / 100
    source.report(
        f"Rule {quality.metric} needs 'mustBe: 0', or 'unit: percent' with "
        "'mustBeLessOrEqualTo' between 0 and 100.",
        *path,
    )
    return 0.0


def _row_bounds(quality: DataQuality) -> tuple[float | None, float | None]:
    low: float | None = quality.mustBeGreaterOrEqualTo
    high: float | None = quality.mustBeLessOrEqualTo
    if quality.mustBeGreaterThan is not None:
        low = quality.mustBeGreaterThan + 1
    if quality.mustBeLessThan is not None:
        high = quality.mustBeLessThan - 1
    if quality.mustBeBetween:
        low, high = quality.mustBeBetween
    if quality.mustBe is not None:
        low = high = float(quality.mustBe)
    return low, high


def _latency(
    source: ContractSource,
    level: ServiceLevelAgreementProperty,
    names: Sequence[str],
    path: Keys,
) -> Iterator[Rule]:
    column = (level.element or "").partition(".")[2]
    if column not in names:
        source.report(
            f"Service level names no column {column!r}{did_you_mean(column, names)}", *path
        )
    if level.property != "latency" or level.unit not in _SECONDS:
        source.report(
            "A service level must be 'property: latency' with a unit of "
            f"{', '.join(_SECONDS)}; it is {level.property!r} in {level.unit!r}.",
            *path,
        )
        return
    seconds = float(str(level.value)) * _SECONDS[level.unit]
    yield Rule("latency", (column,), high=seconds, is_blocking=False, place=source.place(*path))
