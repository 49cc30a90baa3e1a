"""Alarms and dashboard watch what exists, by the names it has."""

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.observability import _console
from infra.policies import Location
from runtime.channels import CHANNELS

ROOT = Path(__file__).resolve().parents[2]
WRITTEN_BY_POWERTOOLS = {"service", "message", "level"}
STACK = "FallbackMessagingService-dev"


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
    assert [query["id"] for query in inputs["metricQueries"] if query.get("returnData")] == [
        "compared"
    ]


def test_each_channel_has_an_alarm_on_sends_without_events(dev: Any) -> None:
    silences = [a for a in dev.all("MetricAlarm") if a.name.endswith("-without-events")]

    assert len(silences) == len(CHANNELS)
    for channel in CHANNELS:
        inputs = dev.one("MetricAlarm", f"-{channel}-without-events").inputs
        *metrics, compared = inputs["metricQueries"]
        assert {query["id"]: query["metric"]["metricName"] for query in metrics} == {
            "sent": "MessagesSent",
            "events": "EventsApplied",
        }
        for query in metrics:
            assert query["metric"]["dimensions"] == {"stack": STACK, "channel": channel}
            # Half an hour in all.
            assert query["metric"]["period"] * inputs["evaluationPeriods"] == 1_800
        assert compared["returnData"] is True


def test_no_traffic_is_not_alarming(dev: Any) -> None:
    for alarm in dev.all("MetricAlarm"):
        assert alarm.inputs["treatMissingData"] == "notBreaching"


def test_alarms_are_mailed_when_there_is_an_address(dev: Any, deploy: Callable[..., Any]) -> None:
    mailed = deploy(alarmEmail="ops@company.test")
    topic = mailed.one("Topic", "-alarms")

    assert mailed.one("TopicSubscription", "-alarm-email").inputs["endpoint"] == "ops@company.test"
    for alarm in mailed.all("MetricAlarm"):
        assert alarm.inputs["alarmActions"] == alarm.inputs["okActions"] == [topic.arn]
    for alarm in dev.all("MetricAlarm"):
        assert alarm.inputs["alarmActions"] == []


def emitted() -> dict[str, set[str]]:
    """Read from the runtime's source what each metric is counted with, beside `stack`."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "runtime").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("count", "observe")
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "meter"
            ):
                name = ast.literal_eval(node.args[0])
                dimensions = {str(keyword.arg) for keyword in node.keywords} - {"value"}
                assert found.setdefault(name, dimensions) == dimensions, name
    return found


def shown(recording: Any) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield namespace, name and dimensions of every metric of the dashboard and the alarms."""
    for graph in graphs(recording):
        for metric in graph["properties"]["metrics"]:
            namespace, *parts = [part for part in metric if isinstance(part, str)] or [""]
            if namespace:
                yield namespace, parts[0], dict(zip(parts[1::2], parts[2::2], strict=True))
            for option in metric:
                if isinstance(option, dict) and "SEARCH" in option.get("expression", ""):
                    yield searched(option["expression"])
    for alarm in recording.all("MetricAlarm"):
        for metric in [
            alarm.inputs,
            *(q.get("metric") for q in alarm.inputs.get("metricQueries", [])),
        ]:
            if metric and "namespace" in metric:
                yield metric["namespace"], metric["metricName"], metric["dimensions"]


def searched(expression: str) -> tuple[str, str, dict[str, str]]:
    found = re.fullmatch(
        r"""SEARCH\('\{(.+?),(.+?)\} MetricName="(.+?)" stack="(.+?)"', 'Sum', 300\)""", expression
    )
    assert found, expression
    namespace, dimensions, name, stack = found.groups()
    return namespace, name, {**dict.fromkeys(dimensions.split(","), "*"), "stack": stack}


def test_dashboard_and_alarms_show_only_metrics_that_the_functions_emit(dev: Any) -> None:
    own = [metric for metric in shown(dev) if metric[0] == "FallbackMessaging"]
    known = emitted()

    assert len(known) >= 12
    for _, name, dimensions in own:
        assert dimensions["stack"] == STACK
        assert set(dimensions) == {"stack"} | known[name], name


def test_every_metric_that_the_functions_emit_is_on_the_dashboard(dev: Any) -> None:
    assert {name for namespace, name, _ in shown(dev) if namespace == "FallbackMessaging"} == set(
        emitted()
    )


def test_the_functions_emit_into_the_namespace_that_is_watched(dev: Any) -> None:
    for function in dev.all("Function"):
        variables = function.inputs["environment"]["variables"]
        assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "FallbackMessaging"
        assert variables["STACK_NAME"] == STACK


def test_every_channel_of_the_runtime_is_on_the_dashboard(dev: Any) -> None:
    channels = {
        dimensions["channel"]
        for namespace, name, dimensions in shown(dev)
        if (namespace, name) == ("FallbackMessaging", "MessagesSent")
    }

    assert channels == set(CHANNELS)


def test_the_dashboard_shows_the_funnel_in_order(dev: Any) -> None:
    titles = [graph["properties"]["title"] for graph in graphs(dev)]

    assert titles[:4] == [
        "Accepted",
        "Sent, by channel",
        "Delivered, by channel",
        "Failed, by channel",
    ]
    times = graphs(dev)[titles.index("Time to delivery, p50, p90 and p99, ms")]
    stats = {metric[-1]["stat"] for metric in times["properties"]["metrics"]}
    assert stats == {"p50", "p90", "p99"}
    assert len([title for title in titles if title.startswith("Cost: ")]) == 3


def test_the_fallback_rate_on_the_dashboard_is_by_reason(dev: Any) -> None:
    (graph,) = (g for g in graphs(dev) if g["properties"]["title"].startswith("Fallback rate"))
    metrics = graph["properties"]["metrics"]
    ids = {metric[-1]["id"] for metric in metrics if isinstance(metric[0], str)}
    expressions = [metric[0]["expression"] for metric in metrics if isinstance(metric[0], dict)]

    assert ids == {"accepted", "timeout", "failure"}
    assert expressions == [
        "100 * FILL(timeout, 0) / accepted",
        "100 * FILL(failure, 0) / accepted",
    ]


def test_the_dashboard_shows_only_what_exists(dev: Any) -> None:
    existing = {
        "QueueName": {queue.name for queue in dev.all("Queue")},
        "FunctionName": {function.name for function in dev.all("Function")},
        "TableName": {table.name for table in dev.all("Table")},
        "StreamName": {dev.one("Stream").name},
        "ApiName": {dev.one("RestApi").name},
        "Stage": {"v1"},
    }
    for namespace, _, dimensions in shown(dev):
        if namespace.startswith("AWS/"):
            for dimension, value in dimensions.items():
                assert value in existing[dimension]


def test_the_alarm_of_a_queue_says_what_can_be_done_with_what_is_on_it(dev: Any) -> None:
    said = {
        alarm.name.partition("-observability-")[2]: alarm.inputs["alarmDescription"]
        for alarm in dev.all("MetricAlarm")
    }
    for queue, remedy in (
        ("intake-dead-letters", "redrive them."),
        ("events-dead-letters", "redrive them."),
        ("quarantine", "replay those that a fix can read and discard the rest."),
        ("stream-failures", "replay them."),
    ):
        assert f"find out why, then {remedy}" in said[f"{queue}-not-empty"]


def test_every_alarm_says_where_its_runbook_is(dev: Any) -> None:
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }

    for alarm in dev.all("MetricAlarm"):
        found = re.search(r"Runbook: docs/runbook\.md#([a-z-]+)$", alarm.inputs["alarmDescription"])
        assert found, alarm.name
        assert found[1] in anchors, alarm.name


def test_alarms_go_to_a_topic_that_exists_already(deploy: Callable[..., Any]) -> None:
    topic = "arn:aws:sns:eu-west-1:123456789012:operations"
    recording = deploy(alarmTopicArn=topic)

    assert not [t for t in recording.all("Topic") if t.name.endswith("-alarms")]
    for alarm in recording.all("MetricAlarm"):
        assert alarm.inputs["alarmActions"] == [topic]


def test_saved_queries_read_the_logs_of_their_functions(dev: Any) -> None:
    groups = {group.name for group in dev.all("LogGroup")}
    queries = dev.all("QueryDefinition")

    assert len(queries) == 5
    for query in queries:
        assert query.inputs["name"].startswith(f"{STACK}/")
        assert set(query.inputs["logGroupNames"]) <= groups
    everything = dev.one("QueryDefinition", "-one-message-query").inputs["logGroupNames"]
    assert len(everything) == 5
    # Compared as a list, in which AWS's order may not be the program's.
    for query in dev.all("QueryDefinition"):
        assert query.inputs["logGroupNames"] == sorted(query.inputs["logGroupNames"])


def test_saved_queries_ask_only_for_what_the_functions_log(dev: Any) -> None:
    source = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "runtime").rglob("*.py"))
    for query in dev.all("QueryDefinition"):
        text = query.inputs["queryString"]
        for message in re.findall(r"'([a-z ]{6,})'", text):
            assert f'"{message}"' in source, message
        for line in re.findall(r"(?:fields|by) (.+)", text):
            for field in re.findall(r"(?<![@\w])[a-z_]+", line):
                assert (
                    field in ("service", "message")
                    or f"{field}=" in source
                    or f'"{field}"' in source
                )


def test_the_graphs_of_the_dashboard_do_not_overlap(dev: Any) -> None:
    places = {(graph["x"], graph["y"]) for graph in graphs(dev)}

    assert len(places) == len(graphs(dev))
    assert all(graph["x"] + graph["width"] <= 24 for graph in graphs(dev))


def test_the_dashboard_is_named_for_stack_and_region_and_linked(dev: Any, prod: Any) -> None:
    # A name is the account's, over all Regions.
    assert dev.one("Dashboard").inputs["dashboardName"] == f"{STACK}-eu-west-1"
    name = prod.one("Dashboard").inputs["dashboardName"]
    assert name == "FallbackMessagingService-prod-eu-west-1"
    assert dev.outputs["dashboard_url"].endswith(f"#dashboards/dashboard/{STACK}-eu-west-1")


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("aws-cn", "cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_each_partition_has_a_console_of_its_own(partition: str, region: str, host: str) -> None:
    assert _console(Location(partition, region, "123456789012")) == host
