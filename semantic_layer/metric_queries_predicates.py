"""A condition as a Polars expression and as SQL: one meaning, three spellings."""

import operator
from collections.abc import Callable, Mapping, Sequence

import polars as pl

from semantic_layer.kpi_sql_text import Dialect, identifier, number, text
from semantic_layer.metric_queries_conditions import Comparison, Condition, Every, Not, Some

_COMPARE: Mapping[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def polars_predicate(condition: Condition) -> pl.Expr:
    """Return a condition as an expression; null where it is unknown."""
    match condition:
        case Not(part=part):
            return ~polars_predicate(part)
        case Every(parts=parts):
            return pl.all_horizontal(*map(polars_predicate, parts))
        case Some(parts=parts):
            return pl.any_horizontal(*map(polars_predicate, parts))
        case Comparison():
            return _polars_comparison(condition)


def sql_predicate(condition: Condition, dialect: Dialect) -> str:
    """Return a condition as SQL, names quoted and values escaped."""
    match condition:
        case Not(part=part):
            return f"(NOT {sql_predicate(part, dialect)})"
        case Every(parts=parts):
            return _joined(" AND ", parts, dialect)
        case Some(parts=parts):
            return _joined(" OR ", parts, dialect)
        case Comparison():
            return f"({_sql_comparison(condition, dialect)})"


def _polars_comparison(said: Comparison) -> pl.Expr:
    column = pl.col(said.subject.column)
    if said.operator == "is null":
        return column.is_null()
    if said.operator == "in":
        kind = pl.Float64 if said.subject.is_number else pl.String
        return column.is_in(pl.Series(said.values, dtype=kind).implode())
    value = said.values[0]
    if said.operator == "contains":
        return column.str.contains(str(value), literal=True)
    return _COMPARE[said.operator](column, pl.lit(value))


def _sql_comparison(said: Comparison, dialect: Dialect) -> str:
    column = identifier(said.subject.column, dialect)
    if said.operator == "is null":
        return f"{column} IS NULL"
    values = [_literal(value, dialect) for value in said.values]
    if said.operator == "in":
        return f"{column} IN ({', '.join(values)})"
    if said.operator == "contains":
        if dialect == "clickhouse":
            return f"position({column}, {values[0]}) > 0"
        return f"contains({column}, {values[0]})"
    return f"{column} {said.operator} {values[0]}"


def _literal(value: str | float, dialect: Dialect) -> str:
    return text(value, dialect) if isinstance(value, str) else number(value)


def _joined(word: str, parts: Sequence[Condition], dialect: Dialect) -> str:
    return f"({word.join(sql_predicate(part, dialect) for part in parts)})"
