"""Spans of agents' runs: lines of OTLP JSON in files, and to a collector when one is named.

A run never waits for a collector longer than two seconds, nor at all while it was lately away:
spans then stand in a folder, and go out in order before the next that get through.
"""

import json
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from threading import Lock
from urllib.parse import urlsplit
from uuid import uuid4

from semantic_layer.errors import InputError
from tasks.adapters.otlp_json import otlp_json
from tasks.messages.spans import AgentSpan

_LOG = logging.getLogger(__name__)
_PATH = "/v1/traces"
_KEPT = timedelta(days=31)
_MOST_UNSENT = 2_000


class TelemetrySpans:
    """Implements `SpanSink`: a file a day, kept for a month, and OTLP over HTTP.

    Args:
        folder: of the files; what is not yet sent stands in `unsent` within it.
        url: of a collector, such as `http://collector:4318`; the path is added where it has none.
        timeout_s: how long one request may take.
        pause_s: how long a collector that did not answer is left alone.

    Raises:
        InputError: the address is none of HTTP.
    """

    def __init__(
        self, folder: Path, url: str | None = None, timeout_s: float = 2.0, pause_s: float = 30.0
    ) -> None:
        parts = urlsplit(url or "")
        if url and (parts.scheme not in ("http", "https") or not parts.netloc):
            raise InputError(f"No address {url!r}; spans are sent to http:// or https://.")
        self._folder = folder
        self._address = parts if url else None
        self._path = parts.path if parts.path.strip("/") else _PATH
        self._timeout_s = timeout_s
        self._pause_s = pause_s
        self._quiet_until = 0.0
        self._lock = Lock()

    def emit(self, spans: Sequence[AgentSpan]) -> None:
        """Write the spans, and send them or keep them to be sent; see `SpanSink.emit`."""
        if not spans:
            return
        when = datetime.fromtimestamp(max(span.ended_ns for span in spans) / 1e9, tz=UTC)
        line = json.dumps(otlp_json(spans), separators=(",", ":"))
        with self._lock:
            self._write(when, line)
            if self._address is not None and not self._is_told(line):
                self._keep(f"{when:%Y%m%dT%H%M%S%f}-{uuid4().hex}.json", line)

    def _write(self, when: datetime, line: str) -> None:
        path = self._folder / f"spans-{when:%Y%m%d}.ndjson"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            is_new = not path.exists()
            with path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
            if is_new:
                self._forget_before(f"spans-{when - _KEPT:%Y%m%d}.ndjson")
        except OSError as error:
            _LOG.warning("Spans cannot be written to %s: %s.", path, error.strerror)

    def _forget_before(self, name: str) -> None:
        for path in self._folder.glob("spans-*.ndjson"):
            if path.name < name:
                path.unlink(missing_ok=True)

    def _is_told(self, line: str) -> bool:
        """Tell whether the spans are off our hands, and all that waited before them."""
        if time.monotonic() < self._quiet_until:
            return False
        started = time.monotonic()
        for path in self._unsent():
            if time.monotonic() - started > self._timeout_s:
                return False
            try:
                waiting = path.read_text(encoding="utf-8")
            except FileNotFoundError:  # another process sent it
                continue
            if not self._is_sent(waiting):
                return False
            path.unlink(missing_ok=True)
        return self._is_sent(line)

    def _is_sent(self, line: str) -> bool:
        """Tell whether a request was taken, or refused for good."""
        assert self._address is not None  # noqa: S101 - asked only where there is one
        kind = HTTPSConnection if self._address.scheme == "https" else HTTPConnection
        connection = kind(self._address.netloc, timeout=self._timeout_s)
        try:
            connection.request(
                "POST", self._path, line.encode(), {"Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            answer.read()
        except (OSError, HTTPException) as error:
            return self._leave_alone(str(error) or type(error).__name__)
        finally:
            connection.close()
        if answer.status >= 500 or answer.status == 429:
            return self._leave_alone(f"{answer.status} {answer.reason}")
        if answer.status >= 400:  # sending it again would not help, and would hold up the rest
            _LOG.warning("The collector refuses spans: %s %s.", answer.status, answer.reason)
        return True

    def _leave_alone(self, reason: str) -> bool:
        _LOG.warning("The collector takes no spans now (%s); they are kept.", reason)
        self._quiet_until = time.monotonic() + self._pause_s
        return False

    def _unsent(self) -> list[Path]:
        return sorted((self._folder / "unsent").glob("*.json"))

    def _keep(self, name: str, line: str) -> None:
        folder = self._folder / "unsent"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            unfinished = folder / f".{name}"
            unfinished.write_text(line, encoding="utf-8")
            unfinished.replace(folder / name)
            for path in self._unsent()[:-_MOST_UNSENT]:
                path.unlink(missing_ok=True)
        except OSError as error:
            _LOG.warning("Unsent spans cannot be kept in %s: %s.", folder, error.strerror)
