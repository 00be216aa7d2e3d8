"""Lines of JSON sent to a listener by HTTP, and kept in a folder while it is away.

Nobody waits longer than one request may take, nor at all while the listener was lately away; what
was kept goes out in order before the next line that gets through.
"""

import logging
import time
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from threading import Lock
from urllib.parse import urlsplit
from uuid import uuid4

from semantic_layer.errors import InputError

_LOG = logging.getLogger(__name__)
_TOO_MANY = 429


class PostedLines:
    """One listener, and what it was not told yet.

    Args:
        what: is sent, for sentences, such as `lineage`.
        url: of the listener.
        path: where the address has none.
        folder: of unsent lines, one file each.
        most_kept: the oldest beyond are forgotten.
        timeout_s: how long one request may take.
        pause_s: how long a listener that did not answer is left alone.

    Raises:
        InputError: the address is none of HTTP.
    """

    def __init__(
        self,
        what: str,
        url: str,
        path: str,
        folder: Path,
        *,
        most_kept: int,
        timeout_s: float,
        pause_s: float,
    ) -> None:
        self._address = urlsplit(url)
        if self._address.scheme not in ("http", "https") or not self._address.netloc:
            raise InputError(f"No address {url!r}; {what} is sent to http:// or https://.")
        self._what = what
        self._path = self._address.path if self._address.path.strip("/") else path
        self._folder = folder
        self._most_kept = most_kept
        self._timeout_s = timeout_s
        self._pause_s = pause_s
        self._quiet_until = 0.0
        self._lock = Lock()

    def send(self, line: str, when: datetime) -> None:
        """Send what is unsent and then the line, or keep it; it never raises for the listener."""
        with self._lock:
            is_listening = time.monotonic() >= self._quiet_until
            if not (is_listening and self._has_sent_unsent() and self._is_sent(line)):
                self._keep(f"{when:%Y%m%dT%H%M%S%f}-{uuid4().hex}.json", line)

    def send_unsent(self) -> None:
        """Try once more to send what is unsent."""
        with self._lock:
            self._quiet_until = 0.0
            self._has_sent_unsent()

    def _has_sent_unsent(self) -> bool:
        """Send kept lines, oldest first, for as long as one may take; tell if all went."""
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
        """Tell whether a line is off our hands: taken, or refused for good."""
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
        if answer.status >= 500 or answer.status == _TOO_MANY:
            return self._leave_alone(f"{answer.status} {answer.reason}")
        if answer.status >= 400:  # sending it again would not help, and would hold up the rest
            _LOG.warning(
                "%s refuses %s: %s %s.",
                self._address.netloc, self._what, answer.status, answer.reason,
            )  # fmt: skip
        return True

    def _leave_alone(self, reason: str) -> bool:
        netloc = self._address.netloc
        _LOG.warning("%s takes no %s now (%s); it is kept.", netloc, self._what, reason)
        self._quiet_until = time.monotonic() + self._pause_s
        return False

    def _unsent(self) -> list[Path]:
        return sorted(self._folder.glob("*.json"))

    def _keep(self, name: str, line: str) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            unfinished = self._folder / f".{name}"
            unfinished.write_text(line, encoding="utf-8")
            unfinished.replace(self._folder / name)
            for path in self._unsent()[: -self._most_kept]:
                path.unlink(missing_ok=True)
        except OSError as error:
            _LOG.warning(
                "Unsent %s cannot be kept in %s: %s.", self._what, self._folder, error.strerror
            )
