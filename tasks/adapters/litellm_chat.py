"""Language models by LiteLLM routes: fallbacks, retries, limits, cache, and costs on record.

Where no route can answer that is said at once, and LiteLLM, which takes seconds to import, is
left alone.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tasks.adapters.chat_budget import RunBudgets, Spending
from tasks.adapters.chat_cache import AnswerCache, question_key
from tasks.adapters.chat_costs import CostLine, Outcome, record_cost
from tasks.adapters.litellm_calls import completion, named_secret
from tasks.adapters.litellm_chat_outcomes import Call, Completion, RouteError
from tasks.adapters.litellm_chat_rests import RouteRests
from tasks.adapters.litellm_chat_routes import ModelRoutes, Route, load_model_routes
from tasks.adapters.local_llama import LocalLlama
from tasks.messages.chat import BudgetError, ChatAnswer, ChatRequest, ModelRole, NoRouteError

_LOG = logging.getLogger(__name__)
_CHARS_A_TOKEN = 3
_TOKENS_A_MESSAGE = 8
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True)
class RouteState:
    """How a route stands, found without asking it.

    Attributes:
        lack: why it would not be asked now; empty where it would.
    """

    role: ModelRole
    route: Route
    lack: str


class LiteLlmChat:
    """Implements `ChatModel` by routes; safe to ask from several threads and processes at once.

    Args:
        routes: which there are, which role asks which, and what a run may use.
        folder: for answers, costs, what runs used and which routes rest.
        local: the model that runs in this process.
        secret: returns the value of a named secret; None where there is none.
        now: the present, in seconds.
    """

    def __init__(
        self,
        routes: ModelRoutes,
        folder: Path,
        local: LocalLlama,
        secret: Callable[[str], str | None] = named_secret,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._routes = routes
        self._folder = folder
        self._local = local
        self._secret = secret
        self._now = now
        self._costs = folder / "costs"
        self._budgets = RunBudgets(folder / "runs", now)
        self._rests = RouteRests(folder / "resting.json", now)
        limits = routes.cache
        self._cache = AnswerCache(folder / "answers", limits.days, limits.megabytes, now)

    @classmethod
    def at(
        cls,
        routes_file: Path,
        folder: Path,
        local_model: Path | None = None,
        secret: Callable[[str], str | None] = named_secret,
    ) -> "LiteLlmChat":
        """Return the chat of a file of routes.

        Args:
            routes_file: see `litellm_chat_routes`.
            folder: where it keeps what it must remember.
            local_model: GGUF file of routes whose model begins with `local/`.
            secret: returns the value of an environment variable that a route names.

        Raises:
            DefinitionError: the file cannot be used.
        """
        return cls(load_model_routes(routes_file), folder, LocalLlama(local_model), secret)

    def only(self, name: str, *, is_cached: bool = True) -> "LiteLlmChat":
        """Return a chat whose roles all ask one route, enabled or not, and no other.

        Args:
            name: of the route.
            is_cached: False asks anew whatever was asked before, as trials of models must.

        Raises:
            UnknownNameError: there is no such route.
        """
        return LiteLlmChat(
            self._routes.only(name, is_cached=is_cached),
            self._folder,
            self._local,
            self._secret,
            self._now,
        )

    def answer(self, request: ChatRequest) -> ChatAnswer:
        """Return what the first route that works answers; see `ChatModel.answer`."""
        tried: list[str] = []
        over: BudgetError | None = None
        routes = self._routes.of_role(request.role)
        for route in routes:
            if not route.enabled:
                continue
            try:
                return self._kept(route, request) or self._fresh(route, request)
            except RouteError as error:
                tried.append(f"{route.name}: {error}")
            except BudgetError as error:
                over = error
                tried.append(f"{route.name}: {error}")
        if over is not None:
            raise over
        off = ", ".join(route.name for route in routes if not route.enabled)
        tried += [f"not enabled in the file of routes: {off}"] if off else []
        told = "; ".join(tried) or "the role has none; `roles` in the file of routes names them"
        raise NoRouteError(f"No route answers for the role {request.role!r}: {told}.")

    def states(self) -> list[RouteState]:
        """Return how the routes of each role stand; no route is asked."""
        return [
            RouteState(role, route, self._lack(route))
            for role in self._routes.roles
            for route in self._routes.of_role(role)
        ]

    def used(self, run_id: str) -> Spending:
        """Return what a run has used of its budget."""
        return self._budgets.spent(run_id)

    def _kept(self, route: Route, request: ChatRequest) -> ChatAnswer | None:
        """Return the answer that the route gave to the very same question before."""
        if route.is_local and not self._local.identity:
            return None
        found = self._cache.find(self._key(route, request))
        if found is not None:
            self._record(route, request, "cached", None, 0.0)
        return found

    def _fresh(self, route: Route, request: ChatRequest) -> ChatAnswer:
        """Return a new answer of the route, asked again as often as it may be.

        Raises:
            RouteError: it gave none.
            BudgetError: the run may not ask it.
        """
        lack = self._lack(route)
        if lack:
            raise RouteError(lack, "next")
        try:
            answer = self._asked_again(route, request)
        except RouteError as error:
            if error.remedy != "next":
                self._rests.failed(route, error)
                _LOG.warning("Route %s is left alone for a while: %s.", route.name, error)
            raise
        self._rests.worked(route)
        self._cache.keep(self._key(route, request), answer)
        return answer

    def _asked_again(self, route: Route, request: ChatRequest) -> ChatAnswer:
        """Ask until there is an answer or no retry is left.

        Raises:
            RouteError: there was no answer.
            BudgetError: the run may not ask.
        """
        for attempt in range(route.retries):
            try:
                return self._asked(route, request)
            except RouteError as error:
                if error.remedy != "retry":
                    raise
                pause = max(_FIRST_PAUSE_S * 2**attempt, error.wait_s)
                if pause > _LONGEST_PAUSE_S:
                    raise
                time.sleep(pause)
        return self._asked(route, request)

    def _asked(self, route: Route, request: ChatRequest) -> ChatAnswer:
        """Ask once, within the run's budget, and put the cost on record.

        Raises:
            RouteError: there was no answer.
            BudgetError: the run may not ask.
        """
        limits = self._routes.budget_of(request.use_case)
        most = _most_used(route, request)
        allowed = Spending(limits.requests, limits.tokens, limits.usd, limits.seconds)
        self._budgets.reserve(request.run_id, allowed, most)
        left_s = limits.seconds - self._budgets.spent(request.run_id).seconds
        call = Call(
            route,
            request,
            _most_tokens(route, request),
            max(0.001, min(route.timeout_s, left_s)),
            self._secret(route.key_variable) if route.key_variable else None,
        )
        started = time.monotonic()
        said: Completion | None = None
        try:
            said = self._local.completion(call) if route.is_local else completion(call)
            return _answer(route, said, time.monotonic() - started)
        finally:  # also when it failed, or somebody interrupts
            seconds = time.monotonic() - started
            self._budgets.settle(request.run_id, most, _used(said, seconds))
            self._record(route, request, "answered" if said else "failed", said, seconds)

    def _lack(self, route: Route) -> str:
        """Return why a route is not asked now; empty where it is."""
        if not route.enabled:
            return "it is not enabled in the file of routes"
        lack = self._local.lack() if route.is_local else ""
        rest = lack or self._rests.reason(route)
        if rest:
            return rest
        if route.key_variable and not self._secret(route.key_variable):
            return f"its key is missing; set {route.key_variable}"
        return ""

    def _key(self, route: Route, request: ChatRequest) -> str:
        identity = route.model_dump_json(include=_OF_THE_ANSWER)
        if route.is_local:
            identity += self._local.identity
        return question_key(route.name, identity, request, _most_tokens(route, request))

    def _record(
        self,
        route: Route,
        request: ChatRequest,
        outcome: Outcome,
        said: Completion | None,
        seconds: float,
    ) -> None:
        line = CostLine(
            at=self._now(),
            use_case=request.use_case,
            run_id=request.run_id,
            role=request.role,
            route=route.name,
            model=said.model if said else route.model,
            outcome=outcome,
            prompt_tokens=said.prompt_tokens if said else 0,
            completion_tokens=said.completion_tokens if said else 0,
            usd=(said.cost_usd or 0.0) if said else 0.0,
            is_priced=said is None or said.cost_usd is not None,
            seconds=round(seconds, 6),
        )
        record_cost(self._costs, line)


_OF_THE_ANSWER = {"model", "api_base", "supports_schema", "leaves_out", "options"}


def _most_tokens(route: Route, request: ChatRequest) -> int:
    return min(route.max_tokens, request.most_tokens)


def _most_used(route: Route, request: ChatRequest) -> Spending:
    """Return what a question may take at most, the length of its prompt being estimated."""
    told = request.messages
    chars = sum(len(message.text) + _CHARS_A_TOKEN * _TOKENS_A_MESSAGE for message in told)
    prompt, said = -(-chars // _CHARS_A_TOKEN), _most_tokens(route, request)
    usd = route.prices.cost_usd(prompt, said) if route.prices else 0.0
    return Spending(requests=1, tokens=prompt + said, usd=usd)


def _used(said: Completion | None, seconds: float) -> Spending:
    """Return what a question took; one without an answer is a request all the same."""
    if said is None:
        return Spending(requests=1, seconds=seconds)
    tokens = said.prompt_tokens + said.completion_tokens
    return Spending(1, tokens, said.cost_usd or 0.0, seconds)


def _answer(route: Route, said: Completion, seconds: float) -> ChatAnswer:
    return ChatAnswer(
        text=said.text,
        route=route.name,
        model=said.model,
        prompt_tokens=said.prompt_tokens,
        completion_tokens=said.completion_tokens,
        cost_usd=said.cost_usd or 0.0,
        is_priced=said.cost_usd is not None,
        seconds=seconds,
    )
