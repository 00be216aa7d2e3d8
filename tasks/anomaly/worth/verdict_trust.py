"""How far each author's verdicts are believed, and what they say together of each finding.

Authors differ: one rejects everything to empty the screen, one confirms everything to be safe, one
errs now and then. Who a verdict comes from tells what it is worth: a rejection by somebody who
never confirms says nothing. Each author's rates of being right, on real findings and on false
ones, are learnt together with what each finding is (Dawid and Skene 1979), starting from what is
believed before any verdict.
"""

import numpy as np
import polars as pl
from scipy.special import expit, logit

from tasks.anomaly.arrays import Floats, Integers, Schema

_ROUNDS = 50
_PSEUDO_VERDICTS = 6.0  # worth of belief in an unknown author's usual rates
_FURTHEST = 0.02

WEIGHED: Schema = {
    "anomaly_id": pl.String,
    "is_real_probability": pl.Float64,
    "weight": pl.Float64,
}
"""What verdicts say of a finding, all authors together."""

AUTHORS: Schema = {
    "author": pl.String,
    "verdicts": pl.UInt32,
    "confirms_real": pl.Float64,
    "rejects_false": pl.Float64,
    "trust": pl.Float64,
}
"""How an author judges: rates of being right, and `trust`, 0 (says nothing) to 1 (always right)."""


def weighed_by_author(
    verdicts: pl.DataFrame, believed: pl.DataFrame, wrong_share: float
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return `WEIGHED`, one row a finding, and `AUTHORS`, one row an author, both sorted.

    A finding's weight is the most that any verdict on it tells, so that a finding with only
    worthless verdicts teaches nothing. Its probability is what those verdicts say, without what
    was believed before: the model that learns from it has that belief of its own.

    Args:
        verdicts: anomaly_id, author, is_real_probability and weight, a row a verdict; a half or
            more is a verdict for a real problem.
        believed: anomaly_id, probability before any verdict; a half where a finding lacks.
        wrong_share: of an unknown author's verdicts, the share that is mistaken.
    """
    rows = verdicts.drop_nulls(["anomaly_id", "author"]).join(
        believed.select("anomaly_id", "probability").unique("anomaly_id", keep="first"),
        on="anomaly_id",
        how="left",
    )
    if rows.is_empty():
        return pl.DataFrame(schema=WEIGHED), pl.DataFrame(schema=AUTHORS)
    findings, item = _numbered(rows["anomaly_id"])
    authors, who = _numbered(rows["author"])
    says = (rows["is_real_probability"].to_numpy() >= 0.5).astype(np.float64)
    weight = rows["weight"].to_numpy().astype(np.float64)
    before = np.full(len(findings), 0.5)
    before[item] = rows["probability"].fill_null(0.5).to_numpy()
    before = np.clip(before, 0.05, 0.95)
    rates = np.full((2, len(authors)), 1 - wrong_share)
    for _ in range(_ROUNDS):
        told = _told(says, who, rates)
        real = expit(logit(before) + np.bincount(item, weight * told, len(findings)))
        rates = _rates(says, who, weight, real[item], 1 - wrong_share)
    told = _told(says, who, rates)
    together = np.bincount(item, weight * told, len(findings))
    trust = np.clip(rates.sum(axis=0) - 1, 0, 1)
    most = np.zeros(len(findings))
    np.maximum.at(most, item, weight * trust[who])
    weighed = {
        "anomaly_id": findings,
        "is_real_probability": np.clip(expit(together), wrong_share, 1 - wrong_share),
        "weight": most,
    }
    known = {
        "author": authors,
        "verdicts": np.bincount(who, minlength=len(authors)),
        "confirms_real": rates[0],
        "rejects_false": rates[1],
        "trust": trust,
    }
    return pl.DataFrame(weighed, schema=WEIGHED), pl.DataFrame(known, schema=AUTHORS)


def _numbered(names: pl.Series) -> tuple[list[str], Integers]:
    known = names.unique().sort().to_list()
    return known, names.cast(pl.Enum(known)).to_physical().to_numpy().astype(np.intp)


def _told(says: Floats, who: Integers, rates: Floats) -> Floats:
    """Return the log-odds that each verdict adds, given how its author judges."""
    confirms, rejects = rates[0][who], rates[1][who]
    if_real = says * confirms + (1 - says) * (1 - confirms)
    if_false = says * (1 - rejects) + (1 - says) * rejects
    return np.asarray(np.log(if_real / if_false))


def _rates(says: Floats, who: Integers, weight: Floats, real: Floats, usual: float) -> Floats:
    """Return [2, authors]: how often each confirms what is real, and rejects what is not."""

    def rate(right: Floats, among: Floats) -> Floats:
        hits = np.bincount(who, weight * among * right) + _PSEUDO_VERDICTS * usual
        return np.asarray(hits / (np.bincount(who, weight * among) + _PSEUDO_VERDICTS))

    both = np.stack([rate(says, real), rate(1 - says, 1 - real)])
    return np.asarray(np.clip(both, _FURTHEST, 1 - _FURTHEST))
