"""Who used the API, and who may: access logs without bodies, API keys and their usage plan."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from . import resource_policies
from .location import json_document
from .policies import Location

__all__ = ["AccessLogs", "access_logs", "client_keys"]

# pulumi_aws has a constant for it, which is right in one partition.
_PUSH_LOGS = "arn:{partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
# Who asked what, when and with which answer: no body, no header, no key.
_ACCESS_LOG_FORMAT = json.dumps(
    {
        "requestId": "$context.requestId",
        "requestTime": "$context.requestTime",
        "httpMethod": "$context.httpMethod",
        "resourcePath": "$context.resourcePath",
        "status": "$context.status",
        "responseLength": "$context.responseLength",
        "responseLatency": "$context.responseLatency",
        "integrationStatus": "$context.integrationStatus",
        "errorType": "$context.error.responseType",
        "sourceIp": "$context.identity.sourceIp",
        "apiKeyId": "$context.identity.apiKeyId",
        "caller": "$context.identity.caller",
        "traceId": "$context.xrayTraceId",
    }
)


@dataclass(frozen=True)
class AccessLogs:
    """A stage's access log settings, and what must exist before the stage that has them."""

    settings: aws.apigateway.StageAccessLogSettingsArgs
    prerequisites: list[pulumi.Resource]


def access_logs(
    name: str,
    *,
    retention_days: int,
    create_role: bool,
    location: pulumi.Output[Location],
    tags: dict[str, str],
    parent: pulumi.Resource,
) -> AccessLogs:
    """Create the access log group and, if asked, the role that API Gateway writes logs by."""
    log_group = aws.cloudwatch.LogGroup(
        f"{name}-access-logs",
        retention_in_days=retention_days,
        tags=tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    settings = aws.apigateway.StageAccessLogSettingsArgs(
        destination_arn=log_group.arn, format=_ACCESS_LOG_FORMAT
    )
    return AccessLogs(settings, _log_role(name, location, tags, parent) if create_role else [])


def client_keys(
    name: str,
    clients: list[str],
    stage: aws.apigateway.UsagePlanApiStageArgs,
    *,
    throttle: tuple[int, int],
    quota_per_day: int,
    tags: dict[str, str],
    parent: pulumi.Resource,
) -> dict[str, aws.apigateway.ApiKey]:
    """Create a key for each client, whose value AWS makes, once, and the plan that they share.

    The plan's limits are each key's own: `throttle` is rate and burst, and 0 is no limit.
    """
    options = pulumi.ResourceOptions(parent=parent)
    rate, burst = throttle
    plan = aws.apigateway.UsagePlan(
        f"{name}-usage-plan",
        api_stages=[stage],
        throttle_settings={"rate_limit": rate, "burst_limit": burst} if rate else None,
        quota_settings={"limit": quota_per_day, "period": "DAY"} if quota_per_day else None,
        tags=tags,
        opts=options,
    )
    keys = {}
    for client in clients:
        keys[client] = aws.apigateway.ApiKey(f"{name}-{client}-key", tags=tags, opts=options)
        aws.apigateway.UsagePlanKey(
            f"{name}-{client}-usage-plan-key",
            key_id=keys[client].id,
            key_type="API_KEY",
            usage_plan_id=plan.id,
            # AWS answers with the key itself, and the provider does not mark it as secret.
            opts=pulumi.ResourceOptions(parent=parent, additional_secret_outputs=["value"]),
        )
    return keys


def _log_role(
    name: str, location: pulumi.Output[Location], tags: dict[str, str], parent: pulumi.Resource
) -> list[pulumi.Resource]:
    # One setting for the account and Region, which the logs of other APIs depend on as soon as it
    # is there: so it stays when the stack goes.
    kept = pulumi.ResourceOptions(parent=parent, retain_on_delete=True)
    role = aws.iam.Role(
        f"{name}-log-role",
        assume_role_policy=json_document(
            resource_policies.trust, service="apigateway.amazonaws.com"
        ),
        tags=tags,
        opts=kept,
    )
    attachment = aws.iam.RolePolicyAttachment(
        f"{name}-log-role-policy",
        role=role.name,
        policy_arn=location.apply(lambda place: _PUSH_LOGS.format(partition=place.partition)),
        opts=kept,
    )
    account = aws.apigateway.Account(
        f"{name}-account",
        cloudwatch_role_arn=role.arn,
        opts=pulumi.ResourceOptions(parent=parent, retain_on_delete=True, depends_on=[attachment]),
    )
    return [account]
