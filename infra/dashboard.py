"""The body of the dashboard, as a pure function; nothing here imports pulumi."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .alarms import CHANNELS, EMPTY_QUEUES, FUNCTIONS, WAITING_QUEUES

__all__ = ["dashboard_body"]

_NAMESPACE = "FallbackMessaging"
_REASONS = ("timeout", "failure")
_TABLES = ("messages", "payloads", "provider_message_ids")
_QUEUES = ("intake", "timers", "events")
# CloudWatch's grid is 24 columns wide.
_WIDTH, _HEIGHT, _PER_ROW = 8, 6, 3
_PERIOD_SECONDS = 300

Metric = list[Any]


@dataclass(frozen=True)
class _Graph:
    title: str
    metrics: list[Metric]
    stat: str = "Sum"


def dashboard_body(region: str, stack_name: str, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the dashboard: the funnel of messages, what fails, what waits, what costs.

    `names` has the physical names of queues, functions, tables, the stream and the API, by their
    argument names.
    """
    graphs = [
        *_funnel(stack_name),
        *_exceptions(stack_name),
        *_failures(names),
        *_costs(names),
    ]
    return {"widgets": [_widget(number, region, graph) for number, graph in enumerate(graphs)]}


def _funnel(stack: str) -> Iterator[_Graph]:
    yield _Graph("Accepted", [_own("MessagesAccepted", stack)])
    yield _Graph("Sent, by channel", _by("channel", CHANNELS, "MessagesSent", stack))
    yield _Graph("Delivered, by channel", _by("channel", CHANNELS, "MessagesDelivered", stack))
    yield _Graph("Failed, by channel", _by("channel", CHANNELS, "MessagesFailed", stack))
    yield _Graph("Fallback rate, by reason, percent of accepted", _fallback_rate(stack))
    yield _Graph(
        "Time to delivery, p50, p90 and p99, ms",
        [
            [*metric, {"stat": stat, "label": f"{channel} {stat}"}]
            for channel in CHANNELS
            for metric in _by("channel", (channel,), "TimeToDelivery", stack)
            for stat in ("p50", "p90", "p99")
        ],
    )


def _fallback_rate(stack: str) -> list[Metric]:
    hidden: list[Metric] = [
        [*_own("MessagesAccepted", stack), {"id": "accepted", "visible": False}],
        *(
            [*_own("Fallbacks", stack), "reason", reason, {"id": reason, "visible": False}]
            for reason in _REASONS
        ),
    ]
    shown: list[Metric] = [
        [{"expression": f"100 * FILL({reason}, 0) / accepted", "label": reason}]
        for reason in _REASONS
    ]
    return [*hidden, *shown]


def _exceptions(stack: str) -> Iterator[_Graph]:
    late = ("DeliveredLate", "DeliveredTwice")
    yield _Graph("Delivered late or twice", [_own(name, stack) for name in late])
    # Reasons are many and new ones come with new events: whichever there are.
    search = (
        f'SEARCH(\'{{{_NAMESPACE},reason,stack}} MetricName="EventsUnknown" stack="{stack}"\', '
        f"'Sum', {_PERIOD_SECONDS})"
    )
    set_aside = ("EventsUnmatched", "EventsParked", "EventsQuarantined")
    yield _Graph(
        "Events set aside",
        [*(_own(name, stack) for name in set_aside), [{"expression": search, "id": "unknown"}]],
    )
    yield _Graph("Events applied, by channel", _by("channel", CHANNELS, "EventsApplied", stack))
    yield _Graph("Duplicates suppressed", [_own("DuplicatesSuppressed", stack)])


def _failures(names: Mapping[str, str]) -> Iterator[_Graph]:
    yield _Graph(
        "Given up: dead letters, quarantine, stream failures",
        _queues(names, "ApproximateNumberOfMessagesVisible", tuple(EMPTY_QUEUES)),
        "Maximum",
    )
    yield _Graph(
        "Age of the oldest message, s",
        _queues(names, "ApproximateAgeOfOldestMessage", tuple(WAITING_QUEUES)),
        "Maximum",
    )
    yield _Graph(
        "Age of the stream, ms", _functions(names, "IteratorAge", ("normalize_events",)), "Maximum"
    )
    yield _Graph("Function errors", _functions(names, "Errors"))
    yield _Graph("Function throttles", _functions(names, "Throttles"))
    api = ["ApiName", names["api_name"], "Stage", names["api_stage_name"]]
    yield _Graph(
        "API answers",
        [["AWS/ApiGateway", metric, *api] for metric in ("Count", "4XXError", "5XXError")],
    )


def _costs(names: Mapping[str, str]) -> Iterator[_Graph]:
    writes = ("AWS/DynamoDB", "ConsumedWriteCapacityUnits")
    yield _Graph(
        "Cost: DynamoDB writes",
        [[*writes, "TableName", names[f"{table}_table_name"]] for table in _TABLES],
    )
    yield _Graph("Cost: function time, ms", _functions(names, "Duration"))
    yield _Graph(
        "Cost: queue messages and stream bytes",
        [
            *_queues(names, "NumberOfMessagesSent", _QUEUES),
            [
                *("AWS/Kinesis", "IncomingBytes", "StreamName", names["stream_name"]),
                {"yAxis": "right"},
            ],
        ],
    )


def _own(metric: str, stack: str) -> Metric:
    return [_NAMESPACE, metric, "stack", stack]


def _by(dimension: str, values: Sequence[str], metric: str, stack: str) -> list[Metric]:
    return [[*_own(metric, stack), dimension, value] for value in values]


def _queues(names: Mapping[str, str], metric: str, nouns: Sequence[str]) -> list[Metric]:
    return [["AWS/SQS", metric, "QueueName", names[f"{noun}_queue_name"]] for noun in nouns]


def _functions(
    names: Mapping[str, str], metric: str, nouns: Sequence[str] = FUNCTIONS
) -> list[Metric]:
    return [
        ["AWS/Lambda", metric, "FunctionName", names[f"{noun}_function_name"]] for noun in nouns
    ]


def _widget(number: int, region: str, graph: _Graph) -> dict[str, Any]:
    row, column = divmod(number, _PER_ROW)
    return {
        "type": "metric",
        "x": column * _WIDTH,
        "y": row * _HEIGHT,
        "width": _WIDTH,
        "height": _HEIGHT,
        "properties": {
            "title": graph.title,
            "region": region,
            "view": "timeSeries",
            "metrics": graph.metrics,
            "stat": graph.stat,
            "period": _PERIOD_SECONDS,
        },
    }
