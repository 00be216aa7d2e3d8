"""Findings with looks, verdicts on them, and repairs as the ledger tells of them."""

from datetime import UTC, datetime, timedelta

import polars as pl

from data_products.product import TIME
from semantic_layer.fault_kinds import fault_kinds
from semantic_layer.knowledge_rules import knowledge_rules
from semantic_layer.loading import catalogue
from tasks.adapters.memory_ledger import MemoryLedger
from tasks.knowledge.cases import Words, derived_cases
from tasks.knowledge.observations import Looks, repair_observations, verdict_observations
from tasks.messages.change_sets import ChangeSet, Operation
from tasks.messages.ledger import EntryDraft
from tasks.messages.proposals import ChangeProposal, ExpectedEffect, GuardVerdict

NOW = datetime(2026, 6, 1, tzinfo=UTC)
RULES = knowledge_rules()
WORDS = Words(catalogue(), fault_kinds())
ASLEEP = Looks("NRCellDU", ("mean_active_users below", "rrc_setup_success_rate below"))
NOISY = Looks("NRCellDU", ("ul_interference above",))


class Clock:
    """Stands where it is put."""

    def __init__(self, moment=NOW):
        self.moment = moment

    def now(self):
        return self.moment


def cell(number):
    return f"SubNetwork=1,ManagedElement={number},GNBDUFunction=1,NRCellDU=1"


def weighed(*verdicts):
    """Return weighed verdicts of finding, probability, weight, fault kind, days ago."""
    rows = [
        {
            "anomaly_id": finding,
            "cell_dn": cell(1),
            "anomaly_start": NOW - timedelta(days=days),
            "is_real_probability": probability,
            "weight": weight,
            "n_authors": 1,
            "is_contradicted": False,
            "fault_kind": kind,
            "last_given_at": NOW - timedelta(days=days),
        }
        for finding, probability, weight, kind, days in verdicts
    ]
    schema = {
        "anomaly_id": pl.String,
        "cell_dn": pl.String,
        "anomaly_start": TIME,
        "is_real_probability": pl.Float64,
        "weight": pl.Float64,
        "n_authors": pl.Int64,
        "is_contradicted": pl.Boolean,
        "fault_kind": pl.String,
        "last_given_at": TIME,
    }
    return pl.DataFrame(rows, schema=schema)


def restart(number):
    lock = Operation(
        "MODIFY", cell(number), "NRCellDU", "administrativeState", "UNLOCKED", "LOCKED"
    )
    return ChangeSet((lock, lock.inverse()))


def proposal(number, trigger, hypothesis="sleeping_cell", changes=None):
    return ChangeProposal(
        use_case=f"heal_{hypothesis}",
        proposed_by="healing_agent",
        decided_by="solver",
        proposed_at=NOW - timedelta(days=2),
        change_set=changes or restart(number),
        cell_dns=(cell(number),),
        hypothesis=hypothesis,
        probability=0.9,
        reason="Setups come to nothing.",
        risk="low",
        trigger_ids=(trigger,),
        evidence=(),
        expected=ExpectedEffect("mean_active_users", "higher", (cell(number),), 0.2, 0.1, 1, 4),
        alternatives=(),
        run_id="run",
    )


def repaired(ledger, number, trigger, effect, hypothesis="sleeping_cell", changes=None):
    """Put a repair on the ledger, up to the verdict on its effect; worse is undone."""
    made = proposal(number, trigger, hypothesis, changes)
    at = NOW - timedelta(days=1) + timedelta(minutes=number)
    digest = made.change_set.digest
    verdict = GuardVerdict(made.proposal_id, digest, (), 4, 0, ("limits",), "Policy may.")
    told = [
        ("proposed", {"proposal": made.to_json()}),
        ("judged", {"verdict": verdict.to_json()}),
        ("approved", {"change_digest": digest, "comment": ""}),
        (
            "execution_prepared",
            {
                "attempt": 1,
                "change_digest": digest,
                "rollback": made.change_set.rollback().to_json(),
            },
        ),
        ("applied", {"attempt": 1, "applied_at": at.isoformat()}),
    ]
    if effect is not None:
        told.append(
            ("verified", {"verdict": effect, "effect": 0.0, "measured_until": at.isoformat()})
        )
    if effect == "worse":
        told.append(("undone", {"attempt": 1, "reason": "Worse than its bound."}))
    for kind, payload in told:
        actor = f"policy:{made.use_case}" if kind == "approved" else "healing_agent"
        ledger.append(
            EntryDraft(kind, made.proposal_id, actor, at, payload, f"{kind}:{made.proposal_id}")
        )
    return made.proposal_id


def cases(looks, verdicts=(), ledger=None, now=NOW, rules=RULES):
    """Return cases by cause and remedy, as rows."""
    entries = (ledger or MemoryLedger(Clock())).entries()
    observed = [
        *verdict_observations(weighed(*verdicts), looks, fault_kinds()),
        *repair_observations(entries, looks, rules),
    ]
    rows = derived_cases(observed, rules, WORDS, now).iter_rows(named=True)
    return {(row["cause"], row["remedy"] or ""): row for row in rows}
