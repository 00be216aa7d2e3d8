"""What was saved, as a person reads it: Markdown, with every figure's interval beside it."""

import polars as pl

from data_products.energy_savings.derive import ALL
from semantic_layer.energy_accounting import EnergyAccountingRules

_MOST_SITES = 10
_UNKNOWN = "unknown"
_LEAST_VIEWS = 2
_VIEWS = {
    "control sites": "saved_by_controls_kwh",
    "own baselines": "saved_by_baseline_kwh",
    "the fitted model": "saved_by_model_kwh",
}


def savings_text(days: pl.DataFrame, rules: EnergyAccountingRules) -> str:
    """Return what was saved as Markdown: sentences, a table by day, and the sites that saved most.

    Args:
        days: rows of `energy_savings.days`.
        rules: for the confidence and where prices come from.
    """
    every = days.filter(pl.col("scope") == ALL).sort("day_start")
    if every.is_empty():
        return "No site saved energy in these days.\n"
    head = ["| day | sites | saved kWh | rebound kWh | net kWh | net % | money | CO2 kg | bit/J |"]
    head.append("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    rows = [_day(row) for row in every.iter_rows(named=True)]
    return "\n".join(
        [*_sentences(every, rules), "", *head, *rows, "", *_sites(days), *_felt(every)]
    ) + "\n"  # fmt: skip


def _sentences(every: pl.DataFrame, rules: EnergyAccountingRules) -> list[str]:
    net, used, money, co2 = (
        float(every[name].sum())
        for name in ("net_saved_kwh", "day_kwh", "saved_money", "avoided_co2_kg")
    )
    told = [
        f"**{_number(net)} kWh** saved net, {_share(net, used + net)} of what all sites would "
        f"have consumed; {_number(money)} {rules.currency} and {_number(co2)} kg of CO2.",
        f"Bounds hold {rules.confidence:.0%} of placebo sites. Expected energy is that of control "
        "sites, of each site's own baseline and of the fitted model of site energy; money and CO2 "
        "follow from the prices and intensities by hour that energy_accounting.yaml assumes.",
        _agreement(every, rules),
    ]
    alone = int(every["model_alone_hours"].sum())
    if alone:
        told.append(
            f"{alone} site-hours are of sites without a baseline of their own: the model fitted on "
            "other sites speaks alone there, within the bounds of sites that it never saw."
        )
    left_out = int(every["left_out_hours"].sum())
    if left_out:
        hours = int(every["judged_hours"].sum())
        told.append(
            f"{left_out} of {left_out + hours} site-hours of saving are not judged: readings lack, "
            "or something else happened."
        )
    return told


def _agreement(every: pl.DataFrame, rules: EnergyAccountingRules) -> str:
    """Return what each view alone says was saved, and whether they agree."""
    told = {
        name: float(every[column].sum())
        for name, column in _VIEWS.items()
        if not every[column].has_nulls()
    }
    if len(told) < _LEAST_VIEWS:
        return "Fewer than two views told of every day: nothing says whether they agree."
    apart, expected = max(told.values()) - min(told.values()), float(every["expected_kwh"].sum())
    each = ", ".join(f"{name} {_number(value)} kWh" for name, value in told.items())
    agree = "agree" if apart <= rules.views_agree_within * expected else "**do not agree**"
    return (
        f"Each view alone says saved: {each}. They {agree}: they lie {_share(apart, expected)} of "
        f"expected energy apart, and up to {rules.views_agree_within:.0%} counts as agreement."
    )


def _day(row: dict[str, object]) -> str:
    net, used = row["net_saved_kwh"], row["day_kwh"]
    whole = _add(net, used)
    cells = [
        f"{row['day_start']:%Y-%m-%d}",
        str(row["sites_count"]),
        _bounded(row["saved_kwh"], row["saved_low_kwh"], row["saved_high_kwh"]),
        _bounded(row["rebound_kwh"], row["rebound_low_kwh"], row["rebound_high_kwh"]),
        _bounded(net, row["net_low_kwh"], row["net_high_kwh"]),
        _share(net, whole),
        f"{_number(row['saved_money'])} {row['currency']}",
        _number(row["avoided_co2_kg"]),
        f"{_number(row['efficiency_expected_bit_per_j'])} → {_number(row['efficiency_bit_per_j'])}",
    ]
    return "| " + " | ".join(cells) + " |"


def _sites(days: pl.DataFrame) -> list[str]:
    own = (
        days.filter(pl.col("scope") != ALL)
        .group_by("scope")
        .agg(pl.col("saved_kwh", "expected_kwh").sum())
        .sort("saved_kwh", "scope", descending=[True, False])
        .head(_MOST_SITES)
    )
    if own.is_empty():
        return []
    lines = ["| site | saved kWh | of expected |", "|---|--:|--:|"]
    lines += [
        f"| {scope} | {_number(saved)} | {_share(saved, expected)} |"
        for scope, saved, expected in own.iter_rows()
    ]
    return [*lines, ""]


def _felt(every: pl.DataFrame) -> list[str]:
    minutes, under = every["user_minutes"].sum(), every["under_floor_user_minutes"].sum()
    if not minutes:
        return ["What users felt was not told."]
    rise = every["under_floor_rise_share"].mean()
    beyond = "" if not isinstance(rise, float) else f", {100 * rise:+.3f} points beyond controls"
    return [
        f"Of {_number(minutes)} user-minutes at sites that saved and their neighbors, "
        f"{_share(under, minutes, 3)} were under the floor{beyond}."
    ]


def _bounded(value: object, low: object, high: object) -> str:
    if not isinstance(value, float):
        return _UNKNOWN
    if not isinstance(low, float) or not isinstance(high, float):
        return _number(value)
    return f"{_number(value)} ({_number(low)} to {_number(high)})"


def _number(value: object) -> str:
    if not isinstance(value, int | float):
        return _UNKNOWN
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def _share(part: object, whole: object, digits: int = 1) -> str:
    if not isinstance(part, int | float) or not isinstance(whole, int | float) or not whole:
        return _UNKNOWN
    return f"{100 * part / whole:.{digits}f} %"


def _add(one: object, other: object) -> float | None:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return float(one + other)
    return None
