"""Who used the API, and who may: access logs without bodies, API key and usage plan."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from . import resource_policies
from .location import json_document

__all__ = ["AccessLogs", "access_logs", "api_key"]

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
    return AccessLogs(settings, _log_role(name, tags, parent) if create_role else [])


def api_key(
    name: str,
    *,
    api_id: pulumi.Input[str],
    stage_name: pulumi.Input[str],
    quota_per_day: int,
    tags: dict[str, str],
    parent: pulumi.Resource,
) -> aws.apigateway.ApiKey:
    """Create a key whose value AWS makes, once, and the usage plan that lets it use the stage."""
    options = pulumi.ResourceOptions(parent=parent)
    key = aws.apigateway.ApiKey(f"{name}-key", tags=tags, opts=options)
    plan = aws.apigateway.UsagePlan(
        f"{name}-usage-plan",
        api_stages=[{"api_id": api_id, "stage": stage_name}],
        quota_settings={"limit": quota_per_day, "period": "DAY"} if quota_per_day else None,
        tags=tags,
        opts=options,
    )
    aws.apigateway.UsagePlanKey(
        f"{name}-usage-plan-key",
        key_id=key.id,
        key_type="API_KEY",
        usage_plan_id=plan.id,
        opts=options,
    )
    return key


def _log_role(name: str, tags: dict[str, str], parent: pulumi.Resource) -> list[pulumi.Resource]:
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
        policy_arn=aws.iam.ManagedPolicy.AMAZON_API_GATEWAY_PUSH_TO_CLOUD_WATCH_LOGS,
        opts=kept,
    )
    account = aws.apigateway.Account(
        f"{name}-account",
        cloudwatch_role_arn=role.arn,
        opts=pulumi.ResourceOptions(parent=parent, retain_on_delete=True, depends_on=[attachment]),
    )
    return [account]
