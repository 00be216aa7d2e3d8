"""Facts that code computes of a finding and the cells near it; pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from semantic_layer.causes import ExplainingRules
from tasks.explaining.observations import Seen, ramp

Row = Mapping[str, Any]

_AT_SITE = ("same_sector", "same_site")
_NOISE = "ul_interference"


def facts_of_company(
    company: Sequence[Row], finding: Row, kpis: Sequence[Row], rules: ExplainingRules
) -> Iterator[Seen]:
    """Yield the facts of `semantic_layer.causes.Fact` that are known.

    Args:
        company: rows of `compare_with_neighbors`, the cell's own among them.
        finding: row of `read_finding`.
        kpis: rows of `compare_with_usual`.
        rules: when a cell strays with another, and what lasts.
    """
    yield from _of_time(finding, rules)
    yield from _of_noise(kpis, rules)
    own = next((row for row in company if row["relation"] == "same_cell"), None)
    if own is None:
        return
    others = [row for row in company if row["relation"] != "same_cell" and row["judged_periods"]]
    whole = _share_astray([row for row in others if row["relation"] in _AT_SITE], rules)
    beyond = _share_astray([row for row in others if row["relation"] not in _AT_SITE], rules)
    if whole is not None:
        count, share = whole
        yield _fact(
            "whole_site",
            share,
            f"{_some(share, count)} other cells of the site stray too",
        )
        yield _fact(
            "alone_at_site",
            1 - share,
            f"{_some(1 - share, count)} other cells of the site are sound",
        )
    if beyond is not None:
        count, share = beyond
        yield _fact(
            "neighbors_stray",
            share,
            f"{_some(share, count)} neighbor cells elsewhere stray too",
        )
    shared = whole[1] if whole is not None else 0.0
    yield from _of_neighbors(own, others, shared, rules)


def _of_neighbors(
    own: Row, others: Sequence[Row], shared: float, rules: ExplainingRules
) -> Iterator[Seen]:
    """Yield whether a neighbor is where it began; what a whole site shares is no neighbor's."""
    if not others:
        return
    stronger = [(_stronger(row, own, rules), row) for row in others]
    most, row = max(stronger, key=lambda one: (one[0], str(one[1]["cell_dn"])))
    says = f"{row['cell_dn']} strays more, peak score {row['peak_score']}, and no later"
    yield _fact("neighbor_strays_more", most * (1 - shared), says, str(row["cell_dn"]))
    lost = [(_lost(row, rules), row) for row in others]
    most, row = max(lost, key=lambda one: (one[0], str(one[1]["cell_dn"])))
    says = f"{row['cell_dn']} lost users or service in the same time"
    kept = 1 - _lost(own, rules)
    yield _fact("neighbor_lost_users", most * kept, says, str(row["cell_dn"]))


def _stronger(row: Row, own: Row, rules: ExplainingRules) -> float:
    if not row["astray_periods"] or row["first_astray_at"] is None or not own["peak_score"]:
        return 0.0
    begun = own["first_astray_at"] or row["first_astray_at"]
    late = datetime.fromisoformat(row["first_astray_at"]) - datetime.fromisoformat(begun)
    if late > timedelta(hours=1):
        return 0.0
    return ramp(row["peak_score"] / own["peak_score"], 1.0, rules.stronger_ratio)


def _lost(row: Row, rules: ExplainingRules) -> float:
    told = [row["users_deviation"], row["availability_deviation"]]
    fallen = [-float(one) for one in told if one is not None]
    return max(
        (ramp(one, rules.noticeable_bands, rules.clear_bands) for one in fallen), default=0.0
    )


def _share_astray(rows: Sequence[Row], rules: ExplainingRules) -> tuple[int, float] | None:
    if not rows:
        return None
    astray = [row["astray_periods"] >= rules.stray_share * row["judged_periods"] for row in rows]
    return len(rows), sum(astray) / len(rows)


def _of_time(finding: Row, rules: ExplainingRules) -> Iterator[Seen]:
    begun = datetime.fromisoformat(finding["onset_at"] or finding["anomaly_start"])
    if finding["anomaly_end"] is None:
        return
    hours = (datetime.fromisoformat(finding["anomaly_end"]) - begun).total_seconds() / 3600
    lasts = float(hours >= rules.lasting_hours)
    yield _fact("lasts_days", lasts, f"it has lasted {hours:.1f} h")
    is_short = hours <= rules.passing_hours
    passes = (0.5 if finding["is_ongoing"] else 1.0) if is_short else 0.0
    ended = "goes on after" if finding["is_ongoing"] else "ended after"
    yield _fact("passes_soon", passes, f"it {ended} {hours:.1f} h")


def _of_noise(kpis: Sequence[Row], rules: ExplainingRules) -> Iterator[Seen]:
    for row in kpis:
        is_raised = row["kpi"] == _NOISE and row["deviation"] >= rules.noticeable_bands
        if is_raised and row["follows_load"] is not None:
            follows = float(row["follows_load"])
            strength = ramp(follows, rules.least_follows_load, rules.clear_follows_load)
            says = f"uplink noise follows the cell's own load with a correlation of {follows}"
            yield _fact("noise_follows_load", strength, says)


def _some(share: float, count: int) -> str:
    many = round(share * count)
    return f"none of {count}" if not many else f"{many} of {count}"


def _fact(name: str, strength: float, says: str, reference: str = "") -> Seen:
    return Seen("fact", name, "", round(strength, 4), says, reference)
