"""Is the first cause that is told of a finding the true one? On the newest window of run towns.

`python -m tests.benchmarks explanations --homes HOME...` takes homes of `anops run` with sample
networks; without homes, that of ANOPS_HOME. Causes were written down from runbooks and looked at
on the towns of seeds 11, 12 and 21; towns to report on are others. A finding is real where a fault
touches its cell within its time; its truth is the kind of the fault that touches most of its
periods where the fault names the cell, else trouble of a neighbor. The live network is not asked:
it is as it stands now, and findings may be older. No model takes part.

Beside it stand two that look at nothing: the kind that is most frequent in the same towns, and the
cause whose definition gives the finding's first KPI the most weight.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from data_products.access import load_access_rules
from semantic_layer.causes import causes, explaining_rules
from semantic_layer.periods import Window
from tasks.adapters.guarded_reader import GuardedReader
from tasks.agents.toolbox.sources import ToolSources
from tasks.agents.toolbox.toolbox import toolbox
from tasks.agents.tools import Tool, ToolResult
from tasks.evaluation.truth_folder import Truth, truth_beside
from tasks.explaining.facts import perceived
from tasks.explaining.hypotheses import hypotheses, is_decided
from tasks.settings import Settings
from tasks.wiring import Services, services

ELSEWHERE = "diverted_users"
CAUSE_OF_KIND = {
    "outage": "outage",
    "sleeping_cell": "sleeping_cell",
    "interference": "interference",
    "feeder_loss": "feeder_loss",
    "tilt_slip": "antenna_misaligned",
    "backhaul_congestion": "backhaul_congestion",
    "wrong_neighbor": "neighbor_relation",
    "overload_by_event": "event",
    "mimo_branch_loss": "antenna_branch_failure",
    "core_link_failure": "core_failure",
    "passive_intermodulation": "passive_intermodulation",
    "link_cut": "transport_failure",
    "dwdm_degradation": "transport_failure",
    "clock_loss": "synchronization_loss",
    "power_failure": "power_failure",
    "core_function_restart": "core_failure",
    "software_regression": "software_fault",
}
"""What an operator would call each kind of fault of the simulation."""


@dataclass(frozen=True, slots=True)
class Explained:
    """One finding: the fault behind it, if any, and what was told."""

    town: str
    fault_id: str
    truth: str
    first: str
    second: str
    probability: float
    is_decided: bool
    is_within_budget: bool
    by_first_kpi: str

    @property
    def is_right(self) -> bool:
        """The first cause is the true one."""
        return self.first == self.truth


class _Caller:
    """Calls tools as a session would, without its record."""

    def __init__(self, tools: Mapping[str, Tool]) -> None:
        self._tools = tools

    def call(self, tool: str, **arguments: Any) -> ToolResult:
        called = self._tools[tool]
        return called.function(called.arguments.model_validate(arguments))


def main() -> None:
    """Print how often the first cause is the true one, for each town and all together."""
    homes = [Path(word) for word in sys.argv[sys.argv.index("--homes") + 1 :]] if (
        "--homes" in sys.argv
    ) else [services().settings.root]  # fmt: skip
    every: list[Explained] = []
    for home in homes:
        told = explained_town(home)
        _say(told[0].town if told else home.name, told)
        every += told
    if len(homes) > 1:
        _say("all towns", every)
    _say("all towns, findings worth reading", [one for one in every if one.is_within_budget])
    for truth in sorted({one.truth for one in every}):
        some = [one for one in every if one.truth == truth]
        wrong = Counter(one.first for one in some if not one.is_right).most_common(3)
        print(f"bench explanations: {truth}: {_share(some)} right, else {dict(wrong)}")


def explained_town(home: Path) -> list[Explained]:
    """Return the real findings of a home's newest window with what is told of them."""
    made = Services(Settings(home=home, hot_store="none"))
    folder = next(home.glob("sample/*/delivered"))
    truth = truth_beside(folder)
    if truth is None:
        sys.exit(f"{home} holds no truth; only sample networks can be judged.")
    found = made.tables.read("cell_anomalies").collect()
    newest = found.filter(pl.col("window_start") == pl.col("window_start").max())
    window = Window(newest["window_start"][0], newest["window_end"][0])
    worth = made.tables.read("cell_anomalies.worth", window).collect()
    rows = newest.join(worth.select("anomaly_id", "is_within_budget"), on="anomaly_id")
    rules = load_access_rules(made.settings.access_rules)
    reader = GuardedReader(made.tables, rules, home / "audit", made.clock)
    caller = _Caller(toolbox(ToolSources(reader, "explaining_agent", None, None, window)))
    began = time.process_time()
    told = list(_explained(rows, truth, caller, folder.parent.name))
    seconds = time.process_time() - began
    print(
        f"bench explanations: {folder.parent.name}: {len(told)} of {rows.height} findings are real;"
        f" {seconds:.1f} CPU-s, {1000 * seconds / max(len(told), 1):.0f} ms a finding"
    )
    return told


def _explained(rows: pl.DataFrame, truth: Truth, caller: _Caller, town: str) -> Iterator[Explained]:
    touched = truth.cell_periods.filter("is_affected")
    named = dict(truth.faults.select("fault_id", "cell_dns").iter_rows())
    rules, known = explaining_rules(), causes()
    for row in rows.iter_rows(named=True):
        fault = _fault_of(row, touched)
        if fault is None:
            continue
        facts = perceived(caller, row["anomaly_id"], rules)  # type: ignore[arg-type]
        ranked = hypotheses(facts, known, rules)
        is_own = row["cell_dn"] in named[fault["fault_id"]]
        yield Explained(
            town,
            f"{town} {fault['fault_id']}",
            CAUSE_OF_KIND[fault["kind"]] if is_own else ELSEWHERE,
            ranked[0].cause,
            ranked[1].cause,
            ranked[0].probability,
            is_decided(ranked, rules),
            row["is_within_budget"],
            _cause_of_kpi(row["contributions"]),
        )


def _fault_of(row: Mapping[str, Any], touched: pl.DataFrame) -> dict[str, Any] | None:
    """Return the fault that touches most periods of a finding, None where none does."""
    mine = touched.filter(
        (pl.col("cell_dn") == row["cell_dn"])
        & pl.col("period_start").is_between(row["anomaly_start"], row["anomaly_end"], closed="left")
    )
    if mine.is_empty():
        return None
    counted = (
        mine.group_by("fault_id", "kind").len().sort("len", "fault_id", descending=[True, False])
    )
    return counted.row(0, named=True)


def _cause_of_kpi(contributions: Sequence[Mapping[str, Any]]) -> str:
    if not contributions:
        return ""
    first = contributions[0]
    way = "up" if (first["seen"] or 0) > (first["expected"] or 0) else "down"
    weights = [
        (sign.weight, cause.name)
        for cause in causes().values()
        for sign in cause.signs
        if first["kpi"] in sign.any_of and sign.moves in (way, "changed")
    ]
    return max(weights, default=(0.0, ""))[1]


def _say(where: str, told: Sequence[Explained]) -> None:
    decided = [one for one in told if one.is_decided]
    other = [one for one in told if not one.is_decided]
    among = [one for one in told if one.truth in (one.first, one.second)]
    commonest, count = Counter(one.truth for one in told).most_common(1)[0]
    by_kpi = sum(one.by_first_kpi == one.truth for one in told)
    faults = {one.fault_id for one in told}
    by_fault = [_rate([one for one in told if one.fault_id == fault]) for fault in faults]
    believed = sum(one.probability for one in told) / len(told)
    print(
        f"bench explanations: {where}: first cause true {_share(told)} (mean over {len(faults)} "
        f"faults {sum(by_fault) / len(by_fault):.2f}), among the first two "
        f"{len(among) / len(told):.2f}; decided {len(decided) / len(told):.2f} of them, true "
        f"{_share(decided)}; undecided true {_share(other)}; mean probability {believed:.2f}; "
        f"floors: always {commonest} {count / len(told):.2f}, by the first KPI "
        f"{by_kpi / len(told):.2f}"
    )


def _share(told: Sequence[Explained]) -> str:
    right = sum(one.is_right for one in told)
    return f"{_rate(told):.2f} ({right}/{len(told)})"


def _rate(told: Sequence[Explained]) -> float:
    return sum(one.is_right for one in told) / max(len(told), 1)


if __name__ == "__main__":
    main()
