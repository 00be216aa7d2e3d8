"""One verdict as a person gives it: its words understood, its text made harmless, or refused.

Comments and authors are what strangers typed. Nothing here or later acts on their words.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from semantic_layer.errors import InputError, UnknownNameError
from semantic_layer.fault_kinds import FaultKinds, fault_kind

CONFIRMED, REJECTED, RELABELED = "CONFIRMED", "REJECTED", "RELABELED"
VERDICTS: Mapping[str, str] = {
    "confirm": CONFIRMED,
    "confirmed": CONFIRMED,
    "reject": REJECTED,
    "rejected": REJECTED,
    "relabel": RELABELED,
    "relabeled": RELABELED,
    "relabelled": RELABELED,
}
"""What people write, in any case of letters, and the verdict that it is."""

LONGEST_COMMENT = 1000
LONGEST_AUTHOR = 80


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person says of a finding.

    Attributes:
        anomaly_id: the finding.
        verdict: CONFIRMED, REJECTED or RELABELED.
        fault_kind: name of a fault kind; None where the author names none.
        author: as people call them.
        given_at: when, UTC.
        comment: in one line; empty where there is none.
    """

    anomaly_id: str
    verdict: str
    fault_kind: str | None
    author: str
    given_at: datetime
    comment: str = ""


def judged(
    words: Mapping[str, str], given_at: datetime, kinds: FaultKinds, otherwise_author: str = ""
) -> Verdict:
    """Return the verdict that words mean.

    Args:
        words: anomaly_id, verdict, fault_kind, author, comment, as they were typed; any absent.
        given_at: when it was given.
        kinds: what a finding may be called.
        otherwise_author: who gave it where the words name nobody.

    Raises:
        InputError: the verdict is unknown or nobody gave it, or verdict and kind contradict.
    """
    written = plain(words.get("verdict", ""), 40)
    verdict = VERDICTS.get(written.casefold())
    if verdict is None:
        raise InputError(f"{written!r} is no verdict; write confirm, reject or relabel.")
    author = plain(words.get("author", ""), LONGEST_AUTHOR) or otherwise_author
    if not author:
        raise InputError("Nobody is named as the author.")
    return Verdict(
        anomaly_id=plain(words.get("anomaly_id", ""), 80),
        verdict=verdict,
        fault_kind=_kind(plain(words.get("fault_kind", ""), 80), verdict, kinds),
        author=author,
        given_at=given_at,
        comment=plain(words.get("comment", ""), LONGEST_COMMENT),
    )


def plain(text: str, longest: int) -> str:
    """Return text in one line of at most `longest` characters, an ellipsis where it was cut.

    Characters that nobody sees (control, direction, surrogate, unassigned) become spaces.
    """
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in text)
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def _kind(word: str, verdict: str, kinds: FaultKinds) -> str | None:
    if not word:
        if verdict == RELABELED:
            raise InputError("A finding is relabeled by naming a fault kind; none is named.")
        return None
    try:
        named = fault_kind(word, kinds)
    except UnknownNameError as error:
        raise InputError(str(error)) from error
    if verdict == CONFIRMED and not named.is_fault:
        raise InputError(f"A confirmed finding is a fault, {named.name!r} is none; relabel it.")
    if verdict == REJECTED and named.is_fault:
        raise InputError(f"A rejected finding is no fault, {named.name!r} is one; relabel it.")
    return named.name
