"""The machine's clock: the one place that reads the present."""

from datetime import UTC, datetime


class SystemClock:
    """Implements `Clock` with the machine's time, in UTC."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the one place
