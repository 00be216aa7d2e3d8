"""The file of model routes: which models there are, which role asks which first, and how much.

Code names roles, never models; a deployment names models here, in LiteLLM's words.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from semantic_layer.errors import DefinitionError, UnknownNameError, did_you_mean
from semantic_layer.plain_yaml import read_yaml, yaml_text
from tasks.messages.chat import ModelRole

LOCAL = "local/"
"""What the model of a route begins with that runs in this process."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Budget(_Entry):
    """What one agent's run may use, over all its questions; each limit is finite.

    Attributes:
        requests: calls of models, each retry counted.
        tokens: of prompts and answers together.
        usd: money, on routes whose price is known.
        seconds: waited for answers, added up over questions that were asked side by side.
    """

    requests: int = Field(60, ge=1, le=1_000_000)
    tokens: int = Field(150_000, ge=1, le=1_000_000_000)
    usd: float = Field(0.50, ge=0, le=1_000_000)
    seconds: float = Field(900, gt=0, le=1_000_000)


class CacheLimits(_Entry):
    """How long and how much is kept of answers; 0 days keep none."""

    days: float = Field(14, ge=0, le=3650)
    megabytes: float = Field(200, gt=0, le=100_000)


class Prices(_Entry):
    """What a route costs, in US dollars for a million tokens."""

    prompt_usd_per_million: float = Field(ge=0)
    completion_usd_per_million: float = Field(ge=0)

    def cost_usd(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Return the price of one answer."""
        return (
            prompt_tokens * self.prompt_usd_per_million
            + completion_tokens * self.completion_usd_per_million
        ) / 1e6


class Route(_Entry):
    """One way to one model.

    Attributes:
        name: how roles, records and answers call it.
        enabled: a route that is not is an example, or switched off.
        model: as LiteLLM names it, provider first; `local/...` runs in this process.
        api_base: address of a server of one's own.
        key_variable: name of the environment variable that holds the key; never the key itself.
        timeout_s: the longest that one answer may take, however slowly it trickles in.
        connect_s: the longest that finding the server may take.
        check_connection: try the address of `api_base` first, which tells a dead one in
            milliseconds; switch it off behind a proxy.
        retries: how often the same route is asked again when it is busy or garbled.
        rest_s: how long a route that failed is left alone; it doubles with each failure in a row.
        max_tokens: most that an answer may have, whatever is asked for.
        supports_schema: takes a JSON Schema and keeps it; else it is told in words.
        leaves_out: what the model refuses to be told.
        prices: unset, LiteLLM's own table is asked; unknown there too, answers say so.
        options: further words of LiteLLM, such as `api_version`.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][\w.:-]{0,60}$")
    model: str = Field(min_length=1)
    enabled: bool = True
    api_base: str | None = Field(None, pattern=r"^https?://[^\s]+$")
    key_variable: str | None = Field(None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    timeout_s: float = Field(60, gt=0, le=3600)
    connect_s: float = Field(2, gt=0, le=60)
    check_connection: bool = True
    retries: int = Field(1, ge=0, le=5)
    rest_s: float = Field(20, ge=0, le=3600)
    max_tokens: int = Field(1000, ge=1, le=1_000_000)
    supports_schema: bool = False
    leaves_out: tuple[Literal["seed", "temperature"], ...] = ()
    prices: Prices | None = None
    options: Mapping[str, str | int | float | bool] = Field(default_factory=dict)

    @property
    def is_local(self) -> bool:
        """Tell whether the model runs in this process."""
        return self.model.startswith(LOCAL)

    @model_validator(mode="after")
    def _only_own_options(self) -> "Route":
        taken = _TAKEN & set(self.options)
        if taken:
            raise ValueError(f"options may not set {', '.join(sorted(taken))}; the route does")
        return self


_TAKEN = frozenset(
    {
        "model", "messages", "api_base", "base_url", "api_key", "timeout", "max_tokens", "seed",
        "temperature", "response_format", "num_retries", "max_retries", "stream", "tools", "n",
        "cache", "caching", "fallbacks",
    }
)  # fmt: skip


class ModelRoutes(_Entry):
    """Every route, which of them each role asks in which order, and what a run may use.

    Attributes:
        budget: of every use case that `budgets` does not name.
        budgets: by use case.
    """

    budget: Budget = Budget.model_validate({})
    budgets: Mapping[str, Budget] = Field(default_factory=dict)
    cache: CacheLimits = CacheLimits.model_validate({})
    routes: tuple[Route, ...] = ()
    roles: Mapping[ModelRole, tuple[str, ...]] = Field(default_factory=dict)

    def of_role(self, role: ModelRole) -> tuple[Route, ...]:
        """Return the routes of a role in the order in which they are asked."""
        named = {route.name: route for route in self.routes}
        return tuple(named[name] for name in self.roles.get(role, ()))

    def only(self, name: str, *, is_cached: bool) -> "ModelRoutes":
        """Return the same limits with one route that every role asks; see `LiteLlmChat.only`.

        Raises:
            UnknownNameError: there is no such route.
        """
        named = {route.name: route for route in self.routes}
        if name not in named:
            raise UnknownNameError.of("route", name, named)
        chosen = named[name].model_copy(update={"enabled": True})
        cache = self.cache if is_cached else CacheLimits(days=0, megabytes=1)
        roles = dict.fromkeys(get_args(ModelRole), (name,))
        return self.model_copy(update={"routes": (chosen,), "roles": roles, "cache": cache})

    def budget_of(self, use_case: str) -> Budget:
        """Return what one run of a use case may use."""
        return self.budgets.get(use_case, self.budget)

    @model_validator(mode="after")
    def _names_agree(self) -> "ModelRoutes":
        names = [route.name for route in self.routes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the route {twice[0]!r} stands twice")
        for role, asked in self.roles.items():
            for name in asked:
                if name not in names:
                    raise ValueError(
                        f"role {role!r} asks no known route {name!r}{did_you_mean(name, names)}"
                    )
        return self


def load_model_routes(path: Path) -> ModelRoutes:
    """Return the routes of a file.

    Raises:
        DefinitionError: it cannot be read or contradicts itself; the sentence says in which line.
    """
    try:
        node, held = read_yaml(yaml_text(path))
        return ModelRoutes.model_validate({} if held is None else held)
    except OSError as error:
        raise DefinitionError(
            f"{path} cannot be read ({error.strerror}); ANOPS_MODEL_ROUTES names the file of "
            "routes."
        ) from error
    except yaml.YAMLError as error:
        told = " ".join(str(error).split())
        raise DefinitionError(f"{path.name} is not YAML that is read here: {told}") from error
    except ValidationError as error:
        told = "; ".join(
            f"line {_line(node, detail['loc'])}, {_place(detail['loc'])}: {detail['msg']}"
            for detail in error.errors()
        )
        raise DefinitionError(f"{path.name} cannot be used: {told}.") from error


def _place(place: tuple[int | str, ...]) -> str:
    """Return where an entry stands, in words: `routes 2, timeout_s`."""
    told = "".join(f" {part + 1}" if isinstance(part, int) else f", {part}" for part in place)
    return told.removeprefix(", ") or "the file"


def _line(node: yaml.Node | None, place: tuple[int | str, ...]) -> int:
    """Return the line of an entry, or of the nearest one above it that is there."""
    line = 1
    for part in place:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        elif isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(part)]
            if not found:
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        else:
            break
    return int(line)
