"""The closed loop on a town whose time goes on: from the first bad quarter to a verified repair.

Every quarter of an hour the town delivers its files; they are ingested, curated and scored by the
steps that flows run, repairs are proposed and judged, a person who looks once a quarter approves
what waits, and what was approved is written to the town and verified by what it measures then.
Beside each fault stands how long it would have stood until people had mended it: the baseline.
Some approved changes that do harm are added, to see them taken back.

    ANOPS_HOME=FOLDER ANOPS_SAMPLE_SEED=31 python -m tests.benchmarks healing [--hours 24]

The folder is a home that anops fills; constants were chosen on towns 11, 12 and 21.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import mean, median

import polars as pl

from semantic_layer.periods import Window
from tasks.adapters.sample_files import read_writes
from tasks.anomaly import steps as anomaly
from tasks.approval.deciding import Speaker
from tasks.approval.steps import approve, find_waiting, request_approvals, show_form
from tasks.curation import steps as curation
from tasks.execution.steps import apply_approved, resume_interrupted, verify_applied
from tasks.guarding.steps import judge_proposals
from tasks.healing.candidates import lives_of
from tasks.healing.steps import propose_repairs
from tasks.ingestion.alarms.steps import ingest_alarms
from tasks.ingestion.configuration.steps import ingest_configuration
from tasks.ingestion.steps import find_deliveries, ingest_measurement_files
from tasks.messages.change_sets import ChangeSet, Operation
from tasks.messages.ledger import EntryDraft
from tasks.messages.proposal_life import ProposalLife, proposal_life
from tasks.messages.proposals import ChangeProposal, ExpectedEffect, GuardVerdict
from tasks.twin.live_network import LiveNetwork
from tasks.wiring import services

_PERIOD = timedelta(minutes=15)
_HEALABLE = ("sleeping_cell", "tilt_slip", "wrong_neighbor")
_PERSON = Speaker("anna", "command")
_HARMFUL_TILT = 80


@dataclass
class Course:
    """What happened, by proposal, in the network's time."""

    approved: dict[str, datetime] = field(default_factory=dict)
    harmful: dict[str, datetime] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)


def main() -> None:
    """Print what became of every fault that can be healed, and of changes that do harm."""
    parser = argparse.ArgumentParser(prog="healing")
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--harmful", type=int, default=3, help="changes that do harm")
    parser.add_argument("--harm-hour", type=float, default=10.0, help="when they are written")
    asked = parser.parse_args(sys.argv[sys.argv.index("healing") + 1 :])
    _set_up()
    network = LiveNetwork(services().settings.sample_folder)
    begin, course = network.now, Course()
    for number in range(asked.hours * 4):
        began = time.process_time()
        end = begin + (number + 1) * _PERIOD
        network.advance(end)
        _quarter(Window(end - _PERIOD, end), course)
        if end == begin + timedelta(hours=asked.harm_hour):
            _do_harm(network, asked.harmful, course)
        course.seconds.append(time.process_time() - began)
    _say_healing(network, begin, course, services().settings.sample_seed)
    _say_harm(course)


def _set_up() -> None:
    """Fill the home with a town that ran once, unless it holds one."""
    if not (services().settings.root / "tables").is_dir():
        command = [sys.executable, "-c", "from deployments.command import app; app(['run'])"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _quarter(window: Window, course: Course) -> None:
    """Do what the flows do for one period."""
    folder = services().settings.sample_folder / "delivered"
    ingest_measurement_files.fn(find_deliveries.fn(folder, window), window)
    ingest_alarms.fn(folder, window)
    if window.end.hour == 3 and window.end.minute == 0:
        ingest_configuration.fn(folder, Window(window.end - timedelta(hours=3), window.end))
    curation.publish_cell_kpis.fn(curation.newest_snapshot.fn("pm_measurements"), window)
    findings = anomaly.score_cells.fn(curation.newest_snapshot.fn("cell_kpis"), window)
    for waiting in find_waiting.fn():
        form = show_form.fn(waiting, 1, 1)
        approve.fn(waiting, _PERSON, form["digest"])
        course.approved[waiting] = window.end
    request_approvals.fn(judge_proposals.fn(propose_repairs.fn(findings, window)))
    resume_interrupted.fn()
    apply_approved.fn()
    verify_applied.fn(window)


def _do_harm(network: LiveNetwork, many: int, course: Course) -> None:
    """Put approved changes on record that tilt sound, busy cells far down."""
    now = network.now
    struck = set(network.faults()["cell_dns"].explode())
    told = services().tables.read("cell_kpis", Window(now - timedelta(hours=1), now)).collect()
    busy = (
        told.filter(pl.col("granularity") == "15min", ~pl.col("cell_dn").is_in(struck))
        .group_by("cell_dn").agg(pl.col("traffic_volume_dl_mbps").mean())
        .drop_nulls().sort("traffic_volume_dl_mbps", descending=True)
    )  # fmt: skip
    sites: set[str] = set()
    for cell in busy["cell_dn"]:
        site = cell.split(",GNBDU")[0]
        if len(course.harmful) == many:
            return
        if site in sites:
            continue
        sites.add(site)
        course.harmful[_harmful(cell, now)] = now


def _harmful(cell: str, now: datetime) -> str:
    above, _, number = cell.rpartition("NRCellDU=")
    dn = f"{above}NRSectorCarrier={number},CommonBeamformingFunction=1"
    live = int(services().gateway.read([dn])[dn].attributes["digitalTilt"])
    write = Operation(
        "MODIFY", dn, "CommonBeamformingFunction", "digitalTilt", live, live + _HARMFUL_TILT
    )
    expected = ExpectedEffect("traffic_volume_dl", "higher", (cell,), 0.05, 0.1, 1, 4)
    proposal = ChangeProposal(
        "heal_tilt_slip", "healing_agent", "solver", now, ChangeSet((write,)), (cell,),
        "tilt_slip", 0.99, "A change that does harm, to see it taken back.", "medium",
        (f"harm:{cell}:{now:%H%M}",), (), expected, (), "harm",
    )  # fmt: skip
    verdict = GuardVerdict(
        proposal.proposal_id, proposal.change_set.digest, (), 2, 1, ("none",), "Forged."
    )
    ledger, name = services().ledger, proposal.proposal_id
    for kind, actor, payload in (
        ("proposed", "drill", {"proposal": proposal.to_json()}),
        ("judged", "guardrails", {"verdict": verdict.to_json()}),
        ("approval_requested", "approval", {"expires_at": (now + timedelta(hours=4)).isoformat(),
         "change_digest": proposal.change_set.digest, "persons_needed": 1, "asked": ["anna"]}),
        ("approved", "anna", {"change_digest": proposal.change_set.digest, "comment": ""}),
    ):  # fmt: skip
        ledger.append(EntryDraft(kind, name, actor, now, payload, f"{kind}:{name}"))
    return name


def _say_healing(network: LiveNetwork, begin: datetime, course: Course, seed: int) -> None:
    lives = lives_of(services().ledger.entries())
    faults = network.faults().filter(
        pl.col("kind").is_in(_HEALABLE), pl.col("onset_at") < network.now - timedelta(hours=2),
        pl.col("cleared_at") > begin + timedelta(hours=2),
    )  # fmt: skip
    mine, manual = [], []
    for fault in faults.iter_rows(named=True):
        life = _repair(lives, fault["cell_dns"], fault["onset_at"])
        verified = _at(life, "verified") if life else None
        began = max(fault["onset_at"], begin)
        by_people = (fault["cleared_at"] - began).total_seconds() / 60
        took = (verified - began).total_seconds() / 60 if verified else None
        print(
            f"bench healing: town {seed} {fault['kind']:15} size {fault['severity_size']:6.2f} "
            f"people {by_people:5.0f} min, "
            + (f"anops {took:5.0f} min ({life.effect}, {life.stage})" if life and took else
               f"anops {'none' if life is None else life.stage}")
            + f", visible {fault['is_visible']}, ended by a write {fault['is_healed']}"
        )  # fmt: skip
        if took is not None and fault["is_healed"]:
            mine.append(took)
            manual.append(by_people)
    false = [life for life in lives if not _answers(life, faults)]
    stages = pl.Series([life.stage for life in lives]).value_counts(sort=True).rows()
    if mine:
        share = [1 - a / b for a, b in zip(mine, manual, strict=True)]
        print(
            f"bench healing: town {seed}: {len(mine)} of {faults.height} faults repaired and "
            f"verified; onset to verified repair {median(mine):.0f} min (median), people "
            f"{median(manual):.0f} min; less by {1 - sum(mine) / sum(manual):.1%} in sum, "
            f"{mean(share):.1%} in the mean"
        )
    print(
        f"bench healing: town {seed}: {len(lives)} proposals {stages}, {len(false)} for cells "
        f"without such a fault; {len(read_writes(network.folder))} writes; "
        f"{median(course.seconds):.1f} CPU-s a period"
    )


def _say_harm(course: Course) -> None:
    ledger = services().ledger
    for name in course.harmful:
        life = proposal_life(ledger.entries(name))
        applied, undone = _at(life, "applied"), _at(life, "undone")
        if applied is None:
            print(f"bench healing: harmful change {name} was never written ({life.stage})")
            continue
        after = "never" if undone is None else f"{(undone - applied) / _PERIOD:.0f} periods after"
        print(f"bench healing: harmful change {name} {life.stage} ({life.effect}), undone {after}")


def _repair(
    lives: Sequence[ProposalLife], cells: Sequence[str], onset: datetime
) -> ProposalLife | None:
    """Return the repair of a fault: the first that was written after it began, or was proposed."""
    near = [
        life
        for life in lives
        if set(cells) & set(life.proposal.cell_dns) and life.proposal.proposed_at >= onset
    ]
    written = [life for life in near if life.applied_at is not None]
    return (written or near or [None])[0]


def _answers(life: ProposalLife, faults: pl.DataFrame) -> bool:
    return any(
        set(cells) & set(life.proposal.cell_dns) and kind == life.proposal.hypothesis
        for cells, kind in faults.select("cell_dns", "kind").iter_rows()
    )


def _at(life: ProposalLife, kind: str) -> datetime | None:
    return next((entry.at for entry in life.entries if entry.kind == kind), None)
