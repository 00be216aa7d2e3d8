"""Great Expectations' verdicts on metrics that Polars measured, beside its own pandas engine.

One 15-minute period of 100,000 cells, and a day of them (9.6 million rows), with planted
failures; the same 120 checks both ways; both must give the same verdicts. The pandas engine gets
its numpy-backed frame for nothing: its conversion is not counted. A day would need 12 GB in the
pandas engine, so that side runs on 6 and on 24 of its 96 periods; the line through both, which
keeps fixed costs fixed, gives the day.
"""

import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import process_time

import numpy as np
import polars as pl

from data_products.checks import Check, compiled_checks
from data_products.measuring import measure
from data_products.registry import table
from semantic_layer.periods import Window

CELLS = 100_000
PERIODS = 96
CHECKS = 120
PARTS = (6, 24)
START = datetime(2026, 3, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def main() -> None:
    """Print CPU seconds of both ways, for a period and for a day, and their ratios."""
    from tasks.adapters.great_expectations_validator import GreatExpectationsValidator

    validator = GreatExpectationsValidator()
    period = measured_period()
    checks = chosen_checks(period)
    window = Window(START, START + QUARTER)
    validator.judge(checks, measure(period, checks, window))  # imports and caches: not counted

    def ours(rows: pl.DataFrame, window: Window) -> dict[str, bool]:
        verdicts = validator.judge(checks, measure(rows, checks, window))
        return {verdict.check_id: verdict.is_passed for verdict in verdicts}

    bare = cpu(lambda: measure(period, checks, window))[0]
    fast, found = cpu(lambda: ours(period, window))
    plain, expected = cpu_of_pandas_engine(period, checks, window)
    counted, _ = cpu_of_pandas_engine(period, checks, window, "SUMMARY")
    compare(found, expected)
    failing = sum(not passed for passed in found.values())
    print(f"bench validation: {len(checks)} checks, {failing} fail, same verdicts both ways")
    told("period", bare, fast, plain, counted)

    day, window = a_day(period, PERIODS), Window(START, START + PERIODS * QUARTER)
    bare = cpu(lambda: measure(day, checks, window))[0]
    fast, found = cpu(lambda: ours(day, window))
    compare(found, expected)
    told(
        "day",
        bare,
        fast,
        on_a_day(period, checks, expected, "BOOLEAN_ONLY"),
        on_a_day(period, checks, expected, "SUMMARY"),
    )


def told(span: str, bare: float, fast: float, plain: float, counted: float) -> None:
    """Print the figures of one span."""
    lead = f"bench validation: {span},"
    print(f"{lead} bare Polars {bare:.3f} CPU-s")
    print(f"{lead} with Great Expectations' verdicts {fast:.3f} CPU-s (ratio {fast / bare:.2f})")
    print(f"{lead} its pandas engine, verdicts only {plain:.2f} CPU-s (ratio {fast / plain:.3f})")
    print(
        f"{lead} its pandas engine, with the counts that ours tells {counted:.2f} CPU-s "
        f"(ratio {fast / counted:.3f})"
    )


def on_a_day(
    period: pl.DataFrame, checks: list[Check], expected: dict[str, bool], result_format: str
) -> float:
    """Return the pandas engine's CPU seconds for a day, from two parts of it."""
    spent = []
    for periods in PARTS:
        part = Window(START, START + periods * QUARTER)
        one, found = cpu_of_pandas_engine(a_day(period, periods), checks, part, result_format)
        compare(found, expected)
        spent.append(one)
    few, many = PARTS
    return spent[1] + (PERIODS - many) * (spent[1] - spent[0]) / (many - few)


def measured_period() -> pl.DataFrame:
    """Return one period of `pm_measurements` with failures below and above their limits."""
    shape = table("pm_measurements")
    random = np.random.default_rng(7)
    rows = pl.DataFrame(
        {"managed_object_dn": [f"SubNetwork=1,ManagedElement={n},NRCellDU=1" for n in range(CELLS)]}
    ).with_columns(
        pl.col("managed_object_dn").alias("cell_dn"),
        pl.lit("NRCellDU").alias("object_class"),
        pl.lit(START, dtype=pl.Datetime("us", "UTC")).alias("period_start"),
        pl.lit(900, dtype=pl.Int32).alias("granularity_s"),
        pl.lit(value=False).alias("is_suspect"),
        pl.lit("bench").alias("source"),
    )
    numbers = [column for column in shape.columns if column.dtype == pl.Float64()]
    values = {}
    for place, column in enumerate(numbers):
        low = 0.0 if column.low is None else column.low
        high = low + 100.0 if column.high is None else column.high
        drawn = random.uniform(low, high, CELLS)
        if place % 10 == 3:
            share = 0.02 if place % 20 == 3 else 0.08  # the contract's limit is 0.05
            drawn[random.random(CELLS) < share] = low - 1.0 if column.low is not None else np.nan
        values[column.name] = drawn
    missing = random.random(CELLS) < 0.01
    return rows.with_columns(
        **{name: pl.Series(drawn) for name, drawn in values.items()}
    ).with_columns(
        pl.when(pl.Series(missing))
        .then(None)
        .otherwise(pl.col("object_class"))
        .alias("object_class")
    )


def chosen_checks(rows: pl.DataFrame) -> list[Check]:
    """Return the contract's checks on these columns, filled up to 120 by checks for nulls."""
    checks = [
        check
        for check in compiled_checks(table("pm_measurements"))
        if set(check.columns) <= set(rows.columns) and check.kind != "finite"
    ]
    names = [name for name, dtype in rows.schema.items() if dtype == pl.Float64]
    taken = {check.id for check in checks}
    more = (Check(f"not_null:{name}", "pm_measurements", "not_null", (name,)) for name in names)
    checks += [check for check in more if check.id not in taken][: CHECKS - len(checks)]
    assert len(checks) == CHECKS, len(checks)
    return checks


def a_day(period: pl.DataFrame, periods: int) -> pl.DataFrame:
    """Return the period repeated at successive times; values share memory, keys don't repeat."""
    return pl.concat(
        [
            period.with_columns((pl.col("period_start") + n * QUARTER).alias("period_start"))
            for n in range(periods)
        ],
        rechunk=False,
    )


def cpu(work: Callable[[], object]) -> tuple[float, object]:
    """Return the least CPU time of three calls, and the last result."""
    spent, result = [], None
    for _ in range(3):
        before = process_time()
        result = work()
        spent.append(process_time() - before)
    return min(spent), result


def cpu_of_pandas_engine(
    rows: pl.DataFrame, checks: list[Check], window: Window, result_format: str = "BOOLEAN_ONLY"
) -> tuple[float, dict[str, bool]]:
    """Return CPU seconds and verdicts of the same checks as expectations on a pandas frame.

    `BOOLEAN_ONLY` asks for less than ours tells; `SUMMARY` counts failing rows, as ours does.
    """
    import great_expectations

    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    source = context.data_sources.add_pandas("rows")
    batches = source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("rows")
    suite = great_expectations.ExpectationSuite(
        "rows", expectations=[expectation(check, window) for check in checks]
    )
    frame = rows.to_pandas(use_pyarrow_extension_array=False)
    batch = batches.get_batch({"dataframe": frame})
    before = process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcome = batch.validate(suite, result_format=result_format)
    spent = process_time() - before
    return spent, {
        result.expectation_config.meta["check"]: bool(result.success) for result in outcome.results
    }


def expectation(check: Check, window: Window) -> object:
    """Return the check as Great Expectations would be asked of the rows themselves."""
    from great_expectations import expectations as gx

    meta = {"check": check.id}
    mostly = 1.0 - check.limit_share
    if check.kind == "row_count":
        return gx.ExpectTableRowCountToBeBetween(min_value=int(check.low or 0), meta=meta)
    if check.kind == "unique":
        columns = list(check.columns)
        return gx.ExpectCompoundColumnsToBeUnique(column_list=columns, mostly=mostly, meta=meta)
    column = check.columns[0]
    if check.kind == "not_null":
        return gx.ExpectColumnValuesToNotBeNull(column=column, mostly=mostly, meta=meta)
    if check.kind == "fresh":
        least = window.end - timedelta(seconds=check.high or 0)
        return gx.ExpectColumnMaxToBeBetween(column=column, min_value=least, meta=meta)
    if check.kind == "within_window":
        low, high = window.start, window.end - timedelta(microseconds=1)
        return gx.ExpectColumnValuesToBeBetween(
            column=column, min_value=low, max_value=high, meta=meta
        )
    return gx.ExpectColumnValuesToBeBetween(
        column=column, min_value=check.low, max_value=check.high, mostly=mostly, meta=meta
    )


def compare(found: object, expected: dict[str, bool]) -> None:
    """Raise unless both ways came to the same verdicts."""
    if found != expected:
        differing = {name for name in expected if found[name] != expected[name]}
        raise AssertionError(f"The two ways differ on {sorted(differing)}.")


if __name__ == "__main__":
    main()
