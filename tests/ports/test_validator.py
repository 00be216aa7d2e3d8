"""What every `Validator` does: judges measured shares against their limits, nothing else."""

import pytest

from data_products.checks import Check, CheckMetrics

ROWS = 200


def great_expectations():
    from tasks.adapters.great_expectations_validator import GreatExpectationsValidator

    return GreatExpectationsValidator()


@pytest.fixture(scope="module", params=[pytest.param(great_expectations, marks=pytest.mark.slow)])
def validator(request):
    return request.param()


def check(name, kind="between", limit_share=0.0):
    return Check(id=name, table="loads", kind=kind, columns=("load",), limit_share=limit_share)


def judged(validator, *pairs):
    checks = [one for one, _ in pairs]
    metrics = CheckMetrics(ROWS, {one.id: failed for one, failed in pairs})
    return [verdict.is_passed for verdict in validator.judge(checks, metrics)]


@pytest.mark.parametrize(
    ("failed", "limit_share", "is_passed"),
    [
        pytest.param(0, 0.0, True, id="nothing fails"),
        pytest.param(1, 0.0, False, id="one row too many"),
        pytest.param(10, 0.05, True, id="exactly at the limit"),
        pytest.param(11, 0.05, False, id="just over the limit"),
        pytest.param(ROWS, 1.0, True, id="everything may fail"),
    ],
)
def test_a_check_passes_up_to_its_limit_and_no_further(validator, failed, limit_share, is_passed):
    assert judged(validator, (check("a", limit_share=limit_share), failed)) == [is_passed]


def test_each_check_is_judged_by_its_own_limit_in_the_order_given(validator):
    pairs = [
        (check("a", "not_null"), 0),
        (check("b", "between", 0.1), 20),
        (check("c", "not_null", 0.1), 21),
        (check("d", "unique"), 1),
        (check("e", "between", 0.1), 21),
    ]
    assert judged(validator, *pairs) == [True, True, False, False, False]


def test_verdicts_say_what_was_evaluated(validator):
    metrics = CheckMetrics(ROWS, {"a": 3, "count": 1}, evaluated={"a": 60, "count": 1})
    values, count = validator.judge(
        [check("a", limit_share=0.05), check("count", "row_count")], metrics
    )
    assert (values.evaluated_count, values.failed_count, values.is_passed) == (60, 3, True)
    assert (count.evaluated_count, count.failed_count, count.is_passed) == (1, 1, False)


def test_an_empty_frame_breaks_no_check_on_rows(validator):
    metrics = CheckMetrics(0, {"a": 0}, evaluated={"a": 0})
    assert validator.judge([check("a")], metrics)[0].is_passed


def test_no_checks_give_no_verdicts(validator):
    assert validator.judge([], CheckMetrics(5, {})) == []


@pytest.mark.slow
def test_great_expectations_itself_decides_from_the_compiled_suite():
    from tasks.adapters.great_expectations_validator import compiled_suite, metrics_frame

    checks = [check("a", "not_null"), check("b"), check("c", "between", 0.5)]
    suite = compiled_suite(checks)
    assert [one.meta["id"] for one in suite.expectations] == [
        "loads:not_null:within_limit",
        "loads:between:within_limit",
    ]
    frame = metrics_frame(checks, CheckMetrics(4, {"a": 0, "b": 1, "c": 2}))
    assert frame["failed between"].tolist()[1:] == [0.25, 0.5]
    assert frame["limit between"].tolist()[1:] == [0.0, 0.5]
