"""CloudWatch alarms, dashboards and log groups."""

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
        Dimensions=_dimensions(inputs),
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


def _dimensions(inputs: dict[str, dict[str, str]]) -> list[dict[str, str]]:
    return [
        {"Name": name, "Value": value} for name, value in (inputs.get("dimensions") or {}).items()
    ]


def _query(query: dict[str, dict[str, str]]) -> dict[str, object]:
    metric = query.get("metric")
    return pick(query, ["id", "expression", "label", "returnData", "period"]) | given(
        MetricStat={
            "Metric": {
                "Namespace": metric.get("namespace"),
                "MetricName": metric["metricName"],
                "Dimensions": _dimensions({"dimensions": metric.get("dimensions") or {}}),  # type: ignore[dict-item]
            },
            "Period": metric["period"],
            "Stat": metric["stat"],
        }
        if metric
        else None
    )


CREATORS = {
    "aws:cloudwatch/dashboard:Dashboard": create_dashboard,
    "aws:cloudwatch/logGroup:LogGroup": create_log_group,
    "aws:cloudwatch/metricAlarm:MetricAlarm": create_alarm,
}
