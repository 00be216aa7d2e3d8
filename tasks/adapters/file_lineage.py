"""OpenLineage events as lines of JSON: a file a day, the oldest given up after a month."""

import json
import logging
from datetime import timedelta
from pathlib import Path

from data_products.lineage import LineageEvent

_LOG = logging.getLogger(__name__)
_KEPT = timedelta(days=31)


class FileLineage:
    """Implements `LineageSink` by files `events-YYYYMMDD.ndjson` in a folder.

    Lines are appended whole, so several processes may write at once. A folder that cannot be
    written loses lineage, never a publish: it is logged.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def emit(self, event: LineageEvent) -> None:
        """Append one line; see `LineageSink.emit`."""
        from tasks.adapters.openlineage_events import openlineage_event

        path = self._folder / f"events-{event.when:%Y%m%d}.ndjson"
        line = json.dumps(openlineage_event(event), separators=(",", ":")) + "\n"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            is_new = not path.exists()
            with path.open("a", encoding="utf-8") as file:
                file.write(line)
            if is_new:
                self._forget_before(f"events-{event.when - _KEPT:%Y%m%d}.ndjson")
        except OSError as error:
            _LOG.warning("Lineage cannot be written to %s: %s.", path, error.strerror)

    def close(self) -> None:
        """Nothing is held back."""

    def _forget_before(self, name: str) -> None:
        for path in self._folder.glob("events-*.ndjson"):
            if path.name < name:
                path.unlink(missing_ok=True)
