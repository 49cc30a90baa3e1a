"""The HTTP API that messages are asked for, looked up and cancelled by."""

import json

import pulumi
import pulumi_aws as aws

from . import policies
from .api_access import access_logs, api_key
from .api_routes import api_definition, api_routes
from .functions import FunctionArgs, FunctionCode, RuntimeFunction, runtime_function
from .gateway_responses import gateway_responses
from .location import location_of
from .message_store import TableArgs

__all__ = ["MessageApi", "MessageApiArgs"]

_STAGE = "v1"


class MessageApiArgs(FunctionArgs, TableArgs):
    """Arguments of `MessageApi`.

    `authorization` is API_KEY or IAM. `api_quota_per_day` of 0 is no quota, `api_base_url` empty is
    the stage's own URL. Empty lists allow every sender and country,
    `messages_per_recipient_per_hour` of 0 any number of messages.
    """

    intake_queue_url: pulumi.Input[str]
    intake_queue_arn: pulumi.Input[str]
    authorization: str
    api_throttle_rate: int
    api_throttle_burst: int
    api_quota_per_day: int
    api_base_url: str
    create_api_gateway_log_role: bool
    allowed_senders: list[str]
    allowed_country_prefixes: list[str]
    messages_per_recipient_per_hour: int
    default_fallback_seconds: int
    outcome_wait_seconds: int
    retention_days: int


class MessageApi(pulumi.ComponentResource):
    """Accept messages over HTTPS, for holders of a key or for IAM principals.

    `api_key_id` and `api_key` are empty with IAM authorization. `/messages` follows `api_url`.
    """

    api_url: pulumi.Output[str]
    api_name: pulumi.Output[str]
    stage_name: pulumi.Output[str]
    api_key_id: pulumi.Output[str]
    api_key: pulumi.Output[str]
    message_api_function_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: MessageApiArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fallback-messaging:index:MessageApi", name, {}, opts)
        function = _function(name, args, self)
        api = aws.apigateway.RestApi(
            f"{name}-rest-api",
            endpoint_configuration={"types": "REGIONAL"},
            tags=args["tags"],
            opts=pulumi.ResourceOptions(parent=self),
        )
        parts = [
            *api_routes(name, api, function.function, args["authorization"], self),
            *gateway_responses(name, api, self),
        ]
        stage = _stage(name, api, function.function, parts, args, self)
        self.api_key_id = pulumi.Output.from_input("")
        self.api_key = pulumi.Output.secret("")
        if args["authorization"] == "API_KEY":
            key = api_key(
                name,
                api_id=api.id,
                stage_name=stage.stage_name,
                quota_per_day=args["api_quota_per_day"],
                tags=args["tags"],
                parent=self,
            )
            self.api_key_id = key.id
            self.api_key = pulumi.Output.secret(key.value)
        self.api_url = (
            pulumi.Output.from_input(args["api_base_url"])
            if args["api_base_url"]
            else stage.invoke_url
        )
        self.api_name = api.name
        self.stage_name = stage.stage_name
        self.message_api_function_name = function.function.name
        self.register_outputs(
            {
                "api_url": self.api_url,
                "api_name": self.api_name,
                "stage_name": self.stage_name,
                "api_key_id": self.api_key_id,
                "api_key": self.api_key,
                "message_api_function_name": self.message_api_function_name,
            }
        )


def _function(name: str, args: MessageApiArgs, parent: pulumi.ComponentResource) -> RuntimeFunction:
    environment: dict[str, pulumi.Input[str]] = {
        "MESSAGES_TABLE": args["messages_table_name"],
        "PAYLOADS_TABLE": args["payloads_table_name"],
        "INTAKE_QUEUE_URL": args["intake_queue_url"],
        "ALLOWED_SENDERS": json.dumps(args["allowed_senders"]),
        "ALLOWED_COUNTRY_PREFIXES": json.dumps(args["allowed_country_prefixes"]),
        "MESSAGES_PER_RECIPIENT_PER_HOUR": str(args["messages_per_recipient_per_hour"]),
        "DEFAULT_FALLBACK_SECONDS": str(args["default_fallback_seconds"]),
        "OUTCOME_WAIT_SECONDS": str(args["outcome_wait_seconds"]),
        "RETENTION_DAYS": str(args["retention_days"]),
    }
    if args["api_base_url"]:
        environment["API_BASE_URL"] = args["api_base_url"]
    code = FunctionCode(
        noun="message-api",
        timeout_seconds=10,
        environment=environment,
        statements=pulumi.Output.all(
            messages_table_arn=args["messages_table_arn"],
            payloads_table_arn=args["payloads_table_arn"],
            intake_queue_arn=args["intake_queue_arn"],
            kms_key_arn=args["kms_key_arn"],
        ).apply(lambda known: policies.message_api(**known)),
    )
    return runtime_function(name, code, args, location=location_of(parent), parent=parent)


def _stage(
    name: str,
    api: aws.apigateway.RestApi,
    function: aws.lambda_.Function,
    parts: list[pulumi.Resource],
    args: MessageApiArgs,
    parent: pulumi.ComponentResource,
) -> aws.apigateway.Stage:
    options = pulumi.ResourceOptions(parent=parent)
    deployment = aws.apigateway.Deployment(
        f"{name}-deployment",
        rest_api=api.id,
        # A deployment is a snapshot: it is taken anew when, and only when, the API changes.
        triggers={
            "definition": function.invoke_arn.apply(
                lambda uri: api_definition(uri, args["authorization"])
            )
        },
        opts=pulumi.ResourceOptions(parent=parent, depends_on=parts),
    )
    logs = access_logs(
        name,
        retention_days=args["log_retention_days"],
        create_role=args["create_api_gateway_log_role"],
        tags=args["tags"],
        parent=parent,
    )
    stage = aws.apigateway.Stage(
        f"{name}-stage",
        rest_api=api.id,
        deployment=deployment.id,
        stage_name=_STAGE,
        access_log_settings=logs.settings,
        xray_tracing_enabled=args["tracing"],
        tags=args["tags"],
        opts=pulumi.ResourceOptions(parent=parent, depends_on=logs.prerequisites),
    )
    aws.apigateway.MethodSettings(
        f"{name}-method-settings",
        rest_api=api.id,
        stage_name=stage.stage_name,
        method_path="*/*",
        settings={
            "throttling_rate_limit": args["api_throttle_rate"],
            "throttling_burst_limit": args["api_throttle_burst"],
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
        function=function.name,
        principal="apigateway.amazonaws.com",
        source_account=location_of(parent).apply(lambda place: place.account_id),
        source_arn=pulumi.Output.concat(api.execution_arn, f"/{_STAGE}/*/messages*"),
        opts=options,
    )
    return stage
