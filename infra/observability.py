"""What tells an operator that something is wrong: alarms, one dashboard, saved log queries."""

import json
import re
from typing import TypedDict

import pulumi
import pulumi_aws as aws

from . import resource_policies
from .alarms import ALARMS, own_alarms, with_runbook
from .dashboard import dashboard_body
from .location import json_document, location_of
from .log_queries import LOG_QUERIES
from .policies import Location

__all__ = ["Observability", "ObservabilityArgs"]


class ObservabilityArgs(TypedDict):
    """Arguments of `Observability`: the names of what is watched.

    Alarms go to the topic `alarm_topic_arn`, else to one of their own that mails them to
    `alarm_email`, else nowhere; an empty text is none. `stack_name` is the dimension of the
    product's own metrics.
    """

    stack_name: str
    kms_key_arn: pulumi.Input[str]
    tags: dict[str, str]
    alarm_email: str
    alarm_topic_arn: pulumi.Input[str]
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
    messages_table_name: pulumi.Input[str]
    payloads_table_name: pulumi.Input[str]
    provider_message_ids_table_name: pulumi.Input[str]
    stream_name: pulumi.Input[str]
    message_api_log_group_name: pulumi.Input[str]
    send_primary_log_group_name: pulumi.Input[str]
    send_fallback_log_group_name: pulumi.Input[str]
    relay_events_log_group_name: pulumi.Input[str]
    normalize_events_log_group_name: pulumi.Input[str]


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
        self._prefix = name
        self._tags = args["tags"]
        self._actions: list[pulumi.Input[str]] = []
        self.alarm_topic_arn = pulumi.Output.from_input(args["alarm_topic_arn"])
        if args["alarm_email"]:
            self.alarm_topic_arn = self._alarm_topic(args)
        if args["alarm_email"] or args["alarm_topic_arn"] != "":
            self._actions = [self.alarm_topic_arn]
        self._alarms(args)
        self._own_alarms(args)
        self._log_queries(args)
        self.dashboard_name = self._dashboard(args).dashboard_name
        self.dashboard_url = pulumi.Output.all(self.dashboard_name, location_of(self)).apply(
            lambda known: (
                f"https://{_console(known[1])}/cloudwatch/home"
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
            f"{self._prefix}-alarms",
            kms_master_key_id=args["kms_key_arn"],
            tags=self._tags,
            opts=options,
        )
        aws.sns.TopicPolicy(
            f"{self._prefix}-alarms-policy",
            arn=topic.arn,
            policy=json_document(
                resource_policies.alarm_topic_policy,
                location=location_of(self),
                topic_arn=topic.arn,
            ),
            opts=options,
        )
        aws.sns.TopicSubscription(
            f"{self._prefix}-alarm-email",
            topic=topic.arn,
            protocol="email",
            endpoint=args["alarm_email"],
            opts=options,
        )
        return topic.arn

    def _alarms(self, args: ObservabilityArgs) -> None:
        names = _inputs(args)
        for alarm in ALARMS:
            aws.cloudwatch.MetricAlarm(
                f"{self._prefix}-{alarm.noun}",
                alarm_description=with_runbook(alarm.description, alarm.runbook),
                namespace=alarm.namespace,
                metric_name=alarm.metric,
                statistic=alarm.statistic,
                dimensions={
                    dimension: names[argument] for dimension, argument in alarm.dimensions.items()
                },
                comparison_operator="GreaterThanThreshold",
                threshold=alarm.threshold,
                period=300,
                evaluation_periods=1,
                # No data is no traffic.
                treat_missing_data="notBreaching",
                alarm_actions=self._actions,
                ok_actions=self._actions,
                tags=self._tags,
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _own_alarms(self, args: ObservabilityArgs) -> None:
        for alarm in own_alarms(args["fallback_rate_alarm_percent"]):
            aws.cloudwatch.MetricAlarm(
                f"{self._prefix}-{alarm.noun}",
                alarm_description=with_runbook(alarm.description, alarm.runbook),
                metric_queries=[
                    *(
                        _sum_query(
                            query_id,
                            metric,
                            {"stack": args["stack_name"], **dimensions},
                            alarm.period_seconds,
                        )
                        for query_id, (metric, dimensions) in alarm.metrics.items()
                    ),
                    {
                        "id": "compared",
                        "label": alarm.label,
                        "expression": alarm.expression,
                        "return_data": True,
                    },
                ],
                comparison_operator="GreaterThanThreshold",
                threshold=alarm.threshold,
                evaluation_periods=alarm.periods,
                treat_missing_data="notBreaching",
                alarm_actions=self._actions,
                ok_actions=self._actions,
                tags=self._tags,
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _log_queries(self, args: ObservabilityArgs) -> None:
        names = _inputs(args)
        for query in LOG_QUERIES.values():
            aws.cloudwatch.QueryDefinition(
                f"{self._prefix}-{query.noun}-query",
                # The console shows what is before the slash as a folder.
                name=f"{args['stack_name']}/{query.title}",
                # In an order that does not depend on the program, for it is compared as a list.
                log_group_names=pulumi.Output.all(
                    *(names[f"{noun}_log_group_name"] for noun in query.functions)
                ).apply(sorted),
                query_string=query.query,
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _dashboard(self, args: ObservabilityArgs) -> aws.cloudwatch.Dashboard:
        names = {
            key: value
            for key, value in _inputs(args).items()
            if (key.endswith("_name") and not key.endswith(("stack_name", "_log_group_name")))
            or key == "api_stage_name"
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
            f"{self._prefix}-dashboard",
            # Unique in the account, over all Regions; without dots.
            dashboard_name=location_of(self).apply(
                lambda place: re.sub("[^A-Za-z0-9_-]", "-", f"{args['stack_name']}-{place.region}")
            ),
            dashboard_body=body,
            opts=pulumi.ResourceOptions(parent=self),
        )


def _console(place: Location) -> str:
    hosts = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}
    return f"{place.region}.{hosts.get(place.partition, 'console.aws.amazon.com')}"


def _inputs(args: ObservabilityArgs) -> dict[str, pulumi.Input[str]]:
    return {**args}  # type: ignore[dict-item]  # read by computed names, all of them texts


def _sum_query(
    query_id: str, metric_name: str, dimensions: dict[str, str], period_seconds: int
) -> aws.cloudwatch.MetricAlarmMetricQueryArgs:
    return aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id=query_id,
        metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
            namespace="FallbackMessaging",
            metric_name=metric_name,
            dimensions=dimensions,
            period=period_seconds,
            stat="Sum",
        ),
        return_data=False,
    )
