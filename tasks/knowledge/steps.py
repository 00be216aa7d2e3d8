"""Steps of knowledge: documents become passages, experience becomes cases; both can be found."""

import logging
from datetime import datetime

import polars as pl

from data_products.lineage import LINEAGE_COLUMNS, Snapshot
from data_products.operations_knowledge.derive import derive
from semantic_layer.fault_kinds import fault_kinds
from semantic_layer.knowledge_rules import knowledge_rules
from semantic_layer.loading import catalogue
from semantic_layer.periods import Window
from tasks.knowledge.cases import CASE_SCHEMA, Words, case_key, derived_cases, outcome_says
from tasks.knowledge.indexed_passages import (
    CASES,
    DOCUMENTS,
    case_passages,
    changed_span,
    differences,
    document_passages,
)
from tasks.knowledge.knowledge_text import cases_text as text_of_cases
from tasks.knowledge.knowledge_text import found_text
from tasks.knowledge.observations import (
    Looks,
    Observation,
    looks_of_findings,
    repair_observations,
    verdict_observations,
)
from tasks.messages.ledger import EntryDraft
from tasks.messages.passages import FoundPassage, Passage, PassageFilter
from tasks.step import run_id, step
from tasks.wiring import services

_LOG = logging.getLogger(__name__)
_DOCUMENTS, _PASSAGES, _CASES = (
    "operations_documents",
    "operations_knowledge",
    "operations_knowledge.cases",
)
_FINDINGS, _NEAR, _ALARMS, _VERDICTS = (
    "cell_anomalies",
    "cell_anomalies.evidence",
    "alarms",
    "finding_verdicts.weighed",
)
_LEARNER = "learn_cases"


@step
def index_knowledge(window: Window | None = None) -> Snapshot:
    """Publish the passages of documents, and let the index hold exactly what is published.

    Where nothing changed nothing is published, and the index is not even opened.

    Args:
        window: documents that hold only after it are left for a later run; those published
            already stay. None takes all.

    Returns:
        The snapshot of `operations_knowledge` that the index mirrors.
    """
    tables = services().tables
    read = tables.snapshot(_DOCUMENTS)
    sections = _rows(_DOCUMENTS)
    standing = _rows(_PASSAGES)
    if window is not None:
        newest = standing["valid_from"].max()
        sections = sections.filter(
            (pl.col("valid_from") < window.end) | (pl.col("valid_from") <= pl.lit(newest))
        )
    made = derive(sections, knowledge_rules())
    span = changed_span(standing, made.rows, "passage_id", "valid_from")
    published = tables.snapshot(_PASSAGES)
    if span is not None:
        rows = made.rows.filter(pl.col("valid_from").is_between(span.start, span.end, "left"))
        left = made.left_out if made.left_out.height else None
        published = services().door.publish(_PASSAGES, span, rows, [read], run_id(), left)
    _mirror(DOCUMENTS, document_passages(_rows(_PASSAGES)))
    return published


@step
def learn_cases() -> int:
    """Publish the cases that verdicts and repairs bear out, let them be found, and say so.

    Each proposal whose repair was verified or undone has its lesson put on the ledger, once.

    Returns:
        How many cases changed.
    """
    chosen, rules = services(), knowledge_rules()
    entries = chosen.ledger.entries()
    looks = _looks()
    repairs = repair_observations(entries, looks, rules)
    observed = [*verdict_observations(_rows(_VERDICTS), looks, fault_kinds()), *repairs]
    words = Words(catalogue(), fault_kinds())
    due = derived_cases(observed, rules, words, chosen.network_clock.now())
    changed = _publish_cases(due)
    _mirror(CASES, case_passages(_rows(_CASES), rules))
    known = {entry.key for entry in entries}
    for one in repairs:
        if _lesson_key(one) not in known:
            chosen.ledger.append(_lesson(one))
    return changed


@step
def find_passages(
    question: str,
    where: PassageFilter,
    collections: tuple[str, ...] = (DOCUMENTS, CASES),
    limit: int = 5,
) -> dict[str, list[FoundPassage]]:
    """Return the passages that answer a question best, by collection."""
    index = services().knowledge
    return {name: index.search(name, question, limit=limit, where=where) for name in collections}


@step
def search_text(
    question: str,
    domain: str = "",
    object_class: str = "",
    at: datetime | None = None,
    limit: int = 5,
) -> str:
    """Return as text what documents and cases say to a question.

    Args:
        question: in words.
        domain: of the documents; empty for all.
        object_class: that they speak of; empty for all.
        at: as they stood then; None is the network's present.
        limit: most of each collection.
    """
    where = PassageFilter(
        labels={"domain": domain} if domain else {},
        object_class=object_class or None,
        valid_at=at or services().network_clock.now(),
    )
    return found_text(find_passages.fn(question, where, limit=limit))


@step
def cases_text() -> str:
    """Return the published cases as text, the most believed first."""
    return text_of_cases(published_cases.fn())


@step
def published_cases() -> pl.DataFrame:
    """Return the cases as far as the reader may see them, the most believed first."""
    chosen = services()
    rows = chosen.reader.read(
        _CASES, identity=chosen.settings.identity, purpose="anops knowledge cases"
    )
    cases = rows.drop(*LINEAGE_COLUMNS, strict=False).collect()
    return cases.sort("weight", "case_id", descending=[True, False])


def _mirror(collection: str, passages: list[Passage]) -> None:
    """Let a collection hold these passages and no others."""
    index = services().knowledge
    lacking = differences(passages, index.held(collection))
    if lacking.to_put or lacking.to_remove:
        index.remove(collection, lacking.to_remove)
        index.put(collection, lacking.to_put)
        _LOG.info(
            "%s: %s passages put, %s forgotten.",
            collection,
            len(lacking.to_put),
            len(lacking.to_remove),
        )


def _publish_cases(due: pl.DataFrame) -> int:
    """Publish the time in which cases differ from what stands; return how many do."""
    tables = services().tables
    standing = _rows(_CASES).select(*CASE_SCHEMA)
    span = changed_span(standing, due, "case_id", "first_seen_at")
    if span is None:
        return 0
    inputs = [tables.snapshot(name) for name in (_FINDINGS, _NEAR, _ALARMS, _VERDICTS)]
    rows = due.filter(pl.col("first_seen_at").is_between(span.start, span.end, "left"))
    services().door.publish(_CASES, span, rows, inputs, run_id())
    flat = [pl.col("signs", "source_ids").list.join("\n")]
    told, stands = (frame.with_columns(flat) for frame in (due, standing))
    return told.join(stands, on=told.columns, how="anti", nulls_equal=True).height


def _looks() -> dict[str, Looks]:
    """Return what every published finding looked like."""
    tables = services().tables
    found = tables.read(
        _FINDINGS, columns=["anomaly_id", "window_start", "cell_dn", "contributions"]
    )
    findings = (
        found.collect().sort("window_start").unique("anomaly_id", keep="last", maintain_order=True)
    )
    near = tables.read(_NEAR, columns=["anomaly_id", "evidence_kind", "reference_id", "relation"])
    own = near.filter(
        pl.col("evidence_kind") == "alarm", pl.col("relation") == "same_cell"
    ).unique()
    named = tables.read(_ALARMS, columns=["alarm_id", "alarm_name"]).unique()
    alarms = own.join(named, left_on="reference_id", right_on="alarm_id").collect()
    return looks_of_findings(findings, alarms.drop_nulls("alarm_name"), knowledge_rules())


def _lesson(one: Observation) -> EntryDraft:
    titles = {name: kind.title for name, kind in fault_kinds().items()}
    return EntryDraft(
        kind="outcome_learned",
        subject_id=one.source_id,
        actor=_LEARNER,
        at=one.at,
        payload={"case_id": case_key(one).case_id, "says": outcome_says(one, titles)},
        key=_lesson_key(one),
    )


def _lesson_key(one: Observation) -> str:
    return f"learned:{one.source_id}"


def _rows(table: str) -> pl.DataFrame:
    return services().tables.read(table).drop(*LINEAGE_COLUMNS, strict=False).collect()
