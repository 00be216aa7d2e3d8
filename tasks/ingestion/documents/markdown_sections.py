"""Markdown as sections: what stands under each heading, in the words of its author.

Text stays text: nothing is rendered, followed or run. A heading inside a code fence, a quote or a
list is none. HTML comments, which no reader of the document sees, are taken out and told apart.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest

from markdown_it import MarkdownIt
from markdown_it.token import Token

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_LONGEST_INLINE = 1 << 16
_HEADING_CHARACTERS = 500
_MOST_SECTIONS = 5_000


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, the headings above it, and the text under it up to the next heading."""

    title: str | None
    path: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class MarkdownText:
    """A document's sections that hold text, its first top heading, and its hidden comments."""

    title: str | None
    sections: Sequence[Section]
    comments: Sequence[str]
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class _Heading:
    """A heading, the lines that it stands on, and whether a line under its words makes it one."""

    level: int
    words: str
    span: list[int]
    is_underlined: bool


def markdown_text(text: str) -> MarkdownText:
    """Return the sections of a Markdown text; any text is some Markdown."""
    source = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")
    lines = source.split("\n")
    tokens = _blocks().parse(source)
    comments = list(_take_comments(tokens, lines))
    opened = [
        (token, tokens[number + 1].content)
        for number, token in enumerate(tokens)
        if token.type == "heading_open" and token.level == 0
    ]
    headings = [
        _Heading(
            int(token.tag[1]), _plain(content), token.map or [0, 0], token.markup in {"-", "="}
        )
        for token, content in opened[: _MOST_SECTIONS + 1]
    ]
    sections = list(_sections(headings, lines))[:_MOST_SECTIONS]
    title = next((it.words for it in headings if it.level == 1 and it.words), None)
    return MarkdownText(title, sections, comments, len(opened) > _MOST_SECTIONS)


@cache
def _blocks() -> MarkdownIt:
    """Return a parser of blocks only: what stands within a line is never needed whole."""
    return MarkdownIt("commonmark").enable("table").disable("inline")


@cache
def _inlines() -> MarkdownIt:
    return MarkdownIt("commonmark")


def _sections(headings: Sequence[_Heading], lines: Sequence[str]) -> Iterator[Section]:
    first = headings[0].span[0] if headings else len(lines)
    before = _joined(lines[:first])
    if before:
        yield Section(None, (), before)
    above: list[_Heading] = []
    for heading, following in zip_longest(headings, headings[1:]):
        end = following.span[0] if following else len(lines)
        above = [*(one for one in above if one.level < heading.level), heading]
        under = _joined(lines[heading.span[1] : end])
        is_last = following is None or following.level <= heading.level
        if not under and is_last and heading.is_underlined:
            # A paragraph that a rule follows at once: Markdown takes it for a heading of nothing.
            under = _joined(lines[heading.span[0] : heading.span[1] - 1])
        if under:
            yield Section(heading.words, tuple(one.words for one in above), under)


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines).strip("\n").rstrip()


def _plain(content: str) -> str:
    """Return a heading's words without marks of emphasis, links or code."""
    words = content[:_HEADING_CHARACTERS]
    parts = [
        child.content
        for token in _inlines().parseInline(words)
        for child in token.children or []
        if child.type in {"text", "code_inline"}
    ]
    return " ".join("".join(parts).split())


def _take_comments(tokens: Sequence[Token], lines: list[str]) -> Iterator[str]:
    """Yield the comments of HTML blocks and of running text, and empty their places in `lines`."""
    for token in tokens:
        if token.map is None or "<!--" not in token.content:
            continue
        if token.type == "html_block":
            yield from _cut(_COMMENT.findall(token.content), token.map, lines)
        elif token.type == "inline" and len(token.content) <= _LONGEST_INLINE:
            found = [
                child.content
                for inline in _inlines().parseInline(token.content)
                for child in inline.children or []
                if child.type == "html_inline" and child.content.startswith("<!--")
            ]
            yield from _cut(found, token.map, lines)


def _cut(comments: Sequence[str], span: list[int], lines: list[str]) -> Iterator[str]:
    start, end = span[0], min(span[1], len(lines))
    whole = "\n".join(lines[start:end])
    for comment in comments:
        whole = whole.replace(comment.rstrip("\n"), "\n" * comment.rstrip("\n").count("\n"), 1)
        yield comment.strip()
    lines[start:end] = whole.split("\n")
