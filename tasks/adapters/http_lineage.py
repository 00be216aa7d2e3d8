"""OpenLineage events by HTTP, to Marquez or any server that takes `POST /api/v1/lineage`.

A publish never waits for lineage longer than two seconds, nor at all while the server was lately
away: events then stand in a folder, and go out in order before the next that gets through.
"""

import json
from pathlib import Path

from data_products.lineage import LineageEvent
from tasks.adapters.posted_lines import PostedLines

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
        self._lines = PostedLines(
            "lineage", url, _PATH, spool,
            most_kept=_MOST_KEPT, timeout_s=timeout_s, pause_s=pause_s,
        )  # fmt: skip

    def emit(self, event: LineageEvent) -> None:
        """Send what is unsent and then the event, or keep it; see `LineageSink.emit`."""
        from tasks.adapters.openlineage_events import openlineage_event

        line = json.dumps(openlineage_event(event), separators=(",", ":"))
        self._lines.send(line, event.when)

    def close(self) -> None:
        """Try once more to send what is unsent."""
        self._lines.send_unsent()
