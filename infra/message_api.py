"""The HTTP API that messages are asked for, looked up and cancelled by."""

import json

import pulumi
import pulumi_aws as aws

from . import policies
from .api_access import client_keys
from .api_protection import network_policy, web_acl
from .api_routes import api_routes
from .api_stage import StageArgs, api_stage
from .functions import FunctionArgs, FunctionCode, RuntimeFunction, runtime_function
from .gateway_responses import gateway_responses
from .limits import LimitArgs, limit_environment
from .location import location_of
from .message_store import TableArgs

__all__ = ["MessageApi", "MessageApiArgs"]


class MessageApiArgs(FunctionArgs, TableArgs, LimitArgs):
    """Arguments of `MessageApi`.

    `authorization` is API_KEY, with a key for each of `api_clients`, or IAM. Limits of 0 are none:
    `api_quota_per_day`, `api_client_throttle_rate` and `_burst`, `waf_rate_limit`. Empty lists
    allow every network, sender and country. `api_base_url` empty is the stage's own URL.
    `mail_may_be_read` is false where SES reports neither opened mails nor clicked links.
    """

    intake_queue_url: pulumi.Input[str]
    intake_queue_arn: pulumi.Input[str]
    authorization: str
    api_clients: list[str]
    api_throttle_rate: int
    api_throttle_burst: int
    api_client_throttle_rate: int
    api_client_throttle_burst: int
    api_quota_per_day: int
    api_base_url: str
    allowed_cidrs: list[str]
    waf_rate_limit: int
    access_logs: bool
    create_api_gateway_log_role: bool
    allowed_senders: list[str]
    allowed_country_prefixes: list[str]
    default_fallback_seconds: int
    outcome_wait_seconds: int
    retention_days: int
    mail_may_be_read: bool


class MessageApi(pulumi.ComponentResource):
    """Accept messages over HTTPS, for holders of a key or for IAM principals.

    `/messages` follows `api_url`. `api_keys`, by client, is empty with IAM authorization, as are
    `api_key` and `api_key_id`, those of the first client.
    """

    api_url: pulumi.Output[str]
    api_name: pulumi.Output[str]
    api_execution_arn: pulumi.Output[str]
    stage_name: pulumi.Output[str]
    api_key_id: pulumi.Output[str]
    api_key: pulumi.Output[str]
    api_keys: pulumi.Output[dict[str, str]]
    message_api_function_name: pulumi.Output[str]
    message_api_log_group_name: pulumi.Output[str]

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
        stage = api_stage(name, _stage_args(name, api, function.function, args, self), self)
        if args["waf_rate_limit"]:
            web_acl(
                name,
                stage,
                rate_limit=args["waf_rate_limit"],
                stack_name=args["stack_name"],
                tags=args["tags"],
                parent=self,
            )
        keys = _keys(name, api, stage, args, self)
        first = next(iter(keys.values()), None)
        self.api_key_id = first.id if first else pulumi.Output.from_input("")
        self.api_key = pulumi.Output.secret(first.value if first else "")
        values = pulumi.Output.all(**{client: key.value for client, key in keys.items()})
        # Of nothing, `all` makes a list.
        self.api_keys = pulumi.Output.secret(values.apply(dict))
        self.api_url = (
            pulumi.Output.from_input(args["api_base_url"])
            if args["api_base_url"]
            else stage.invoke_url
        )
        self.api_name = api.name
        self.api_execution_arn = pulumi.Output.concat(api.execution_arn, "/", stage.stage_name)
        self.stage_name = stage.stage_name
        self.message_api_function_name = function.function.name
        self.message_api_log_group_name = function.log_group.name
        self.register_outputs({output: getattr(self, output) for output in _OUTPUTS})


_OUTPUTS = tuple(MessageApi.__annotations__)


def _function(name: str, args: MessageApiArgs, parent: pulumi.ComponentResource) -> RuntimeFunction:
    environment: dict[str, pulumi.Input[str]] = {
        "MESSAGES_TABLE": args["messages_table_name"],
        "PAYLOADS_TABLE": args["payloads_table_name"],
        "INTAKE_QUEUE_URL": args["intake_queue_url"],
        "ALLOWED_SENDERS": json.dumps(args["allowed_senders"]),
        "ALLOWED_COUNTRY_PREFIXES": json.dumps(args["allowed_country_prefixes"]),
        "ALLOWED_CONFIGURATION_SETS": json.dumps(args["allowed_configuration_sets"]),
        "ALLOWED_PROTECT_CONFIGURATIONS": json.dumps(args["allowed_protect_configurations"]),
        **limit_environment(args),
        "DEFAULT_FALLBACK_SECONDS": str(args["default_fallback_seconds"]),
        "OUTCOME_WAIT_SECONDS": str(args["outcome_wait_seconds"]),
        "RETENTION_DAYS": str(args["retention_days"]),
        "MAIL_MAY_BE_READ": str(args["mail_may_be_read"]).lower(),
    }
    if args["api_base_url"]:
        environment["API_BASE_URL"] = args["api_base_url"]
    code = FunctionCode(
        noun="message-api",
        # Two calls, to a table and to a queue, that each time out twice after 1 + 3 s: then the
        # function still answers 503 itself.
        timeout_seconds=20,
        environment=environment,
        statements=pulumi.Output.all(
            messages_table_arn=args["messages_table_arn"],
            payloads_table_arn=args["payloads_table_arn"],
            intake_queue_arn=args["intake_queue_arn"],
            kms_key_arn=args["kms_key_arn"],
        ).apply(lambda known: policies.message_api(**known)),
    )
    return runtime_function(name, code, args, location=location_of(parent), parent=parent)


def _stage_args(
    name: str,
    api: aws.apigateway.RestApi,
    function: aws.lambda_.Function,
    args: MessageApiArgs,
    parent: pulumi.Resource,
) -> StageArgs:
    authorization, cidrs = args["authorization"], args["allowed_cidrs"]
    return StageArgs(
        api=api,
        function=function,
        parts=[
            *api_routes(name, api, function, authorization, parent),
            *gateway_responses(name, api, parent),
            network_policy(
                name, api, allowed_cidrs=cidrs, authorization=authorization, parent=parent
            ),
        ],
        authorization=authorization,
        allowed_cidrs=cidrs,
        throttle_rate=args["api_throttle_rate"],
        throttle_burst=args["api_throttle_burst"],
        access_logs=args["access_logs"],
        create_log_role=args["create_api_gateway_log_role"],
        log_retention_days=args["log_retention_days"],
        tracing=args["tracing"],
        tags=args["tags"],
    )


def _keys(
    name: str,
    api: aws.apigateway.RestApi,
    stage: aws.apigateway.Stage,
    args: MessageApiArgs,
    parent: pulumi.Resource,
) -> dict[str, aws.apigateway.ApiKey]:
    if args["authorization"] != "API_KEY":
        return {}
    return client_keys(
        name,
        args["api_clients"],
        aws.apigateway.UsagePlanApiStageArgs(api_id=api.id, stage=stage.stage_name),
        throttle=(args["api_client_throttle_rate"], args["api_client_throttle_burst"]),
        quota_per_day=args["api_quota_per_day"],
        tags=args["tags"],
        parent=parent,
    )
