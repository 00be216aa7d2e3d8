"""Steps of trials: routes asked all cases, beside what works without a model; put under reports."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Protocol, cast

from semantic_layer.errors import InputError
from tasks.action_ports import ChatModel
from tasks.step import step
from tasks.trials.all_trials import all_trials
from tasks.trials.attempts import Attempt, attempts, baseline
from tasks.trials.case_files import Kind
from tasks.trials.report import TrialReport, report_json, report_markdown
from tasks.trials.results import Series
from tasks.trials.trial import Trial
from tasks.wiring import services

NO_ROUTE = "none"
"""Named instead of a route, only what works without a model is tried."""

_LOG = logging.getLogger(__name__)
_TOLD_EVERY = 20


class _Routes(Protocol):
    """A chat that can be narrowed to one route, as that of LiteLLM routes can."""

    def only(self, name: str, *, is_cached: bool = True) -> ChatModel:
        """Return a chat whose roles all ask one route; see `LiteLlmChat.only`."""
        ...


@step
def run_trial(
    route: str,
    beside: str | None = None,
    repeats: int = 4,
    kinds: Sequence[str] = (),
    limit: int | None = None,
) -> str:
    """Try one route, or two, with all cases; return the path of the report in Markdown.

    Args:
        route: of the file of routes, enabled or not; `none` tries no model.
        beside: another one to compare with.
        repeats: how often each case is asked.
        kinds: of work; all where none is named.
        limit: most cases of a kind.

    Raises:
        UnknownNameError: a route or kind is none.
        InputError: repeats or limit leave nothing, or a route is to be compared with itself.
    """
    names = _names(route, beside, repeats)
    chats = [cast("_Routes", services().chat).only(name, is_cached=False) for name in names]
    trials = all_trials(kinds, limit)
    stamp = f"{services().clock.now():%Y%m%dT%H%M%S}"
    name = f"{stamp}-{'-'.join(names or [route])}"
    folder = services().settings.root / "reports" / "trials" / name
    folder.mkdir(parents=True, exist_ok=True)
    tried = [
        _tried(name, attempts(trials, chat, repeats, f"trial-{stamp}-{name}"), folder)
        for name, chat in zip(names, chats, strict=True)
    ]
    count = sum(len(some) for some in trials.values())
    title = f"Trial of {' and '.join(names) or 'no model'}: {count} cases"
    report = TrialReport(
        f"{title}, each asked {repeats} times" if names else title,
        (*tried, *_baselines(trials)),
        len(tried),
    )
    written = folder / "report.md"
    written.write_text(report_markdown(report), encoding="utf-8")
    told = json.dumps(report_json(report), ensure_ascii=False, indent=1)
    (folder / "figures.json").write_text(told + "\n", encoding="utf-8")
    return str(written)


def _names(route: str, beside: str | None, repeats: int) -> list[str]:
    if repeats < 1:
        raise InputError(f"{repeats} repeats ask nothing; name 1 or more, 4 tell pass^4.")
    if beside == route or (beside is not None and NO_ROUTE in (route, beside)):
        raise InputError(
            f"{route} beside {beside} compares nothing; name two routes. What works without a "
            "model stands beside every trial anyway."
        )
    return [name for name in (route, beside) if name is not None and name != NO_ROUTE]


def _tried(name: str, made: Iterator[Attempt], folder: Path) -> Series:
    """Return the series of a route, each attempt written as it is made: trials take long."""
    kept: list[Attempt] = []
    with (folder / f"attempts-{name}.jsonl").open("w", encoding="utf-8") as lines:
        for one in made:
            kept.append(one)
            lines.write(json.dumps(asdict(one), ensure_ascii=False) + "\n")
            lines.flush()
            if len(kept) % _TOLD_EVERY == 0:
                _LOG.info("%s was asked %d times, last %s.", name, len(kept), one.case_id)
    return Series(name, tuple(kept))


def _baselines(trials: Mapping[Kind, Sequence[Trial]]) -> tuple[Series, Series]:
    return (
        Series("no model", tuple(baseline(trials, lambda trial: trial.without_model()))),
        Series("keywords", tuple(baseline(trials, lambda trial: trial.by_keywords()))),
    )
