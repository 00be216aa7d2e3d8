"""One provisioning service over HTTP (3GPP TS 28.532 12.1.1): calls, bounds, errors as ours."""

import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from semantic_layer.errors import InputError, TransientError
from tasks.messages.canonical import JsonValue

if TYPE_CHECKING:
    import httpx

_SCHEMES = {"provmns+https": "https", "provmns+http": "http"}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_TIMEOUT_S = 30.0
_REST_S = 2.0  # shorter than services keep a connection open that rests
_LONGEST_ANSWER = 32 * 1024 * 1024
_AGAIN = frozenset({408, 423, 425, 429, 500, 502, 503, 504})
_TOLD = frozenset({404, 409, 412})
_BODIES = {"PUT": "application/json", "PATCH": "application/merge-patch+json"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said: status, body as JSON values (None where empty), and ETag."""

    status: int
    body: JsonValue
    tag: str | None


@dataclass(frozen=True, slots=True)
class ProvisioningService:
    """Calls a service under its root.

    Attributes:
        root: `https://host/3GPPManagement/ProvMnS/v1700`.
        token: bearer token; empty where none is needed.
        authorities: file of certificates that are trusted beside none; None takes the packaged.
    """

    root: str
    token: str = field(default="", repr=False)
    authorities: Path | None = None
    _kept: "list[httpx.Client]" = field(default_factory=list, init=False, repr=False, compare=False)

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: JsonValue = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer to one request: done, or 404, 409, 412 for the caller to weigh.

        Raises:
            InputError: the service refuses, redirects, or answers what cannot be read.
            TransientError: it did not answer, or asks to be asked again.
        """
        import httpx

        sent = {"Accept": "application/json", **(headers or {})}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        content = None
        if method in _BODIES:
            sent["Content-Type"] = _BODIES[method]
            content = json.dumps(body).encode()
        try:
            with self._client().stream(
                method, f"{self.root}/{path}", params=query, headers=sent, content=content
            ) as response:
                told = _bounded(response.iter_bytes(), path)
                return _answer(response.status_code, told, response.headers.get("etag"), path)
        except httpx.HTTPError as error:
            if "CERTIFICATE" in str(error):
                raise InputError(
                    f"Provisioning service {self.root} has a certificate that is not trusted; "
                    "authorities may stand beside the secret file, named <secret>.pem."
                ) from error
            raise TransientError(
                f"Provisioning service {self.root} did not answer: "
                f"{str(error)[:200] or type(error).__name__}."
            ) from error

    def _client(self) -> "httpx.Client":
        """Return a client that is kept: to read all authorities takes longer than to call."""
        import httpx

        if not self._kept:
            rests = httpx.Limits(keepalive_expiry=_REST_S)
            verify = self._verify()
            self._kept.append(
                httpx.Client(verify=verify, timeout=_TIMEOUT_S, trust_env=False, limits=rests)
            )
        return self._kept[0]

    def _verify(self) -> ssl.SSLContext | bool:
        if self.authorities is None:
            return True
        return ssl.create_default_context(cafile=str(self.authorities))


def service_at(address: str, secret_file: Path | None) -> ProvisioningService:
    """Return the service of an address.

    Args:
        address: `provmns+https://host/3GPPManagement/ProvMnS/v1700`; `provmns+http` is taken for
            this machine alone, for a token must not travel in the clear.
        secret_file: a bearer token; beside it, `<secret>.pem` may hold the authorities to trust.

    Raises:
        InputError: the address or file cannot be used.
    """
    parts = urlsplit(address)
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not parts.hostname or "/ProvMnS/" not in parts.path:
        raise InputError(
            f"{address!r} is no address of a provisioning service; it reads "
            "provmns+https://host/3GPPManagement/ProvMnS/v1700."
        )
    if scheme == "http" and parts.hostname not in _LOOPBACK:
        raise InputError(
            f"{address!r} is not encrypted; beyond this machine it reads provmns+https."
        )
    if parts.username or parts.password or parts.query:
        raise InputError("An address of a provisioning service bears no secret and no query.")
    root = f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}"
    if secret_file is None:
        return ProvisioningService(root)
    authorities = secret_file.with_name(f"{secret_file.name}.pem")
    try:
        token = secret_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The secret file {secret_file} cannot be read: {error}.") from error
    return ProvisioningService(root, token, authorities if authorities.exists() else None)


def _bounded(chunks: Iterator[bytes], path: str) -> bytes:
    told = bytearray()
    for chunk in chunks:
        told += chunk
        if len(told) > _LONGEST_ANSWER:
            raise InputError(f"The provisioning service answers {path} without end; it is refused.")
    return bytes(told)


def _answer(status: int, told: bytes, tag: str | None, path: str) -> Answer:
    if status in _TOLD:
        return Answer(status, None, tag)
    if status in _AGAIN:
        raise TransientError(f"The provisioning service answered {status} for {path}.")
    if not 200 <= status < 300:
        raise InputError(f"The provisioning service answered {status} for {path}: {_said(told)}.")
    if not told.strip():
        return Answer(status, None, tag)
    try:
        return Answer(status, json.loads(told), tag)
    except (ValueError, RecursionError) as error:
        raise InputError(f"The provisioning service's answer for {path} is no JSON.") from error


def _said(told: bytes) -> str:
    """Return the reason of an error response (TS 28.532 12.1.1.4), as far as one is told."""
    try:
        body = json.loads(told)
    except (ValueError, RecursionError):
        return "no reason told"
    error = body.get("error") if isinstance(body, dict) else None
    reason = (error or body).get("errorInfo") if isinstance(error or body, dict) else None
    return " ".join(str(reason or body).split())[:300]
