"""Calls of LiteLLM, and its errors in our words. LiteLLM is imported when it is first called."""

import atexit
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from semantic_layer.errors import AnopsError
from tasks.adapters.litellm_chat_outcomes import Call, Completion, Remedy, RouteError
from tasks.adapters.litellm_chat_routes import Route

_MOST_CHARS = 400_000
_LONGEST_REASON = 200
_LEFT_BEHIND_S = 3.0
_PASSED_ON = (
    AnopsError,
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ImportError,
    RuntimeError,
)
_Result = TypeVar("_Result")
_Kwargs = dict[str, Any]


def completion(call: Call) -> Completion:
    """Return what a route answers.

    Raises:
        RouteError: it gave no answer.
    """
    require_listening(call.route)
    litellm = quiet_litellm()
    answered = within(call.timeout_s, lambda: _completed(litellm, call))
    try:
        text = str(answered.choices[0].message.content or "")
        used = answered.usage
        tokens = (int(used.prompt_tokens), int(used.completion_tokens))
        model = str(answered.model or call.route.model)
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise RouteError(f"it answered something that is no answer ({error})", "retry") from error
    if not text.strip() or len(text) > _MOST_CHARS:
        raise RouteError(f"it answered {len(text):,} characters", "retry")
    if call.request.answer_schema and not call.route.supports_schema:
        text = unfenced(text)
    return Completion(text, model, *tokens, _cost_usd(litellm, call.route, answered, tokens))


def require_listening(route: Route) -> None:
    """Raise if nothing listens where a route points, before anything dear is imported for it.

    Raises:
        RouteError: its address cannot be reached.
    """
    if route.api_base is None or not route.check_connection:
        return
    parts = urlsplit(route.api_base)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), route.connect_s).close()
    except OSError as error:
        told = error.strerror or str(error) or type(error).__name__
        raise RouteError(f"{route.api_base} cannot be reached ({told})", "rest") from error


def named_secret(name: str) -> str | None:
    """Return a secret as LiteLLM finds it: the environment, or the key store set up for it."""
    quiet_litellm()
    from litellm.secret_managers.main import get_secret_str

    return get_secret_str(name) or None


def quiet_litellm() -> Any:  # noqa: ANN401 - a module without types
    """Return LiteLLM, told not to print, to log prompts or to repeat calls by itself."""
    import litellm

    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.turn_off_message_logging = True
    litellm.drop_params = True
    litellm.num_retries = 0
    logging.getLogger("LiteLLM").setLevel(logging.ERROR)
    return litellm


def within(seconds: float, work: Callable[[], _Result]) -> _Result:
    """Return what `work` returns, or stop waiting for it.

    A read timeout alone would wait for ever on a server that trickles. What is given up on ends by
    itself when the connection does; the end of the process waits for it briefly.

    Raises:
        RouteError: it took too long, or broke off.
    """
    results: list[_Result] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except _PASSED_ON as error:
            errors.append(error)

    worker = threading.Thread(target=run, name="chat-call", daemon=True)
    worker.start()
    worker.join(seconds)
    if worker.is_alive():
        # Killed amid an import, a thread would leave a lock behind that the end of the process
        # waits for: give it time to get past that.
        atexit.register(worker.join, _LEFT_BEHIND_S)
        raise RouteError(f"it took longer than {seconds:g} s", "rest")
    if errors:
        raise errors[0]
    if not results:  # an error of a kind that nobody expects; the thread has told it on stderr
        raise RouteError("its call broke off in a way that is not known here", "retry")
    return results[0]


def unfenced(text: str) -> str:
    """Return an answer without the code fence that chatty models put around JSON."""
    lines = text.strip().splitlines()
    if len(lines) > 2 and lines[0].startswith("```") and lines[-1].strip() == "```":
        return "\n".join(lines[1:-1])
    return text


def _completed(litellm: Any, call: Call) -> Any:  # noqa: ANN401 - LiteLLM's own answer
    import httpx
    import openai

    try:
        return litellm.completion(**_arguments(call))
    except openai.OpenAIError as error:
        raise _told(error) from error
    except (httpx.HTTPError, OSError) as error:
        raise RouteError(f"the connection broke ({_brief(error)})", "rest") from error
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        raise RouteError(f"its answer cannot be read ({_brief(error)})", "retry") from error


def _arguments(call: Call) -> _Kwargs:
    import httpx

    route, request = call.route, call.request
    told: _Kwargs = {
        "model": route.model,
        "messages": call.messages,
        "max_tokens": call.most_tokens,
        "timeout": httpx.Timeout(call.timeout_s, connect=route.connect_s),
        "max_retries": 0,
        "num_retries": 0,
        **route.options,
    }
    if "seed" not in route.leaves_out:
        told["seed"] = request.seed
    if "temperature" not in route.leaves_out:
        told["temperature"] = request.temperature
    if route.api_base is not None:
        # Servers of one's own often want no key, but LiteLLM will not call them without one.
        told |= {"api_base": route.api_base, "api_key": call.key or "none"}
    elif call.key is not None:
        told["api_key"] = call.key
    if request.answer_schema and route.supports_schema:
        told["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": dict(request.answer_schema)},
        }
    return told


def _told(error: Exception) -> RouteError:
    """Return an error of a provider in our words, with what helps against it."""
    from litellm import exceptions

    kinds: tuple[tuple[tuple[type[Exception], ...], str, Remedy], ...] = (
        ((exceptions.Timeout,), "it did not answer in time", "rest"),
        (
            (exceptions.AuthenticationError, exceptions.PermissionDeniedError),
            "it refuses the key",
            "rest",
        ),
        ((exceptions.NotFoundError,), "it knows no such model or address", "rest"),
        ((exceptions.RateLimitError,), "it is asked too often", "retry"),
        (
            (exceptions.BadRequestError, exceptions.UnprocessableEntityError),
            "it refuses the question",
            "next",
        ),
        (
            (exceptions.InternalServerError, exceptions.ServiceUnavailableError),
            "it is out of order",
            "retry",
        ),
        ((exceptions.APIConnectionError,), "it cannot be reached", "rest"),
    )
    for types, says, remedy in kinds:
        if isinstance(error, types):
            return RouteError(f"{says} ({_brief(error)})", remedy, _wait_s(error))
    return RouteError(f"it failed ({_brief(error)})", "retry")


def _wait_s(error: Exception) -> float:
    """Return how long a server asks to be left alone, 0 when it does not say in seconds."""
    headers = getattr(error, "litellm_response_headers", None) or {}
    told = str(headers.get("retry-after", ""))
    return float(told) if told.replace(".", "", 1).isdigit() else 0.0


def _brief(error: BaseException) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= _LONGEST_REASON else f"{said[:_LONGEST_REASON]}..."


def _cost_usd(
    litellm: Any,  # noqa: ANN401 - a module without types
    route: Route,
    answered: Any,  # noqa: ANN401 - LiteLLM's own answer
    tokens: tuple[int, int],
) -> float | None:
    """Return the price of an answer by the route's own prices, or by LiteLLM's table."""
    if route.prices is not None:
        return route.prices.cost_usd(*tokens)
    try:
        cost = litellm.completion_cost(completion_response=answered, model=route.model)
    except (litellm.exceptions.ModelNotMappedError, ValueError, TypeError, LookupError):
        return None
    return float(cost) if cost else None
