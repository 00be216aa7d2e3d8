"""Questions of one session to models: within its budget, checked, asked twice at most, recorded."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Generic, TypeVar

from semantic_layer.agent_rules import agent_rules
from tasks.agents.answering import WrongAnswerError
from tasks.agents.budgets import Allowance
from tasks.agents.outside import AskOutcome, Outside
from tasks.agents.prompting import asked_again
from tasks.agents.recording import Record
from tasks.messages.canonical import digest_of
from tasks.messages.chat import ChatMessage, ChatRequest, ModelRole

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts in a run, for what, and by which dice."""

    identity: str
    use_case: str
    run_id: str
    seed: int
    votes: int


@dataclass(frozen=True, slots=True)
class Reply(Generic[Value]):
    """A checked answer with its route, or why there is none."""

    value: Value | None = None
    route: str = ""
    why: str = ""


class Asker:
    """Asks models for one session.

    Attributes:
        silent: why a role does not answer; one that once had no route, or found the budget used
            up, is not tried again in this session.
    """

    def __init__(
        self, acting: Acting, outside: Outside, record: Record, allowance: Allowance
    ) -> None:
        self._acting = acting
        self._outside = outside
        self._record = record
        self._allowance = allowance
        self.silent: dict[ModelRole, str] = {}

    def is_silent(self, role: ModelRole) -> bool:
        """Tell whether a question to the role would go unanswered."""
        return role in self.silent

    def asked(
        self,
        role: ModelRole,
        prompt: str,
        messages: tuple[ChatMessage, ...],
        schema: Mapping[str, Any],
        check: Callable[[str], Value],
        vote: int = 0,
    ) -> Reply[Value]:
        """Return what `check` makes of an answer; asked once more where it raises.

        Args:
            role: which kind of work.
            prompt: its name, for the record.
            messages: the question.
            schema: of the answer; empty for plain text.
            check: raises `WrongAnswerError` with a sentence that the model is told.
            vote: number of the vote, which moves the seed.
        """
        request = ChatRequest(
            role,
            messages,
            schema,
            self._acting.use_case,
            self._acting.run_id,
            self._acting.seed + vote,
            most_tokens=agent_rules().most_answer_tokens,
        )
        why = ""
        for _ in range(2):
            outcome = self._exchanged(prompt, request)
            if outcome.answer is None:
                return Reply(why=outcome.error)
            try:
                return Reply(check(outcome.answer.text), outcome.answer.route)
            except WrongAnswerError as error:
                self._record.add("answer_rejected", {"prompt": prompt, "why": str(error)})
                why = f"{outcome.answer.route} gave no usable answer twice: {error}"
                again = asked_again(request.messages, outcome.answer.text, str(error))
                request = replace(request, messages=again)
        return Reply(why=why)

    def _exchanged(self, prompt: str, request: ChatRequest) -> AskOutcome:
        """Send a question, unless its role is silent or no question is left, and record it."""
        began = self._record.now()
        told: dict[str, Any] = {"prompt": prompt, "role": request.role}
        silent = self.silent.get(request.role)
        if silent is not None:
            outcome = AskOutcome("no_route", error=silent)
            told["request_digest"] = digest_of(asdict(request))
        elif not self._allowance.take_question():
            outcome = AskOutcome("over_budget", error="The run has used up its questions.")
            told["request_digest"] = digest_of(asdict(request))
        else:
            outcome = self._outside.ask(self._record.place, request)
            told["request"] = asdict(request)
        self._note(told, outcome, began.timestamp())
        if outcome.answer is None:
            self.silent.setdefault(request.role, outcome.error)
        return outcome

    def _note(self, told: dict[str, Any], outcome: AskOutcome, began: float) -> None:
        told |= {"outcome": outcome.outcome, "error": outcome.error}
        measured: dict[str, Any] = {"began": began, "ended": self._record.now().timestamp()}
        if outcome.answer is not None:
            answer = asdict(outcome.answer)
            told["answer"] = {name: answer.pop(name) for name in ("text", "route", "model")}
            measured |= answer
        self._record.add("model_asked", told, measured)
