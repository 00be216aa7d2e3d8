"""Choosing a tool: which call, with which arguments, would answer a question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, cast

from pydantic import ValidationError, create_model

from semantic_layer.errors import DefinitionError
from semantic_layer.periods import Window
from tasks.agents.answering import answer_of, told_of
from tasks.agents.planning import STOP, NextCall
from tasks.agents.prompting import question
from tasks.agents.toolbox.sources import ToolSources
from tasks.agents.toolbox.toolbox import toolbox
from tasks.agents.tools import Tool
from tasks.messages.canonical import JsonValue
from tasks.ports import DataReader
from tasks.trials.case_files import ToolCase
from tasks.trials.tool_words import Call, call_by_keywords, call_of_script
from tasks.trials.trial import Question

_FREE = ("query", "kind", "object_class", "limit")
"""Arguments of a search, which may be put in several ways."""


@dataclass(frozen=True)
class ToolTrial:
    """Implements `Trial` for calls of tools; nothing is called."""

    case: ToolCase

    def __post_init__(self) -> None:
        wrong = "" if self.case.tool == STOP else _refused(self.case.tool, self.right_arguments)
        if wrong:
            raise DefinitionError(f"Case {self.case.id} expects a call that is none: {wrong}")

    @property
    def right_arguments(self) -> Mapping[str, Any]:
        """Return what the call must hold; a query that holds every word where one is asked for."""
        words = " ".join(some[0] for some in self.case.words)
        return {**self.case.arguments, **({"query": words} if words else {})}

    def question(self, repeat: int, untrusted: Mapping[str, str] | None = None) -> Question:  # noqa: ARG002
        """Return the question as planners are asked it, the tools first, for they never change."""
        facts: dict[str, JsonValue] = {
            "found": [],
            "offered_tools": _offers(),
            "your_goal": self.case.question,
        }
        schema = _answer_model().model_json_schema()
        return Question("planner", question("plan_next_call", facts, untrusted), schema)

    def wrong(self, text: str) -> str:
        """Return what differs from the right call, defaults filled in."""
        told, right = answer_of(text, _answer_model()), self.case
        if told.tool != right.tool:
            return f"the tool is {right.tool}, not {told.tool}"
        if told.tool == STOP:
            return ""
        refused = _refused(told.tool, told.arguments)
        if refused:
            return f"{told.tool} would refuse: {refused}"
        given, meant = _filled(told.tool, told.arguments), _filled(right.tool, self.right_arguments)
        differing = [name for name in meant if name not in _FREE and given[name] != meant[name]]
        if differing:
            return f"{', '.join(differing)} of {told.tool} differ"
        return _lacking(str(given.get("query", "")), right.words)

    def without_model(self, untrusted: Sequence[str] = ()) -> str:  # noqa: ARG002
        """Return the first call of an agent's script for what the question names."""
        return _text(call_of_script(self.case.question))

    def by_keywords(self, untrusted: Sequence[str] = ()) -> str:
        """Return the tool that words of all text point at."""
        return _text(call_by_keywords(" ".join((*untrusted, self.case.question))))


def _text(call: Call) -> str:
    tool, arguments = call
    return NextCall(tool=tool, arguments=dict(arguments)).model_dump_json()


def _lacking(query: str, words: Sequence[Sequence[str]]) -> str:
    small = query.casefold()
    lacks = [some[0] for some in words if not any(one.casefold() in small for one in some)]
    return f"the query lacks {', '.join(lacks)}" if lacks else ""


@cache
def _tools() -> Mapping[str, Tool]:
    """Return the tools as they are offered; over no sources, for none is called."""
    return toolbox(ToolSources(cast("DataReader", None), "trial", None, None, cast("Window", None)))


@cache
def _offers() -> list[JsonValue]:
    return [
        {
            "name": name,
            "says": tool.definition.description,
            "arguments": tool.arguments.model_json_schema(),
        }
        for name, tool in sorted(_tools().items())
    ]


@cache
def _answer_model() -> type[NextCall]:
    names = (*sorted(_tools()), STOP)
    tool: Any = (Literal[names], ...)
    return create_model("NextCall", __base__=NextCall, tool=tool)


def _refused(tool: str, arguments: Mapping[str, Any]) -> str:
    if tool not in _tools():
        return f"there is no tool {tool!r}."
    try:
        _filled(tool, arguments)
    except ValidationError as error:
        return told_of(error)
    return ""


def _filled(tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    model = _tools()[tool].arguments.model_validate(arguments)
    given = model.model_dump(mode="json")
    if "kpis" in given:
        given["kpis"] = sorted(given["kpis"])
    return given
