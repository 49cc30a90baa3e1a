"""The questions to the logs that are saved with a stack, as data; nothing here imports pulumi."""

from collections.abc import Mapping
from dataclasses import dataclass

from .alarms import FUNCTIONS

__all__ = ["LOG_QUERIES", "LogQuery"]


@dataclass(frozen=True)
class LogQuery:
    """A query of CloudWatch Logs Insights over the logs of some functions."""

    noun: str
    title: str
    query: str
    functions: tuple[str, ...] = FUNCTIONS


_SENDERS = ("send_primary", "send_fallback")

LOG_QUERIES: Mapping[str, LogQuery] = {
    query.noun: query
    for query in (
        LogQuery(
            "one-message",
            "everything about one message",
            "fields @timestamp, service, message, step, channel, outcome, reason\n"
            '| filter message_id = "PUT-THE-MESSAGE-ID-HERE"\n'
            "| sort @timestamp asc",
        ),
        LogQuery(
            "errors",
            "errors by function, type and code",
            "filter level = 'ERROR'\n"
            "| stats count(*) as errors by service, message, error, code\n"
            "| sort errors desc",
        ),
        LogQuery(
            "sends",
            "sends by channel and outcome",
            "filter message like /^step (sent|refused|not taken|may be sent)$/\n"
            "| stats count(*) as sends by channel, outcome, reason\n"
            "| sort sends desc",
            _SENDERS,
        ),
        LogQuery(
            "ignored-events",
            "events that changed nothing, by reason",
            "filter message = 'events ignored'\n"
            "| stats sum(count) as events by reason\n"
            "| sort events desc",
            ("normalize_events",),
        ),
        LogQuery(
            "cold-starts",
            "cold starts and memory by function",
            "filter @type = 'REPORT'\n"
            "| stats count(*) as calls, count(@initDuration) as cold_starts,\n"
            "    pct(@duration, 99) as p99_ms, max(@maxMemoryUsed / 1000 / 1000) as memory_mb\n"
            "    by @log",
        ),
    )
}
