"""OpenLineage events by HTTP, to Marquez or any server that takes `POST /api/v1/lineage`.

A publish never waits for lineage longer than two seconds, nor at all while the server was lately
away: events then stand in a folder, and go out in order before the next that gets through.
"""

import json
import logging
import time
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from threading import Lock
from urllib.parse import urlsplit
from uuid import uuid4

from data_products.lineage import LineageEvent
from semantic_layer.errors import InputError

_LOG = logging.getLogger(__name__)
_PATH = "/api/v1/lineage"
_TIMEOUT_S = 2.0
_PAUSE_S = 30.0
_MOST_KEPT = 5_000


class HttpLineage:
    """Implements `LineageSink` by HTTP, with a folder for what could not be sent.

    Args:
        url: of the server; the path is added where it has none.
        spool: the folder of unsent events, one file each.
        timeout_s: how long one event may take.
        pause_s: how long a server that did not answer is left alone.

    Raises:
        InputError: the address is none of HTTP.
    """

    def __init__(
        self,
        url: str,
        spool: Path,
        timeout_s: float = _TIMEOUT_S,
        pause_s: float = _PAUSE_S,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise InputError(f"No address {url!r}; lineage is sent to http:// or https://.")
        self._address = parts
        self._path = parts.path if parts.path.strip("/") else _PATH
        self._spool = spool
        self._timeout_s = timeout_s
        self._pause_s = pause_s
        self._quiet_until = 0.0
        self._lock = Lock()

    def emit(self, event: LineageEvent) -> None:
        """Send what is unsent and then the event, or keep it; see `LineageSink.emit`."""
        from tasks.adapters.openlineage_events import openlineage_event

        line = json.dumps(openlineage_event(event), separators=(",", ":"))
        with self._lock:
            if not (self._is_listening() and self._has_sent_unsent() and self._is_sent(line)):
                self._keep(f"{event.when:%Y%m%dT%H%M%S%f}-{uuid4().hex}.json", line)

    def close(self) -> None:
        """Try once more to send what is unsent."""
        with self._lock:
            self._quiet_until = 0.0
            self._has_sent_unsent()

    def _is_listening(self) -> bool:
        return time.monotonic() >= self._quiet_until

    def _has_sent_unsent(self) -> bool:
        """Send kept events, oldest first, for as long as one event may take; tell if all went."""
        started = time.monotonic()
        for path in self._unsent():
            if time.monotonic() - started > self._timeout_s:
                return False
            try:
                line = path.read_text(encoding="utf-8")
            except FileNotFoundError:  # another process sent it
                continue
            if not self._is_sent(line):
                return False
            path.unlink(missing_ok=True)
        return True

    def _is_sent(self, line: str) -> bool:
        """Tell whether an event is off our hands: taken, or refused for good."""
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
        if answer.status >= 500:
            return self._leave_alone(f"{answer.status} {answer.reason}")
        if answer.status >= 400:  # sending it again would not help, and would hold up the rest
            _LOG.warning(
                "%s refuses an event of lineage: %s %s.",
                self._address.netloc, answer.status, answer.reason,
            )  # fmt: skip
        return True

    def _leave_alone(self, reason: str) -> bool:
        _LOG.warning("%s takes no lineage now (%s); it is kept.", self._address.netloc, reason)
        self._quiet_until = time.monotonic() + self._pause_s
        return False

    def _unsent(self) -> list[Path]:
        return sorted(self._spool.glob("*.json"))

    def _keep(self, name: str, line: str) -> None:
        try:
            self._spool.mkdir(parents=True, exist_ok=True)
            unfinished = self._spool / f".{name}"
            unfinished.write_text(line, encoding="utf-8")
            unfinished.replace(self._spool / name)
            for path in self._unsent()[:-_MOST_KEPT]:
                path.unlink(missing_ok=True)
        except OSError as error:
            _LOG.warning("Unsent lineage cannot be kept in %s: %s.", self._spool, error.strerror)
