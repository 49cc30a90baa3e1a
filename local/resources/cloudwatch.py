"""CloudWatch alarms, dashboards and log groups."""

from typing import Any

from local.cloud import Cloud
from local.resources.registration import Created, Registration, given, pick, tag_list


def create_log_group(cloud: Cloud, resource: Registration) -> Created:
    """Create a log group with its retention."""
    inputs = resource.inputs
    logs = cloud.client("logs")
    name = resource.physical_name()
    logs.create_log_group(
        **given(logGroupName=name, kmsKeyId=inputs.get("kmsKeyId"), tags=inputs.get("tags") or None)
    )
    if inputs.get("retentionInDays"):
        logs.put_retention_policy(logGroupName=name, retentionInDays=inputs["retentionInDays"])
    arn = f"arn:aws:logs:{cloud.region}:{cloud.account_id}:log-group:{name}"
    return name, {"name": name, "arn": arn}


def create_alarm(cloud: Cloud, resource: Registration) -> Created:
    """Put a metric alarm."""
    inputs = resource.inputs
    name = resource.physical_name()
    queries = [_query(query) for query in inputs.get("metricQueries") or []]
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Dimensions=_dimensions(inputs.get("dimensions")),
        **pick(
            inputs,
            [
                "actionsEnabled",
                "alarmActions",
                "comparisonOperator",
                "datapointsToAlarm",
                "evaluationPeriods",
                "insufficientDataActions",
                "namespace",
                "period",
                "statistic",
                "threshold",
                "treatMissingData",
                "unit",
            ],
        ),
        **given(
            AlarmDescription=inputs.get("alarmDescription"),
            ExtendedStatistic=inputs.get("extendedStatistic"),
            MetricName=inputs.get("metricName"),
            OKActions=inputs.get("okActions"),
            Metrics=queries or None,
            Tags=tag_list(inputs),
        ),
    )
    return name, {"arn": f"arn:aws:cloudwatch:{cloud.region}:{cloud.account_id}:alarm:{name}"}


def create_dashboard(cloud: Cloud, resource: Registration) -> Created:
    """Put a dashboard."""
    name = resource.physical_name("dashboardName")
    cloud.client("cloudwatch").put_dashboard(
        DashboardName=name, DashboardBody=resource.inputs["dashboardBody"]
    )
    arn = f"arn:aws:cloudwatch::{cloud.account_id}:dashboard/{name}"
    return name, {"dashboardName": name, "dashboardArn": arn}


def _dimensions(dimensions: dict[str, str] | None) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in (dimensions or {}).items()]


def _query(query: dict[str, Any]) -> dict[str, Any]:
    parameters = pick(query, ["id", "expression", "label", "returnData", "period"])
    metric = query.get("metric")
    if metric:
        dimensions = _dimensions(metric.get("dimensions"))
        parameters["MetricStat"] = {
            "Metric": {"Dimensions": dimensions, **pick(metric, ["namespace", "metricName"])},
            **pick(metric, ["period", "stat", "unit"]),
        }
    return parameters


CREATORS = {
    "aws:cloudwatch/dashboard:Dashboard": create_dashboard,
    "aws:cloudwatch/logGroup:LogGroup": create_log_group,
    "aws:cloudwatch/metricAlarm:MetricAlarm": create_alarm,
}
