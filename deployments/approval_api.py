"""Approval over HTTP: see what waits, answer with a bearer token, read a decision's record.

It listens on this machine only; a proxy in front of it speaks TLS. `python -m
deployments.approval_api PORT` serves it alone.
"""

import re
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException as AnyHTTPException

from deployments.command_words import PROFILE
from semantic_layer.approval_rules import ApprovalRules
from semantic_layer.errors import AnopsError, InputError, TransientError
from tasks.adapters.ledger_seal import LedgerBrokenError, entry_json
from tasks.approval.approval_text import proposal_json
from tasks.approval.deciding import ApprovalRefusedError, Speaker
from tasks.approval.desk import Desk
from tasks.messages.proposal_life import ProposalLife
from tasks.settings import apply_profile

MOST_BYTES = 16_384
"""Of a request's body; a comment and a digest need far less."""
_MOST_ADDRESSES = 10_000
_MOST_LISTED = 200
_ID = re.compile(r"[0-9a-f]{16}")
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
Told = TypeVar("Told", bound=BaseModel)


class Answer(BaseModel):
    """What a person says of the change set that they name."""

    model_config = ConfigDict(extra="forbid")

    change_digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    comment: str = Field("", max_length=4000)


class Delegation(Answer):
    """Who answers in their place, and until when; as long as the request stands if unsaid."""

    to: str = Field(min_length=1, max_length=60)
    until: AwareDatetime | None = None


@dataclass
class Failures:
    """Requests with a wrong token, by address, within a while."""

    rules: ApprovalRules
    seconds: Callable[[], float] = time.monotonic
    _seen: dict[str, deque[float]] = field(default_factory=dict)

    def is_over(self, address: str) -> bool:
        """Tell whether nothing from an address is looked at for now."""
        return len(self._recent(address)) >= self.rules.failed_tokens

    def count(self, address: str) -> None:
        """Count one more."""
        if len(self._seen) >= _MOST_ADDRESSES:
            self._seen.pop(next(iter(self._seen)))
        self._seen.setdefault(address, deque(maxlen=self.rules.failed_tokens)).append(
            self.seconds()
        )

    def _recent(self, address: str) -> deque[float]:
        times = self._seen.get(address, deque())
        while times and times[0] <= self.seconds() - 60 * self.rules.failed_minutes:
            times.popleft()
        if not times:
            self._seen.pop(address, None)
        return times


def approval_app(
    desk: Callable[[], Desk], seconds: Callable[[], float] = time.monotonic
) -> FastAPI:
    """Return the application.

    Args:
        desk: gives the desk, with the people as their file stands now; asked at each request.
        seconds: time that passes, for counting wrong tokens.
    """
    app = FastAPI(
        title="Approvals", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    failures = Failures(desk().rules, seconds)

    def speaker(request: Request) -> Speaker:
        address = request.client.host if request.client else "unknown"
        if failures.is_over(address):
            wait = str(round(60 * failures.rules.failed_minutes))
            raise HTTPException(429, "Too many wrong tokens.", {"Retry-After": wait})
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        person = desk().people.holder_of(token.strip()) if scheme.lower() == "bearer" else None
        if person is None:
            failures.count(address)
            raise HTTPException(401, "A bearer token is needed.", {"WWW-Authenticate": "Bearer"})
        return Speaker(person, "rest", has_token=True)

    who = Annotated[Speaker, Depends(speaker)]
    body = Annotated[bytes, Depends(_bounded_body)]
    _add_reading(app, desk, who)
    _add_answering(app, desk, who, body)
    _add_problems(app)
    return app


def serve_approvals(port: int, host: str = "127.0.0.1") -> None:
    """Serve approvals until the process is asked to end."""
    import uvicorn  # noqa: PLC0415 - only who serves needs it

    apply_profile(PROFILE)
    from tasks.approval.steps import desk  # noqa: PLC0415 - Prefect is dear

    uvicorn.run(approval_app(desk), host=host, port=port, log_level="warning", access_log=False)


def _add_reading(app: FastAPI, desk: Callable[[], Desk], who: Any) -> None:  # noqa: ANN401 - a type
    @app.get("/approvals")
    def waiting(speaker: who) -> JSONResponse:
        lives = desk().waiting()
        told = [proposal_json(life) for life in lives[:_MOST_LISTED]]
        return _told({"you": speaker.person, "count": len(lives), "waiting": told})

    @app.get("/approvals/{proposal_id}")
    def one(proposal_id: str, speaker: who) -> JSONResponse:
        return _told({"you": speaker.person, **proposal_json(_life(desk(), proposal_id))})

    @app.get("/decisions/{proposal_id}")
    def decision(proposal_id: str, speaker: who) -> JSONResponse:
        life = _life(desk(), proposal_id)
        entries = [entry_json(entry) for entry in life.entries]
        return _told({"you": speaker.person, **proposal_json(life), "entries": entries})


def _add_answering(
    app: FastAPI,
    desk: Callable[[], Desk],
    who: Any,  # noqa: ANN401 - a type
    body: Any,  # noqa: ANN401 - a type
) -> None:
    @app.post("/approvals/{proposal_id}/approve")
    def approve(proposal_id: str, speaker: who, content: body) -> JSONResponse:
        said = _answer(content, Answer)
        here = _asked(desk(), proposal_id, said)
        return _says(here, proposal_id, here.approve(
            proposal_id, speaker, said.change_digest, said.comment
        ))  # fmt: skip

    @app.post("/approvals/{proposal_id}/reject")
    def reject(proposal_id: str, speaker: who, content: body) -> JSONResponse:
        said = _answer(content, Answer)
        here = _asked(desk(), proposal_id, said)
        return _says(here, proposal_id, here.reject(proposal_id, speaker, said.comment))

    @app.post("/approvals/{proposal_id}/withdraw")
    def withdraw(proposal_id: str, speaker: who, content: body) -> JSONResponse:
        said = _answer(content, Answer)
        here = _asked(desk(), proposal_id, said)
        return _says(here, proposal_id, here.withdraw(proposal_id, speaker, said.comment))

    @app.post("/approvals/{proposal_id}/delegate")
    def delegate(proposal_id: str, speaker: who, content: body) -> JSONResponse:
        said = _answer(content, Delegation)
        here = _asked(desk(), proposal_id, said)
        until = said.until.astimezone(UTC) if said.until else None
        return _says(here, proposal_id, here.delegate(
            proposal_id, speaker, said.to, until, said.comment
        ))  # fmt: skip


def _add_problems(app: FastAPI) -> None:
    """Answer every error as `application/problem+json` (RFC 9457)."""

    @app.exception_handler(AnyHTTPException)
    def of_http(_: Request, error: AnyHTTPException) -> JSONResponse:
        return _problem(error.status_code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(AnopsError)
    def of_ours(_: Request, error: AnopsError) -> JSONResponse:
        return _problem(_status(error), str(error))


def _status(error: AnopsError) -> int:
    if isinstance(error, ApprovalRefusedError):
        return 409
    if isinstance(error, TransientError):
        return 503
    if isinstance(error, LedgerBrokenError) or not isinstance(error, InputError):
        return 500
    return 422


async def _bounded_body(request: Request) -> bytes:
    """Return the body of a request; a longer one is not read to its end."""
    content = b""
    async for piece in request.stream():
        content += piece
        if len(content) > MOST_BYTES:
            raise HTTPException(413, f"A body has at most {MOST_BYTES} bytes.")
    return content


def _answer(content: bytes, kind: type[Told]) -> Told:
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}"
            for one in error.errors(include_input=False, include_url=False)[:5]
        )
        raise HTTPException(422, told) from error


def _life(desk: Desk, proposal_id: str) -> ProposalLife:
    try:
        if _ID.fullmatch(proposal_id):
            return desk.life(proposal_id)
    except LedgerBrokenError:
        raise
    except InputError as error:
        raise HTTPException(404, str(error)) from error
    raise HTTPException(404, "A proposal's id is 16 hexadecimal digits.")


def _asked(desk: Desk, proposal_id: str, said: Answer) -> Desk:
    """Return the desk, if the change set that is named is the proposal's.

    Raises:
        ApprovalRefusedError: it is another one.
    """
    own = _life(desk, proposal_id).proposal.change_set.digest
    if said.change_digest != own:
        raise ApprovalRefusedError(
            f"Named is the change set {said.change_digest[:12]}, the proposal's is {own[:12]}."
        )
    return desk


def _says(desk: Desk, proposal_id: str, sentence: str) -> JSONResponse:
    life = desk.life(proposal_id)
    return _told({"says": sentence, "stage": life.stage, "approvals": list(life.approvals)})


def _told(content: dict[str, Any]) -> JSONResponse:
    return JSONResponse(content, headers=_HEADERS)


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    told = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return JSONResponse(
        {**told, "detail": detail},
        status,
        {**_HEADERS, **(headers or {})},
        media_type="application/problem+json",
    )


if __name__ == "__main__":
    serve_approvals(int(sys.argv[1]))
