"""Spans of agents' runs: lines of OTLP JSON in files, and to a collector when one is named.

A run never waits for a collector longer than two seconds, nor at all while it was lately away:
spans then stand in a folder, and go out in order before the next that get through.
"""

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock

from tasks.adapters.otlp_json import otlp_json
from tasks.adapters.posted_lines import PostedLines
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
        self._folder = folder
        self._lines = None if not url else PostedLines(
            "spans", url, _PATH, folder / "unsent",
            most_kept=_MOST_UNSENT, timeout_s=timeout_s, pause_s=pause_s,
        )  # fmt: skip
        self._lock = Lock()

    def emit(self, spans: Sequence[AgentSpan]) -> None:
        """Write the spans, and send them or keep them to be sent; see `SpanSink.emit`."""
        if not spans:
            return
        when = datetime.fromtimestamp(max(span.ended_ns for span in spans) / 1e9, tz=UTC)
        line = json.dumps(otlp_json(spans), separators=(",", ":"))
        with self._lock:
            self._write(when, line)
        if self._lines is not None:
            self._lines.send(line, when)

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
