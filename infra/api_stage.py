"""The stage that the API is called at: deployment, limits, and its right to the function."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .api_access import access_logs
from .api_routes import api_definition
from .location import location_of

__all__ = ["StageArgs", "api_stage"]

_STAGE = "v1"


@dataclass(frozen=True)
class StageArgs:
    """What a stage is made with. `parts` are what its deployment is a snapshot of."""

    api: aws.apigateway.RestApi
    function: aws.lambda_.Function
    parts: list[pulumi.Resource]
    authorization: str
    allowed_cidrs: list[str]
    throttle_rate: int
    throttle_burst: int
    access_logs: bool
    create_log_role: bool
    log_retention_days: int
    tracing: bool
    tags: dict[str, str]


def api_stage(name: str, args: StageArgs, parent: pulumi.ComponentResource) -> aws.apigateway.Stage:
    """Create the stage as a child of `parent`."""
    options = pulumi.ResourceOptions(parent=parent)
    deployment = aws.apigateway.Deployment(
        f"{name}-deployment",
        rest_api=args.api.id,
        # A deployment is a snapshot: it is taken anew when, and only when, the API changes.
        triggers={
            "definition": args.function.invoke_arn.apply(
                lambda uri: api_definition(uri, args.authorization, args.allowed_cidrs)
            )
        },
        opts=pulumi.ResourceOptions(parent=parent, depends_on=args.parts),
    )
    logs = (
        access_logs(
            name,
            retention_days=args.log_retention_days,
            create_role=args.create_log_role,
            location=location_of(parent),
            tags=args.tags,
            parent=parent,
        )
        if args.access_logs
        else None
    )
    stage = aws.apigateway.Stage(
        f"{name}-stage",
        rest_api=args.api.id,
        deployment=deployment.id,
        stage_name=_STAGE,
        access_log_settings=logs.settings if logs else None,
        xray_tracing_enabled=args.tracing,
        tags=args.tags,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=logs.prerequisites if logs else []),
    )
    aws.apigateway.MethodSettings(
        f"{name}-method-settings",
        rest_api=args.api.id,
        stage_name=stage.stage_name,
        method_path="*/*",
        settings={
            "throttling_rate_limit": args.throttle_rate,
            "throttling_burst_limit": args.throttle_burst,
            "metrics_enabled": True,
            # Data traces write whole bodies to the logs: contents, addresses, one-time codes.
            "data_trace_enabled": False,
            "logging_level": "OFF",
        },
        opts=options,
    )
    aws.lambda_.Permission(
        f"{name}-permission",
        action="lambda:InvokeFunction",
        function=args.function.name,
        principal="apigateway.amazonaws.com",
        # Names the account too. API Gateway is not documented to say it in aws:SourceAccount.
        source_arn=pulumi.Output.concat(args.api.execution_arn, f"/{_STAGE}/*/messages*"),
        opts=options,
    )
    return stage
