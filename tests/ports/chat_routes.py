"""Chat models by LiteLLM routes, made for tests: routes, requests, servers and a clock."""

import socket
import time
from dataclasses import replace

from tasks.adapters.litellm_chat import LiteLlmChat
from tasks.adapters.litellm_chat_routes import ModelRoutes
from tasks.adapters.local_llama import LocalLlama
from tasks.messages.chat import ChatMessage, ChatRequest
from tests.conftest import REPOSITORY

SCHEMA = {
    "type": "object",
    "properties": {
        "option_id": {"type": "string", "enum": ["restart_cell", "leave_it"]},
        "share": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "required": ["option_id", "share"],
    "additionalProperties": False,
}
KEPT = {"option_id": "restart_cell", "share": 0.5}
FREE = {"prompt_usd_per_million": 0, "completion_usd_per_million": 0}
DEAR = {"prompt_usd_per_million": 100, "completion_usd_per_million": 1000}
PACKAGED = REPOSITORY / "deployments/model_routes.yaml"


def request(text="Which option?", **changes):
    asked = ChatRequest(
        "planner",
        (ChatMessage("system", "You help radio engineers."), ChatMessage("user", text)),
        use_case="explain_findings",
        run_id="run-1",
        most_tokens=50,
    )
    return replace(asked, **changes)


def dead_url():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


def route(name, url, **changes):
    return {
        "name": name,
        "model": f"openai/{name}-model",
        "api_base": url,
        "prices": FREE,
        "retries": 0,
        "timeout_s": 20,
        **changes,
    }


class Present:
    """A clock that is set by hand."""

    def __init__(self):
        self.seconds = time.time()

    def __call__(self):
        return self.seconds


def chat(folder, *routes, now=time.time, secret=lambda _: None, **changes):
    names = [one["name"] for one in routes]
    told = {"routes": routes, "roles": {"planner": names}, **changes}
    return LiteLlmChat(
        ModelRoutes.model_validate(told), folder, LocalLlama(None), secret=secret, now=now
    )
