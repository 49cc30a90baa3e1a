"""The body of the dashboard, as a pure function; nothing here imports pulumi."""

from collections.abc import Mapping, Sequence
from typing import Any

from .alarms import EMPTY_QUEUES, FUNCTIONS, WAITING_QUEUES

__all__ = ["dashboard_body"]

_NAMESPACE = "FallbackMessaging"
_CHANNELS = ("email", "sms", "whatsapp")
_REASONS = ("timeout", "failure")
# CloudWatch's grid is 24 columns wide.
_WIDTH, _HEIGHT, _PER_ROW = 8, 6, 3

Metric = list[Any]


def dashboard_body(region: str, stack_name: str, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the dashboard: the way of messages first, then what fails, then what waits.

    `names` has the physical names of queues, functions and the API, by their argument names.
    """
    return {
        "widgets": [
            _widget(number, region, title, metrics, stat)
            for number, (title, metrics, stat) in enumerate(
                [
                    *_message_graphs(stack_name),
                    *_event_graphs(stack_name),
                    *_resource_graphs(names),
                ]
            )
        ]
    }


def _message_graphs(stack: str) -> Sequence[tuple[str, list[Metric], str]]:
    by_channel = {
        name: [[_NAMESPACE, name, "stack", stack, "channel", channel] for channel in _CHANNELS]
        for name in ("MessagesSent", "MessagesDelivered", "MessagesFailed", "TimeToDelivery")
    }
    fallbacks = [[_NAMESPACE, "Fallbacks", "stack", stack, "reason", reason] for reason in _REASONS]
    return [
        ("Messages accepted", [_own("MessagesAccepted", stack)], "Sum"),
        ("Sent, by channel", by_channel["MessagesSent"], "Sum"),
        ("Delivered, by channel", by_channel["MessagesDelivered"], "Sum"),
        ("Failed, by channel", by_channel["MessagesFailed"], "Sum"),
        ("Fallbacks, by reason", fallbacks, "Sum"),
        ("Time to delivery, p90, ms", by_channel["TimeToDelivery"], "p90"),
    ]


def _event_graphs(stack: str) -> Sequence[tuple[str, list[Metric], str]]:
    return [
        (
            "Delivered late or twice",
            [_own("DeliveredLate", stack), _own("DeliveredTwice", stack)],
            "Sum",
        ),
        (
            "Events set aside",
            [
                _own("EventsUnmatched", stack),
                _own("EventsUnknown", stack),
                _own("EventsQuarantined", stack),
            ],
            "Sum",
        ),
        ("Duplicates suppressed", [_own("DuplicatesSuppressed", stack)], "Sum"),
    ]


def _resource_graphs(names: Mapping[str, str]) -> Sequence[tuple[str, list[Metric], str]]:
    def queues(metric: str, nouns: Sequence[str]) -> list[Metric]:
        return [["AWS/SQS", metric, "QueueName", names[f"{noun}_queue_name"]] for noun in nouns]

    def functions(metric: str, nouns: Sequence[str] = FUNCTIONS) -> list[Metric]:
        return [
            ["AWS/Lambda", metric, "FunctionName", names[f"{noun}_function_name"]] for noun in nouns
        ]

    api = ["ApiName", names["api_name"], "Stage", names["api_stage_name"]]
    return [
        (
            "Given up: dead letters, quarantine, stream failures",
            queues("ApproximateNumberOfMessagesVisible", EMPTY_QUEUES),
            "Maximum",
        ),
        (
            "Age of the oldest message, s",
            queues("ApproximateAgeOfOldestMessage", tuple(WAITING_QUEUES)),
            "Maximum",
        ),
        (
            "Age of the stream, ms",
            functions("IteratorAge", ("normalize_events",)),
            "Maximum",
        ),
        ("Function errors", functions("Errors"), "Sum"),
        ("Function throttles", functions("Throttles"), "Sum"),
        (
            "API answers",
            [["AWS/ApiGateway", metric, *api] for metric in ("Count", "4XXError", "5XXError")],
            "Sum",
        ),
    ]


def _own(metric: str, stack: str) -> Metric:
    return [_NAMESPACE, metric, "stack", stack]


def _widget(
    number: int, region: str, title: str, metrics: list[Metric], stat: str
) -> dict[str, Any]:
    row, column = divmod(number, _PER_ROW)
    return {
        "type": "metric",
        "x": column * _WIDTH,
        "y": row * _HEIGHT,
        "width": _WIDTH,
        "height": _HEIGHT,
        "properties": {
            "title": title,
            "region": region,
            "view": "timeSeries",
            "metrics": metrics,
            "stat": stat,
            "period": 300,
        },
    }
