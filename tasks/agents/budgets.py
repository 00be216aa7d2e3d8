"""How many tool calls and questions a run has left; branches get shares, so that no race decides.

A share is fixed before branches start: which branch gets the last call never depends on speed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from semantic_layer.agent_rules import agent_rules


@dataclass(frozen=True, slots=True)
class Budget:
    """What one run may use.

    Attributes:
        calls: of tools, all branches together.
        questions: to models, all branches together, repeated ones included.
        seconds: of the clock since the run began.
    """

    calls: int
    questions: int
    seconds: float


def packaged_budget() -> Budget:
    """Return the budget that the rules of agents give every run."""
    rules = agent_rules()
    return Budget(rules.most_calls, rules.most_questions, rules.most_seconds)


class Allowance:
    """What one session has left, and the numbers of its calls.

    Args:
        calls: calls of tools left.
        questions: questions to models left.
        first_call: number of the first call, from 1.
    """

    def __init__(self, calls: int, questions: int, first_call: int = 1) -> None:
        self.calls = calls
        self.questions = questions
        self._next_call = first_call

    def take_call(self) -> int:
        """Return the number of a call and count it; 0 when none is left."""
        if self.calls < 1:
            return 0
        self.calls -= 1
        self._next_call += 1
        return self._next_call - 1

    def take_question(self) -> bool:
        """Count a question; tell whether one was left."""
        if self.questions < 1:
            return False
        self.questions -= 1
        return True

    def shares(self, count: int) -> list["Allowance"]:
        """Return what each of `count` branches may use: equal parts, the first ones the rest."""
        calls, questions = _parts(self.calls, count), _parts(self.questions, count)
        shares, first = [], self._next_call
        for share_of_calls, share_of_questions in zip(calls, questions, strict=True):
            shares.append(Allowance(share_of_calls, share_of_questions, first))
            first += share_of_calls
        return shares

    def take_back(self, shares: Sequence["Allowance"]) -> None:
        """Keep what the branches left; numbers of their unused calls are never given again."""
        if shares:
            self._next_call += self.calls
            self.calls = sum(share.calls for share in shares)
            self.questions = sum(share.questions for share in shares)


def _parts(whole: int, count: int) -> list[int]:
    each, rest = divmod(whole, count) if count else (0, 0)
    return [each + (place < rest) for place in range(count)]
