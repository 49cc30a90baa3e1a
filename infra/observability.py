"""What tells an operator that something is wrong: alarms, and one dashboard."""

import json
from typing import TypedDict

import pulumi
import pulumi_aws as aws

from .dashboard import dashboard_body
from .location import location_of

__all__ = ["Observability", "ObservabilityArgs"]

_FUNCTIONS = ("message_api", "send_primary", "send_fallback", "relay_events", "normalize_events")
# Nothing may ever be on these: each message is one that was given up on or could not be read.
_EMPTY_QUEUES = (
    "intake_dead_letters",
    "timers_dead_letters",
    "events_dead_letters",
    "quarantine",
    "stream_failures",
)
# Seconds that the oldest message may wait. A timer hops at most 900 s, the limit of DelaySeconds.
_QUEUE_AGES = {"intake": 300, "timers": 900 + 300, "events": 300}
_ITERATOR_AGE_MILLISECONDS = 60_000


class ObservabilityArgs(TypedDict):
    """Arguments of `Observability`: the names of what is watched.

    `alarm_email` empty is no mail. `stack_name` is the dimension of the product's own metrics.
    """

    stack_name: str
    kms_key_arn: pulumi.Input[str]
    tags: dict[str, str]
    alarm_email: str
    fallback_rate_alarm_percent: int
    api_name: pulumi.Input[str]
    api_stage_name: pulumi.Input[str]
    intake_queue_name: pulumi.Input[str]
    intake_dead_letters_queue_name: pulumi.Input[str]
    timers_queue_name: pulumi.Input[str]
    timers_dead_letters_queue_name: pulumi.Input[str]
    events_queue_name: pulumi.Input[str]
    events_dead_letters_queue_name: pulumi.Input[str]
    quarantine_queue_name: pulumi.Input[str]
    stream_failures_queue_name: pulumi.Input[str]
    message_api_function_name: pulumi.Input[str]
    send_primary_function_name: pulumi.Input[str]
    send_fallback_function_name: pulumi.Input[str]
    relay_events_function_name: pulumi.Input[str]
    normalize_events_function_name: pulumi.Input[str]


class Observability(pulumi.ComponentResource):
    """Watch one deployment of the product."""

    dashboard_name: pulumi.Output[str]
    dashboard_url: pulumi.Output[str]
    alarm_topic_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: ObservabilityArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fallback-messaging:index:Observability", name, {}, opts)
        self._name = name
        self._tags = args["tags"]
        self._actions: list[pulumi.Input[str]] = []
        self.alarm_topic_arn = pulumi.Output.from_input("")
        if args["alarm_email"]:
            self.alarm_topic_arn = self._alarm_topic(args)
            self._actions = [self.alarm_topic_arn]
        self._queue_alarms(args)
        self._function_alarms(args)
        self._api_alarm(args)
        self._fallback_rate_alarm(args)
        self.dashboard_name = self._dashboard(args).dashboard_name
        self.dashboard_url = pulumi.Output.all(self.dashboard_name, location_of(self)).apply(
            lambda known: (
                f"https://{known[1].region}.console.aws.amazon.com/cloudwatch/home"
                f"?region={known[1].region}#dashboards/dashboard/{known[0]}"
            )
        )
        self.register_outputs(
            {
                "dashboard_name": self.dashboard_name,
                "dashboard_url": self.dashboard_url,
                "alarm_topic_arn": self.alarm_topic_arn,
            }
        )

    def _alarm_topic(self, args: ObservabilityArgs) -> pulumi.Output[str]:
        options = pulumi.ResourceOptions(parent=self)
        topic = aws.sns.Topic(
            f"{self._name}-alarms",
            kms_master_key_id=args["kms_key_arn"],
            tags=self._tags,
            opts=options,
        )
        aws.sns.TopicSubscription(
            f"{self._name}-alarm-email",
            topic=topic.arn,
            protocol="email",
            endpoint=args["alarm_email"],
            opts=options,
        )
        return topic.arn

    def _queue_alarms(self, args: ObservabilityArgs) -> None:
        names = _inputs(args)
        for noun in _EMPTY_QUEUES:
            self._alarm(
                f"{noun}-not-empty",
                f"There are messages on the queue {_words(noun)}: look at why, then redrive them.",
                metric=("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum"),
                dimensions={"QueueName": names[f"{noun}_queue_name"]},
                threshold=0,
            )
        for noun, seconds in _QUEUE_AGES.items():
            self._alarm(
                f"{noun}-age",
                f"The oldest message on the queue {noun} has waited for over {seconds} s.",
                metric=("AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum"),
                dimensions={"QueueName": names[f"{noun}_queue_name"]},
                threshold=seconds,
            )

    def _function_alarms(self, args: ObservabilityArgs) -> None:
        names = _inputs(args)
        for noun in _FUNCTIONS:
            for metric in ("Errors", "Throttles"):
                self._alarm(
                    f"{noun}-{metric.lower()}",
                    f"The function {_words(noun)} has {metric.lower()}.",
                    metric=("AWS/Lambda", metric, "Sum"),
                    dimensions={"FunctionName": names[f"{noun}_function_name"]},
                    threshold=0,
                )
        self._alarm(
            "iterator-age",
            "The normalizer is more than a minute behind the stream: status changes come late, "
            "and fallbacks may be sent for messages that arrived.",
            metric=("AWS/Lambda", "IteratorAge", "Maximum"),
            dimensions={"FunctionName": args["normalize_events_function_name"]},
            threshold=_ITERATOR_AGE_MILLISECONDS,
        )

    def _api_alarm(self, args: ObservabilityArgs) -> None:
        self._alarm(
            "api-errors",
            "The API answers with server errors: clients cannot hand over messages.",
            metric=("AWS/ApiGateway", "5XXError", "Sum"),
            dimensions={"ApiName": args["api_name"], "Stage": args["api_stage_name"]},
            threshold=0,
        )

    def _alarm(
        self,
        noun: str,
        description: str,
        *,
        metric: tuple[str, str, str],
        dimensions: dict[str, pulumi.Input[str]],
        threshold: int,
    ) -> None:
        namespace, metric_name, statistic = metric
        aws.cloudwatch.MetricAlarm(
            f"{self._name}-{noun.replace('_', '-')}",
            alarm_description=description,
            namespace=namespace,
            metric_name=metric_name,
            statistic=statistic,
            dimensions=dimensions,
            comparison_operator="GreaterThanThreshold",
            threshold=threshold,
            period=300,
            evaluation_periods=1,
            # No data is no traffic.
            treat_missing_data="notBreaching",
            alarm_actions=self._actions,
            ok_actions=self._actions,
            tags=self._tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _fallback_rate_alarm(self, args: ObservabilityArgs) -> None:
        aws.cloudwatch.MetricAlarm(
            f"{self._name}-fallback-rate",
            alarm_description=f"Over {args['fallback_rate_alarm_percent']} % of the messages of an "
            "hour needed a fallback: the first channel, or its delivery events, may be down.",
            metric_queries=[
                _sum_query("accepted", "MessagesAccepted", {"stack": args["stack_name"]}),
                *(
                    _sum_query(reason, "Fallbacks", {"stack": args["stack_name"], "reason": reason})
                    for reason in ("timeout", "failure")
                ),
                {
                    "id": "rate",
                    "label": "Fallback rate, percent",
                    # FILL: a reason that did not happen has no data, and would void the sum.
                    "expression": "100 * (FILL(timeout, 0) + FILL(failure, 0)) / accepted",
                    "return_data": True,
                },
            ],
            comparison_operator="GreaterThanThreshold",
            threshold=args["fallback_rate_alarm_percent"],
            evaluation_periods=1,
            treat_missing_data="notBreaching",
            alarm_actions=self._actions,
            ok_actions=self._actions,
            tags=self._tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _dashboard(self, args: ObservabilityArgs) -> aws.cloudwatch.Dashboard:
        names = {
            key: value
            for key, value in _inputs(args).items()
            if key.endswith(("_queue_name", "_function_name", "api_name", "api_stage_name"))
        }
        body = pulumi.Output.all(location=location_of(self), **names).apply(
            lambda known: json.dumps(
                dashboard_body(
                    known["location"].region,
                    args["stack_name"],
                    {key: str(value) for key, value in known.items() if key != "location"},
                )
            )
        )
        return aws.cloudwatch.Dashboard(
            f"{self._name}-dashboard",
            # Dashboards have no name of their own: the stack's keeps them apart.
            dashboard_name=args["stack_name"],
            dashboard_body=body,
            opts=pulumi.ResourceOptions(parent=self),
        )


def _inputs(args: ObservabilityArgs) -> dict[str, pulumi.Input[str]]:
    return {**args}  # type: ignore[dict-item]  # read by computed names, all of them texts


def _words(noun: str) -> str:
    return noun.replace("_", "-")


def _sum_query(
    query_id: str, metric_name: str, dimensions: dict[str, str]
) -> aws.cloudwatch.MetricAlarmMetricQueryArgs:
    return aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id=query_id,
        metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
            namespace="FallbackMessaging",
            metric_name=metric_name,
            dimensions=dimensions,
            period=3_600,
            stat="Sum",
        ),
        return_data=False,
    )
