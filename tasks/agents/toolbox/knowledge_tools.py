"""Tools of knowledge: passages of documents and validated cases, found by meaning and by word."""

from semantic_layer.errors import InputError, TransientError
from tasks.agents.toolbox.arguments import OfWords
from tasks.agents.toolbox.sources import ToolSources, failed
from tasks.agents.toolbox.values import told_row
from tasks.agents.tools import ToolFailedError, ToolResult
from tasks.messages.canonical import JsonValue
from tasks.messages.passages import FoundPassage, PassageFilter

DOCUMENTS, CASES = "documents", "cases"
_MOST_CHARS = 700


def search_documents(sources: ToolSources, asked: OfWords) -> ToolResult:
    """Return passages of runbooks, procedures and reports that fit a query."""
    return _searched(sources, DOCUMENTS, asked)


def search_cases(sources: ToolSources, asked: OfWords) -> ToolResult:
    """Return validated cases of the past that fit a query, with how far each proved right."""
    return _searched(sources, CASES, asked)


def _searched(sources: ToolSources, collection: str, asked: OfWords) -> ToolResult:
    index = sources.knowledge
    if index is None:
        raise ToolFailedError(
            f"{collection} cannot be searched for {asked.query!r}: this run has no index; "
            "index-knowledge fills one."
        )
    where = PassageFilter(
        labels={"kind": asked.kind} if asked.kind else {},
        object_class=asked.object_class,
        valid_at=sources.window.end,
    )
    key = (collection, asked.query, asked.limit, asked.kind, asked.object_class)
    try:
        found = sources.frames.once(
            ("search", *key),
            lambda: index.search(collection, asked.query, limit=asked.limit, where=where),
        )
    except (TransientError, InputError) as error:
        raise failed(f"{collection} for {asked.query!r}", None, str(error)) from error
    return ToolResult(
        tuple(_row(one) for one in found),
        f"{len(found)} passages of {collection} fit the query, the best first.",
        tuple(one.passage.passage_id for one in found),
        is_untrusted=True,
    )


def _row(found: FoundPassage) -> dict[str, JsonValue]:
    passage = found.passage
    return told_row(
        passage_id=passage.passage_id,
        title=passage.title,
        text=passage.text[:_MOST_CHARS],
        source=passage.source,
        kind=passage.labels.get("kind"),
        domain=passage.labels.get("domain"),
        weight=passage.weight,
        score=found.score,
    )
