"""Wakings with their delay, read off the ledger: whatever crashed meanwhile, each counts once."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from data_products.cell_wakings.derive import ON_RECORD
from semantic_layer.identity import managed_element_dn
from semantic_layer.periods import Window
from tasks.energy.waking.sleepers import EVIDENCE, TAKEN_BACK, newest_entry
from tasks.messages.proposal_life import ProposalLife

_KEY = ["proposal_id", "cell_dn"]
_TIMES = ("began_at", "seen_at")


def waking_rows(lives: Iterable[ProposalLife]) -> pl.DataFrame:
    """Return a row for each cell that was asked for and written back, as `derive` takes them.

    What was begun to be taken back and still stands half is not told yet.

    Args:
        lives: of proposals to save energy.
    """
    rows = [row for life in lives for row in _rows(life)]
    return pl.DataFrame(rows, schema=ON_RECORD)


def due_window(wakings: pl.DataFrame, standing: pl.DataFrame) -> Window | None:
    """Return the days of wakings that are not published; None where all are.

    Args:
        wakings: rows of the product.
        standing: those published, `proposal_id` and `cell_dn`.
    """
    new = wakings.join(standing.select(_KEY), on=_KEY, how="anti")["woken_at"]
    first, last = new.min(), new.max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        return None
    return Window(first, last + timedelta(microseconds=1)).widened_to("day")


def _rows(life: ProposalLife) -> list[dict[str, Any]]:
    begun, ended = (
        newest_entry(life, "recall_begun"),
        newest_entry(life, TAKEN_BACK.get(life.stage)),
    )
    evidence = begun.payload.get(EVIDENCE) if begun is not None else None
    if evidence is None or ended is None:
        return []
    asked_from = datetime.fromisoformat(evidence["machine_at"])
    common = {
        "proposal_id": life.proposal.proposal_id,
        "asked_at": datetime.fromisoformat(evidence["asked_at"]),
        "deciding_s": max((ended.recorded_at - asked_from).total_seconds(), 0.0),
        "woken_at": ended.at,
    }
    return [
        {
            **common,
            "cell_dn": told["cell_dn"],
            "managed_element_dn": managed_element_dn(told["cell_dn"]) or told["cell_dn"],
            "mode": told["mode"],
            "reason": told["reason"],
            "because_of_dn": told["because_of"],
            "source": told["source"],
            "switch_s": told["switch_s"],
            **{name: datetime.fromisoformat(told[name]) for name in _TIMES},
        }
        for told in evidence["cells"]
    ]
