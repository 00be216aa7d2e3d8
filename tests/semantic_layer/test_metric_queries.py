"""Metric queries: names, conditions, plans; Polars and both SQL dialects answer alike."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from semantic_layer.errors import InputError, UnknownNameError
from semantic_layer.kpi_sql import SqlRows
from semantic_layer.kpi_sql_text import Dialect
from semantic_layer.loading import catalogue
from semantic_layer.metric_queries import GRAINS, MetricQuery, computed, metric_sql, planned
from semantic_layer.metric_queries_conditions import (
    Comparison,
    Condition,
    ConditionError,
    Every,
    Not,
    Some,
    Subject,
    parsed_condition,
    subjects_of,
)
from semantic_layer.metric_queries_names import DIMENSIONS, kpi_named
from semantic_layer.metric_queries_predicates import polars_predicate, sql_predicate
from tests.semantic_layer.sql_engines import Run, clickhouse_run, duckdb_run, parquet
from tests.semantic_layer.test_kpi_sql import SCHEMA, compared, rows_of

KNOWN = catalogue()
BAND = Subject("band", "band")
REGION = Subject("subnetwork", "subnetwork")
DROPS = Subject("cell_drop_rate", "cell_drop_rate_pct", is_number=True)
SUBJECTS = {"band": BAND, "region": REGION, "cell_drop_rate": DROPS}


@pytest.fixture(scope="module")
def engines(tmp_path_factory) -> dict[Dialect, Run]:
    folder = tmp_path_factory.mktemp("engines")
    return {"duckdb": duckdb_run(folder), "clickhouse": clickhouse_run(folder)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("band = n78", Comparison(BAND, "=", ("n78",))),
        ("band=n78", Comparison(BAND, "=", ("n78",))),
        ("BAND != 'n 78'", Comparison(BAND, "!=", ("n 78",))),
        ('band = "say ""so"""', Comparison(BAND, "=", ('say "so"',))),
        ("band = 'it''s'", Comparison(BAND, "=", ("it's",))),
        ("band contains 7", Comparison(BAND, "contains", ("7",))),
        ("band is null", Comparison(BAND, "is null")),
        ("band IS NOT NULL", Not(Comparison(BAND, "is null"))),
        ("region = SubNetwork=1", Comparison(REGION, "=", ("SubNetwork=1",))),
        (
            "region in (SubNetwork=1, SubNetwork=2)",
            Comparison(REGION, "in", ("SubNetwork=1", "SubNetwork=2")),
        ),
        ("band not in (n78)", Not(Comparison(BAND, "in", ("n78",)))),
        ("cell_drop_rate>2", Comparison(DROPS, ">", (2.0,))),
        ("cell_drop_rate <= 1e-3", Comparison(DROPS, "<=", (0.001,))),
        ("cell_drop_rate in (1, -2)", Comparison(DROPS, "in", (1.0, -2.0))),
        (
            "band = a or band = b and not region = c",
            Some(
                (
                    Comparison(BAND, "=", ("a",)),
                    Every((Comparison(BAND, "=", ("b",)), Not(Comparison(REGION, "=", ("c",))))),
                )
            ),
        ),
        (
            "(band = a or band = b) and region = c",
            Every(
                (
                    Some((Comparison(BAND, "=", ("a",)), Comparison(BAND, "=", ("b",)))),
                    Comparison(REGION, "=", ("c",)),
                )
            ),
        ),
        ("  ", None),
    ],
)
def test_a_condition_is_read(text, expected):
    assert parsed_condition(text, SUBJECTS) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "bnd = n78",
            "at character 1, 'bnd = n78': no dimension or KPI 'bnd'; did you mean 'band'",
        ),
        ("band", "at its end: after 'band' comes one of"),
        ("band = ", "at its end: a value was expected"),
        ("band = 'n78", "at character 8.*never closed"),
        ("band < n78", "at character 6.*'band' is text"),
        ("cell_drop_rate > high", "at character 18, 'high': 'cell_drop_rate' is a number; 'high'"),
        ("cell_drop_rate > nan", "is a number; 'nan' is none"),
        ("cell_drop_rate > inf", "is a number; 'inf' is none"),
        ("cell_drop_rate contains 2", "comes one of"),
        ("band = n78 region = a", "at character 12.*`and`, `or` or the end was expected"),
        ("band = a, b", "at character 9.*stands in quotes"),
        ("band in ()", "a value was expected"),
        ("band in (a", r"'\)' was expected"),
        ("band in a", r"'\(' was expected"),
        ("(band = a", r"'\)' was expected"),
        ("band = a)", "or the end was expected"),
        ("band is a", "`is` must be followed"),
        ("band not a", "`not` after a name must be followed by `in`"),
        ("and band = a", "no dimension or KPI 'and'"),
        ("= a", "a dimension or a KPI was expected"),
        ("not " * 100 + "band = a", "more than 40 parentheses"),
        ("(" * 100 + "band = a" + ")" * 100, "more than 40 parentheses"),
        ("band=a or " * 600 + "band=a", "more than 500 comparisons"),
        ("x" * 10_001, "at most 10000 characters"),
        ("band = 'a\0b'", "NUL"),
    ],
)
def test_what_cannot_be_read_says_where_and_why(text, says):
    with pytest.raises(ConditionError, match=says):
        parsed_condition(text, SUBJECTS)


PIECES = [*"()<>=,a2", "band", "region", "cell_drop_rate", "!=", "and", "or", "not", "in", "is"]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80) | st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join))
def test_any_text_is_read_or_refused_as_a_sentence(text):
    try:
        found = parsed_condition(text, SUBJECTS)
    except ConditionError as error:
        said = str(error)
    else:
        said = "read." if found is None or list(subjects_of(found)) else ""
    assert said.endswith(".")


VALUES = ["n78", "n1", "it's", 'a"b', "back\\slash", "ü", "%", ""]
TEXTS = st.sampled_from(VALUES)
NUMBERS = st.sampled_from([0.0, 0.5, 2.0, -1.0, 1e-3])


def conditions() -> st.SearchStrategy[Condition]:
    text_subjects = st.sampled_from([BAND, REGION])
    beside = st.sampled_from(["=", "!=", "contains"])
    compared_to = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
    drops = st.just(DROPS)
    leaves = st.one_of(
        st.builds(Comparison, text_subjects, beside, st.tuples(TEXTS)),
        st.builds(Comparison, text_subjects, st.just("in"), st.lists(TEXTS, min_size=1).map(tuple)),
        st.builds(Comparison, text_subjects | drops, st.just("is null")),
        st.builds(Comparison, drops, compared_to, st.tuples(NUMBERS)),
        st.builds(Comparison, drops, st.just("in"), st.lists(NUMBERS, min_size=1).map(tuple)),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(Not, inner),
            st.builds(Every, st.lists(inner, min_size=2, max_size=4).map(tuple)),
            st.builds(Some, st.lists(inner, min_size=2, max_size=4).map(tuple)),
        ),
        max_leaves=8,
    )


def naive(condition: Condition, row: dict[str, object]) -> bool | None:
    """Return what SQL's logic of three values says, as a slow loop."""
    match condition:
        case Not(part=part):
            told = naive(part, row)
            return None if told is None else not told
        case Every(parts=parts):
            found = [naive(part, row) for part in parts]
            return False if False in found else None if None in found else True
        case Some(parts=parts):
            found = [naive(part, row) for part in parts]
            return True if True in found else None if None in found else False
        case Comparison(subject=subject, operator=operator, values=values):
            value = row[subject.column]
            if operator == "is null":
                return value is None
            if value is None:
                return None
            return {
                "=": lambda: value == values[0],
                "!=": lambda: value != values[0],
                "<": lambda: value < values[0],
                "<=": lambda: value <= values[0],
                ">": lambda: value > values[0],
                ">=": lambda: value >= values[0],
                "in": lambda: value in values,
                "contains": lambda: values[0] in value,
            }[operator]()


ROWS = pl.DataFrame(
    [
        {"row": index, "band": band, "subnetwork": region, "cell_drop_rate_pct": rate}
        for index, (band, region, rate) in enumerate(
            (band, region, rate)
            for band in [*VALUES, None]
            for region in ["n1", "it's", None]
            for rate in [0.0, 0.5, 2.0, None]
        )
    ]
)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(condition=conditions())
def test_a_condition_means_the_same_in_polars_and_sql(engines, tmp_path, condition):
    path = tmp_path / "rows.parquet"
    if not path.is_file():
        ROWS.write_parquet(path)
    expected = [row["row"] for row in ROWS.to_dicts() if naive(condition, row)]
    assert ROWS.filter(polars_predicate(condition))["row"].to_list() == expected
    for dialect, run in engines.items():
        where = sql_predicate(condition, dialect)
        found = run(f"SELECT row FROM {parquet(path, dialect)} WHERE {where}")  # noqa: S608
        assert found["row"].sort().to_list() == expected, dialect


def placed(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows with every dimension, some places unknown."""
    index = pl.int_range(pl.len())
    return rows.with_columns(
        managed_object_dn=pl.coalesce("cell_dn", "managed_element_dn"),
        site_id=pl.col("managed_element_dn").str.replace("ManagedElement=", "S"),
        band=pl.when(index % 5 > 0).then(pl.format("n{}", index % 3)),
        archetype=pl.when(index % 7 > 0).then(pl.lit("rural")),
        subnetwork=pl.format("SubNetwork={}", index % 2),
        technology=pl.lit("NR"),
    )


NAMES = ["rrc_setup_success_rate", "prb_usage_dl", "cell_availability", "site_power", "amf_load"]
BY_ROW = ["subnetwork", "site", "archetype", "managed_element"]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 10**6),
    kpis=st.sets(st.sampled_from([*NAMES, "site_energy_efficiency"]), min_size=1),
    by=st.lists(st.sampled_from(BY_ROW), max_size=3),
    grain=st.sampled_from(GRAINS),
    where=st.sampled_from(
        [
            "",
            "subnetwork = SubNetwork=1",
            "not archetype = rural",
            "archetype is not null and prb_usage_dl > 50",
            "rrc_setup_success_rate >= 50 or rrc_setup_success_rate is null",
        ]
    ),
)
def test_a_query_answers_alike_in_polars_and_sql(engines, tmp_path, seed, kpis, by, grain, where):
    plan = planned(MetricQuery(tuple(sorted(kpis)), tuple(by), grain, where), KNOWN)
    classes = ["NRCellDU", "ManagedElement", "AMFFunction"]
    rows = placed(rows_of(seed, 60, absent_share=0.1, classes=classes))
    path = tmp_path / "rows.parquet"
    rows.write_parquet(path)
    expected = computed(plan, rows.lazy(), KNOWN).collect()
    assert tuple(expected.columns) == plan.columns
    keys = [name for name in plan.columns if name in DIMENSIONS or name == "period_start"]
    for dialect, run in engines.items():
        found = run(metric_sql(plan, SqlRows(parquet(path, dialect), rows.columns, dialect), KNOWN))
        compared(found, expected, keys or ["rows_count"])


def test_a_region_by_the_hour_is_its_sums_divided():
    start = datetime(2026, 3, 1, 7, tzinfo=UTC)
    told = [("SubNetwork=1", 0, 10, 10), ("SubNetwork=1", 45, 990, 792), ("SubNetwork=2", 60, 4, 1)]
    rows = pl.DataFrame(
        [
            {
                "object_class": "NRCellDU",
                "period_start": start + timedelta(minutes=minute),
                "granularity_s": 900,
                "rrc_conn_estab_att_count": float(attempts),
                "rrc_conn_estab_succ_count": float(successes),
                "subnetwork": region,
            }
            for region, minute, attempts, successes in told
        ],
        schema=SCHEMA | {"subnetwork": pl.String},
    )
    query = MetricQuery(("rrc_setup_success_rate",), ("region",), "hour")
    found = computed(planned(query, KNOWN), rows.lazy(), KNOWN).collect()
    assert_frame_equal(
        found.sort("subnetwork"),
        pl.DataFrame(
            {
                "subnetwork": ["SubNetwork=1", "SubNetwork=2"],
                "period_start": [start, start + timedelta(hours=1)],
                "rows_count": [2, 1],
                "rrc_setup_success_rate_pct": [80.2, 25.0],
            },
            schema_overrides={"period_start": pl.Datetime("us", "UTC")},
        ),
    )


def test_a_condition_is_parted_into_rows_and_groups():
    query = MetricQuery(
        ("rrc_setup_success_rate",), ("site",), where="band = n78 and cell_drop_rate > 2"
    )
    plan = planned(query, KNOWN)
    assert [it.name for it in subjects_of(plan.row_condition)] == ["band"]
    assert [it.name for it in subjects_of(plan.group_condition)] == ["cell_drop_rate"]
    assert [kpi.name for kpi in plan.kpis] == ["rrc_setup_success_rate", "cell_drop_rate"]
    assert {item.name for item in plan.dimensions} == {"site", "band"}
    assert "rrc_conn_estab_att_count" in plan.measured
    assert plan.row_classes == ("NRCellDU",)


def test_a_group_s_condition_may_name_what_it_is_split_by():
    split = MetricQuery(("cell_drop_rate",), ("band",), where="band = n78 or cell_drop_rate > 2")
    assert planned(split, KNOWN).group_condition is not None
    with pytest.raises(InputError, match="needs the answer split by it"):
        planned(MetricQuery(split.kpis, (), where=split.where), KNOWN)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (MetricQuery(()), "at least one KPI"),
        (MetricQuery(("cell_drop_rat",)), "did you mean 'cell_drop_rate'"),
        (MetricQuery(("cell_drop_rate",), ("bnd",)), "did you mean 'band'"),
        (MetricQuery(("cell_drop_rate",), grain="week"), "No grain 'week'"),  # type: ignore[arg-type]
        (MetricQuery(("site_power",), ("cell",)), "no value by cell; ask by site"),
        (MetricQuery(("site_power",), where="band = n78"), "no value by band"),
        (MetricQuery(("site_energy_efficiency",), ("object",)), "brings rows of .* together"),
        (MetricQuery(("amf_load",), ("band",)), "AMFFunction, not of one cell"),
    ],
)
def test_a_question_without_an_answer_says_why(query, says):
    with pytest.raises((InputError, UnknownNameError), match=says):
        planned(query, KNOWN)


def test_a_kpi_goes_by_its_title_column_and_synonyms():
    kpi = KNOWN.kpi("cell_drop_rate")
    for name in ("cell_drop_rate", "Cell Drop Rate", "cell-drop-rate", kpi.column, kpi.title):
        assert kpi_named(name, KNOWN) == kpi
    with pytest.raises(UnknownNameError):
        kpi_named("drop table", KNOWN)


def test_every_kpi_can_be_asked_by_place_and_time():
    for name in KNOWN.kpis:
        plan = planned(MetricQuery((name,), ("managed_element",), "hour"), KNOWN)
        assert plan.measured
        assert plan.row_classes
