"""Great Expectations as the judge: suites compiled from checks, over the metrics Polars measured.

Great Expectations has no Polars engine, and reading every row once more in pandas costs many
times what the checks cost. So it validates a small frame, one row a check: the share of rows that
fail and the share that may. Each kind of check is one expectation with a readable id,
`<table>:<kind>:within_limit`; the unexpected rows of its result are the checks that failed.
"""

from collections.abc import Sequence
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import pandas as pd

from data_products.checks import Check, CheckMetrics, CheckVerdict
from semantic_layer.errors import AnopsError

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.core.batch_definition import BatchDefinition

_RESULT_FORMAT = {"result_format": "COMPLETE", "unexpected_index_column_names": ["check_id"]}


class ValidationFailedError(AnopsError):
    """Great Expectations could not judge; nothing is known about the product."""


class GreatExpectationsValidator:
    """Implements `Validator` in an ephemeral context: no files, no network, no suites by hand."""

    def __init__(self) -> None:
        self._lock = Lock()

    def judge(self, checks: Sequence[Check], metrics: CheckMetrics) -> list[CheckVerdict]:
        """Return one verdict a check, in the order given.

        Raises:
            ValidationFailedError: Great Expectations reported an exception of its own.
        """
        if not checks:
            return []
        failed = self._failed_checks(checks, metrics)
        return [
            CheckVerdict(
                check_id=check.id,
                is_passed=check.id not in failed,
                evaluated_count=metrics.evaluated.get(check.id, metrics.rows),
                failed_count=metrics.failed[check.id],
                limit_share=check.limit_share,
            )
            for check in checks
        ]

    def _failed_checks(self, checks: Sequence[Check], metrics: CheckMetrics) -> set[str]:
        with self._lock:
            batch = self._batches.get_batch({"dataframe": metrics_frame(checks, metrics)})
            outcome = batch.validate(compiled_suite(checks), result_format=_RESULT_FORMAT)
        failed: set[str] = set()
        for result in outcome.results:
            if "unexpected_index_list" not in result.result:
                config = result.expectation_config
                raise ValidationFailedError(
                    f"Great Expectations could not judge {config and config.meta}: "
                    f"{result.exception_info}."
                )
            failed |= {row["check_id"] for row in result.result["unexpected_index_list"] or ()}
        if bool(outcome.success) is bool(failed):
            raise ValidationFailedError(
                f"Great Expectations contradicts itself: success is {outcome.success} while "
                f"{len(failed)} checks failed."
            )
        return failed

    @cached_property
    def _batches(self) -> "BatchDefinition[Any]":
        import great_expectations
        from great_expectations.data_context.types.base import ProgressBarsConfig

        context = great_expectations.get_context(mode="ephemeral")
        context.enable_analytics(False)  # noqa: FBT003 - its own signature
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        source = context.data_sources.add_pandas("measured checks")
        return source.add_dataframe_asset("metrics").add_batch_definition_whole_dataframe("metrics")


def metrics_frame(checks: Sequence[Check], metrics: CheckMetrics) -> pd.DataFrame:
    """Return one row a check: its id and, in its kind's columns, failing and allowed shares."""
    columns: dict[str, list[Any]] = {"check_id": [check.id for check in checks]}
    for kind in _kinds(checks):
        columns[f"failed {kind}"] = [
            metrics.failed_share(check.id) if check.kind == kind else None for check in checks
        ]
        columns[f"limit {kind}"] = [
            check.limit_share if check.kind == kind else None for check in checks
        ]
    frame = pd.DataFrame(columns)
    return frame.astype({name: "float64" for name in columns if name != "check_id"})


def compiled_suite(checks: Sequence[Check]) -> "ExpectationSuite":
    """Return the expectation suite of these checks: each kind's failing shares within limits."""
    from great_expectations import ExpectationSuite
    from great_expectations.expectations.core.expect_column_pair_values_a_to_be_greater_than_b import (  # noqa: E501 - its name
        ExpectColumnPairValuesAToBeGreaterThanB,
    )

    return ExpectationSuite(
        name=f"contract of {checks[0].table}",
        expectations=[
            ExpectColumnPairValuesAToBeGreaterThanB(
                column_A=f"limit {kind}",
                column_B=f"failed {kind}",
                or_equal=True,
                ignore_row_if="both_values_are_missing",
                meta={"id": f"{checks[0].table}:{kind}:within_limit"},
            )
            for kind in _kinds(checks)
        ],
    )


def _kinds(checks: Sequence[Check]) -> list[str]:
    return list(dict.fromkeys(check.kind for check in checks))
