"""Routes that failed lately and are left alone for a while, so that nobody waits for them."""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from uuid import uuid4

from tasks.adapters.litellm_chat_outcomes import RouteError
from tasks.adapters.litellm_chat_routes import Route

_LOG = logging.getLogger(__name__)
_MOST_S = 600.0


@dataclass(frozen=True, slots=True)
class Rest:
    """Why and until when a route is left alone.

    Attributes:
        until: seconds since 1970.
        failures: in a row.
        reason: of the last one.
    """

    until: float
    failures: int
    reason: str


class RouteRests:
    """Remembers in a file, for processes to come, which routes rest.

    A route whose definition was changed starts afresh: it is another one.
    """

    def __init__(self, file: Path, now: Callable[[], float] = time.time) -> None:
        self._file = file
        self._now = now
        self._rests: dict[str, Rest] = {}
        self._read_at = -1
        self._lock = Lock()

    def reason(self, route: Route) -> str:
        """Return why a route is left alone and how long yet; empty where it is not."""
        with self._lock:
            self._refresh()
            rest = self._rests.get(_mark(route))
        left = rest.until - self._now() if rest else 0.0
        # A clock that was set back must not keep a route resting for ever.
        if rest is None or not 0 < left <= _MOST_S:
            return ""
        return f"rests for {left:.0f} s yet: {rest.reason}"

    def failed(self, route: Route, error: RouteError) -> None:
        """Leave a route alone, the longer the more often it failed in a row."""
        with self._lock:
            self._refresh()
            before = self._rests.get(_mark(route))
            failures = before.failures + 1 if before else 1
            rest_s = max(route.rest_s * 2 ** min(failures - 1, 10), error.wait_s)
            until = self._now() + min(rest_s, _MOST_S)
            self._rests[_mark(route)] = Rest(until, failures, str(error))
            self._write()

    def worked(self, route: Route) -> None:
        """Forget that a route ever failed."""
        with self._lock:
            if self._rests.pop(_mark(route), None) is not None:
                self._write()

    def _refresh(self) -> None:
        """Take in what other processes have found, if anything is new."""
        try:
            changed_at = self._file.stat().st_mtime_ns
            if changed_at == self._read_at:
                return
            self._read_at = changed_at
            held = json.loads(self._file.read_text("utf-8"))
            self._rests = {
                str(mark): Rest(float(one["until"]), int(one["failures"]), str(one["reason"]))
                for mark, one in held.items()
                if float(one["until"]) > self._now() - _MOST_S
            }
        except OSError:
            return
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            _LOG.warning("%s is broken (%s); every route is tried.", self._file, error)

    def _write(self) -> None:
        told = {mark: asdict(rest) for mark, rest in self._rests.items()}
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            written = self._file.with_suffix(f".{uuid4().hex}.part")
            written.write_text(json.dumps(told), "utf-8")
            written.replace(self._file)
            self._read_at = self._file.stat().st_mtime_ns
        except OSError as error:
            _LOG.warning("%s cannot be written: %s.", self._file, error.strerror)


def _mark(route: Route) -> str:
    digest = sha256(route.model_dump_json().encode()).hexdigest()[:16]
    return f"{route.name}-{digest}"
