"""Alarms and dashboard watch what exists, by the names it has."""

import json
from collections.abc import Callable
from typing import Any

STACK = "FallbackMessagingService-dev"
# The metrics of the functions, with the dimensions beside `stack`.
METRICS = {
    "MessagesAccepted": set(),
    "MessagesSent": {"channel"},
    "MessagesDelivered": {"channel"},
    "MessagesFailed": {"channel"},
    "Fallbacks": {"reason"},
    "TimeToDelivery": {"channel"},
    "DeliveredLate": set(),
    "DeliveredTwice": set(),
    "EventsUnmatched": set(),
    "EventsUnknown": set(),
    "EventsQuarantined": set(),
    "DuplicatesSuppressed": set(),
}


def watched(recording: Any, metric: str, dimension: str) -> set[str]:
    return {
        alarm.inputs["dimensions"][dimension]
        for alarm in recording.all("MetricAlarm")
        if alarm.inputs.get("metricName") == metric
    }


def graphs(recording: Any) -> list[dict[str, Any]]:
    body = json.loads(recording.one("Dashboard").inputs["dashboardBody"])
    return body["widgets"]


def test_every_queue_that_should_be_empty_has_an_alarm(dev: Any) -> None:
    empty = {
        queue.name
        for queue in dev.all("Queue")
        if queue.name.endswith(("-dead-letters", "-quarantine", "-stream-failures"))
    }

    assert len(empty) == 5
    assert watched(dev, "ApproximateNumberOfMessagesVisible", "QueueName") == empty


def test_every_queue_that_work_waits_on_has_an_alarm_for_its_age(dev: Any) -> None:
    names = {dev.one("Queue", end).name for end in ("-intake", "-timers", "-events-events")}

    assert watched(dev, "ApproximateAgeOfOldestMessage", "QueueName") == names


def test_a_timer_that_waits_for_its_due_time_is_not_alarming(dev: Any) -> None:
    # SQS delays a message 900 s at most, and its age counts from the start.
    assert dev.one("MetricAlarm", "-timers-age").inputs["threshold"] > 900


def test_every_function_has_alarms_for_errors_and_throttles(dev: Any) -> None:
    functions = {function.name for function in dev.all("Function")}

    assert watched(dev, "Errors", "FunctionName") == functions
    assert watched(dev, "Throttles", "FunctionName") == functions


def test_a_normalizer_that_falls_behind_is_alarming(dev: Any) -> None:
    assert watched(dev, "IteratorAge", "FunctionName") == {
        dev.one("Function", "-normalize-events").name
    }


def test_server_errors_of_the_api_are_alarming(dev: Any) -> None:
    assert watched(dev, "5XXError", "ApiName") == {dev.one("RestApi").name}
    assert watched(dev, "5XXError", "Stage") == {"v1"}


def test_the_fallback_rate_counts_both_reasons_against_the_accepted_messages(
    deploy: Callable[..., Any],
) -> None:
    inputs = deploy(fallbackRateAlarmPercent="20").one("MetricAlarm", "-fallback-rate").inputs
    metrics = {
        query["id"]: (query["metric"]["metricName"], query["metric"]["dimensions"])
        for query in inputs["metricQueries"]
        if "metric" in query
    }

    assert inputs["threshold"] == 20
    assert metrics == {
        "accepted": ("MessagesAccepted", {"stack": STACK}),
        "timeout": ("Fallbacks", {"stack": STACK, "reason": "timeout"}),
        "failure": ("Fallbacks", {"stack": STACK, "reason": "failure"}),
    }
    assert [query["id"] for query in inputs["metricQueries"] if query.get("returnData")] == ["rate"]


def test_no_traffic_is_not_alarming(dev: Any) -> None:
    for alarm in dev.all("MetricAlarm"):
        assert alarm.inputs["treatMissingData"] == "notBreaching"


def test_alarms_are_mailed_when_there_is_an_address(dev: Any, deploy: Callable[..., Any]) -> None:
    mailed = deploy(alarmEmail="ops@example.com")
    topic = mailed.one("Topic", "-alarms")

    assert mailed.one("TopicSubscription", "-alarm-email").inputs["endpoint"] == "ops@example.com"
    for alarm in mailed.all("MetricAlarm"):
        assert alarm.inputs["alarmActions"] == alarm.inputs["okActions"] == [topic.arn]
    for alarm in dev.all("MetricAlarm"):
        assert alarm.inputs["alarmActions"] == []


def test_the_dashboard_shows_only_metrics_that_the_functions_emit(dev: Any) -> None:
    shown = [
        metric
        for graph in graphs(dev)
        for metric in graph["properties"]["metrics"]
        if metric[0] == "FallbackMessaging"
    ]

    assert {metric[1] for metric in shown} == set(METRICS)
    for _, name, *pairs in shown:
        dimensions = dict(zip(pairs[::2], pairs[1::2], strict=True))
        assert dimensions["stack"] == STACK
        assert set(dimensions) == {"stack"} | METRICS[name]


def test_the_dashboard_shows_only_queues_functions_and_apis_that_exist(dev: Any) -> None:
    existing = {
        "QueueName": {queue.name for queue in dev.all("Queue")},
        "FunctionName": {function.name for function in dev.all("Function")},
        "ApiName": {dev.one("RestApi").name},
    }
    for graph in graphs(dev):
        for metric in graph["properties"]["metrics"]:
            if metric[2] in existing:
                assert metric[3] in existing[metric[2]]


def test_the_graphs_of_the_dashboard_do_not_overlap(dev: Any) -> None:
    places = {(graph["x"], graph["y"]) for graph in graphs(dev)}

    assert len(places) == len(graphs(dev))
    assert all(graph["x"] + graph["width"] <= 24 for graph in graphs(dev))


def test_the_dashboard_is_named_for_the_stack_and_linked(dev: Any, prod: Any) -> None:
    assert dev.one("Dashboard").inputs["dashboardName"] == STACK
    assert prod.one("Dashboard").inputs["dashboardName"] == "FallbackMessagingService-prod"
    assert dev.outputs["dashboard_url"].endswith(f"#dashboards/dashboard/{STACK}")
