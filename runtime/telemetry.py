"""The logger, the metrics and the tracer of all functions (Powertools).

Logs and metrics name ids, steps, channels, statuses and codes; never content, addresses, numbers.
"""

import os
import threading
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

logger: Final = Logger()


def log_error(message: str, error: Exception, **fields: str) -> None:
    """Log an error by its type and code, and never by its text: that may hold an address."""
    answer = getattr(error, "response", None)
    code = answer.get("Error", {}).get("Code") if isinstance(answer, dict) else None
    logger.error(message, extra={"error": type(error).__name__, "code": code, **fields})


_Key = tuple[tuple[str, str], ...]


class Meter:
    """Collects the counts of one invocation, so that each set of dimensions is one line of EMF."""

    def __init__(self) -> None:
        self._counts: dict[_Key, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._times: dict[_Key, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        self._lock = threading.Lock()

    def count(self, name: str, value: int = 1, **dimensions: str) -> None:
        """Add to a counter."""
        with self._lock:
            self._counts[tuple(sorted(dimensions.items()))][name] += value

    def observe(self, name: str, milliseconds: int, **dimensions: str) -> None:
        """Add one measured time."""
        with self._lock:
            self._times[tuple(sorted(dimensions.items()))][name].append(milliseconds)

    def flush(self) -> None:
        """Print what was collected as embedded metrics, and start anew."""
        with self._lock:
            counts, times = dict(self._counts), dict(self._times)
            self._counts.clear()
            self._times.clear()
        stack = os.environ.get("STACK_NAME", "local")
        for key in {*counts, *times}:
            metrics = EphemeralMetrics()
            metrics.service = ""  # a metric of the stack, whichever function has counted it
            metrics.add_dimension(name="stack", value=stack)
            for name, value in key:
                metrics.add_dimension(name=name, value=value)
            for name, total in counts.get(key, {}).items():
                metrics.add_metric(name=name, unit=MetricUnit.Count, value=total)
            for name, values in times.get(key, {}).items():
                for milliseconds in values:
                    metrics.add_metric(name=name, unit=MetricUnit.Milliseconds, value=milliseconds)
            # Powertools prints every hundred values by itself, and warns when nothing is left.
            if metrics.metric_set:
                metrics.flush_metrics()


meter: Final = Meter()

_Handler = Callable[[dict[str, Any], Any], Any]


def instrumented(handler: _Handler) -> _Handler:
    """Wrap a handler: log lines carry the invocation's ids, metrics are printed at its end."""

    @wraps(handler)
    def wrapper(event: dict[str, Any], context: Any) -> Any:  # noqa: ANN401  Lambda's own types
        try:
            return handler(event, context)
        finally:
            meter.flush()

    instrumented_handler: _Handler = logger.inject_lambda_context(wrapper)
    if os.environ.get("POWERTOOLS_TRACE_DISABLED", "true").lower() == "true":
        return instrumented_handler
    # The X-Ray SDK costs a good part of a cold start, so it is loaded only where it is wanted.
    from aws_lambda_powertools import Tracer  # noqa: PLC0415

    traced: _Handler = Tracer().capture_lambda_handler(
        instrumented_handler, capture_response=False, capture_error=False
    )
    return traced
