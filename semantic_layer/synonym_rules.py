"""Rules that synonyms must keep: what they mean exists, and each spelling belongs to one term."""

from collections.abc import Iterator, Mapping, Sequence

from semantic_layer.draft import Draft
from semantic_layer.errors import did_you_mean
from semantic_layer.synonyms import KINDS, Kind, Phrase, plain_words, reference
from semantic_layer.yaml_source import Entry, Problem

_DECLARED: Mapping[Kind, str] = {
    "kpi": "kpi",
    "alarm": "alarm",
    "measurement": "measurement",
    "object_class": "object class",
}
"""Under which kind a draft knows what a reference names."""


def check_synonym_means(draft: Draft) -> Iterator[Problem]:
    """What a term means is a known definition."""
    for item, entry in draft.synonyms.values():
        for text in item.means:
            yield from _reference_problems(draft, text, entry)


def check_synonym_spellings(draft: Draft) -> Iterator[Problem]:
    """A spelling has words, and belongs to one term, whatever its case, marks and plural."""
    seen: dict[Phrase, Entry] = {}
    for item, entry in draft.synonyms.values():
        for key, text in (("name", item.name), *(("also", other) for other in item.also)):
            words = plain_words(text)
            if not words:
                yield entry.problem(
                    f"Term {item.name!r} has a spelling without words: {text!r}.",
                    "Leave it out.",
                    key=key,
                )
                continue
            first = seen.setdefault(words, entry)
            if first is not entry:
                yield entry.problem(
                    f"{text!r} of term {item.name!r} already belongs to {first.name!r} "
                    f"({first.file}, line {first.line}).",
                    "Let one term mean both.",
                    key=key,
                )


def _reference_problems(draft: Draft, text: str, entry: Entry) -> Iterator[Problem]:
    found = reference(text)
    if found is None:
        yield entry.problem(
            f"Term {entry.name!r} means {text!r}, which names no kind and definition"
            f"{did_you_mean(text, _references(draft))}",
            f"Write it like kpi/cell_drop_rate; kinds are {', '.join(KINDS)}.",
            key="means",
        )
        return
    kind, name = found
    known = draft.names(_DECLARED[kind])
    if name not in known:
        yield entry.problem(
            f"Term {entry.name!r} means no known {_DECLARED[kind]} {name!r}"
            f"{did_you_mean(name, known)}",
            key="means",
        )


def _references(draft: Draft) -> Sequence[str]:
    return [f"{kind}/{name}" for kind in KINDS for name in draft.names(_DECLARED[kind])]
