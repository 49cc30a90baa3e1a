"""Times in the forms that the providers write them."""

import time
from datetime import UTC, datetime


def epoch_ms() -> int:
    """Tell the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def iso_time(at_ms: int | None = None) -> str:
    """Write a time as `2026-01-15T10:00:05.271Z`; now, unless another is given in ms."""
    moment = datetime.fromtimestamp((epoch_ms() if at_ms is None else at_ms) / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_time_ns() -> str:
    """Write the present time with nanoseconds, as the WhatsApp service does."""
    now_ns = time.time_ns()
    moment = datetime.fromtimestamp(now_ns // 1_000_000_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{now_ns % 1_000_000_000:09d}Z"
