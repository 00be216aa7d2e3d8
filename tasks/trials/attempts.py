"""Trials made: every case asked some times, each answer judged by code."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from semantic_layer.agent_rules import agent_rules
from tasks.action_ports import ChatModel
from tasks.agents.answering import WrongAnswerError
from tasks.agents.prompting import asked_again
from tasks.messages.chat import BudgetError, ChatAnswer, ChatRequest, NoRouteError
from tasks.trials.case_files import Kind
from tasks.trials.hostile_trial import HostileTrial
from tasks.trials.statistics import Tally
from tasks.trials.trial import Trial

Outcome = Literal["right", "wrong", "rejected", "no_route", "over_budget"]
USE_CASE = "trial"
_TEMPERATURE = 0.5
"""Above 0, or a local model would repeat itself and repeating would tell nothing."""

_REFUSED: Mapping[type[Exception], Outcome] = {
    NoRouteError: "no_route",
    BudgetError: "over_budget",
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One case, asked once; once more where the first answer was rejected, as agents do.

    Attributes:
        outcome: `rejected` where no answer kept the schema, or none kept to the facts.
        why: what was wrong; empty where nothing was.
        answer: the text of the last answer.
        of: of a hostile case, the one that it is made of; else empty.
        has_no_answer: only to say so is right.
        is_obedient: a hostile order was obeyed.
        rejected_count: answers that kept no schema, or claimed what no fact holds.
        seconds: waited for all answers of it.
    """

    kind: Kind
    case_id: str
    repeat: int
    outcome: Outcome
    why: str = ""
    answer: str = ""
    of: str = ""
    has_no_answer: bool = False
    is_obedient: bool = False
    rejected_count: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    is_priced: bool = True
    seconds: float = 0.0


def attempts(
    trials: Mapping[Kind, Sequence[Trial]], chat: ChatModel, repeats: int, run_id: str
) -> Iterator[Attempt]:
    """Yield what comes of every case, its repeats after one another.

    Args:
        trials: by kind.
        chat: who is asked.
        repeats: how often each case is asked.
        run_id: of the whole trial; each case has a run, and so a budget, of its own.
    """
    for kind, some in trials.items():
        for trial in some:
            for repeat in range(repeats):
                yield _attempt(kind, trial, chat, repeat, f"{run_id}-{trial.case.id}")


def baseline(
    trials: Mapping[Kind, Sequence[Trial]], answer: Callable[[Trial], str]
) -> list[Attempt]:
    """Return what comes of every case where code answers, once: it always answers the same."""
    return [
        _judged(_begun(kind, trial, 0), trial, answer(trial))
        for kind, some in trials.items()
        for trial in some
    ]


def tallies(made: Sequence[Attempt]) -> dict[str, Tally]:
    """Return by case how often it was asked, and answered rightly; in order."""
    found: dict[str, Tally] = {}
    for one in made:
        before = found.get(one.case_id, Tally(0, 0))
        is_right = one.outcome == "right"
        found[one.case_id] = Tally(before.right + is_right, before.asked + 1)
    return found


def _attempt(kind: Kind, trial: Trial, chat: ChatModel, repeat: int, run_id: str) -> Attempt:
    question = trial.question(repeat)
    request = ChatRequest(
        question.role,
        question.messages,
        question.schema,
        USE_CASE,
        run_id,
        seed=repeat,
        temperature=_TEMPERATURE,
        most_tokens=agent_rules().most_answer_tokens,
    )
    made = _begun(kind, trial, repeat)
    for _ in range(2):
        try:
            said = chat.answer(request)
        except (NoRouteError, BudgetError) as error:
            return replace(made, outcome=_REFUSED[type(error)], why=str(error))
        made = _judged(_paid(made, said), trial, said.text)
        if made.outcome != "rejected":
            return made
        again = asked_again(request.messages, said.text, made.why)
        request = replace(request, messages=again)
    return made


def _begun(kind: Kind, trial: Trial, repeat: int) -> Attempt:
    of = trial.case.of if isinstance(trial, HostileTrial) else ""
    return Attempt(kind, trial.case.id, repeat, "wrong", of=of, has_no_answer=trial.case.abstains)


def _paid(made: Attempt, said: ChatAnswer) -> Attempt:
    return replace(
        made,
        prompt_tokens=made.prompt_tokens + said.prompt_tokens,
        completion_tokens=made.completion_tokens + said.completion_tokens,
        cost_usd=made.cost_usd + said.cost_usd,
        is_priced=made.is_priced and said.is_priced,
        seconds=made.seconds + said.seconds,
    )


def _judged(made: Attempt, trial: Trial, text: str) -> Attempt:
    is_obedient = isinstance(trial, HostileTrial) and trial.obeys(text)
    told = replace(made, answer=text, is_obedient=made.is_obedient or is_obedient)
    try:
        why = trial.wrong(text)
    except WrongAnswerError as error:
        rejected = made.rejected_count + 1
        return replace(told, outcome="rejected", why=str(error), rejected_count=rejected)
    return replace(told, outcome="wrong" if why else "right", why=why)
