"""How one Lambda function is made: its own role, log group and exact policy."""

from dataclasses import dataclass
from functools import cache
from typing import Any, TypedDict

import pulumi
import pulumi_aws as aws

from . import policies, resource_policies
from .archive import runtime_archive
from .location import json_document
from .policies import Location
from .settings import SettingsError

__all__ = ["FunctionArgs", "FunctionCode", "RuntimeFunction", "runtime_function"]

# Powertools for AWS Lambda (Python) is published from one account for all commercial Regions, and
# from one each for the others: https://docs.aws.amazon.com/powertools/python/latest/
# getting-started/install/. Version 27 of the layer has the version that pyproject.toml has: change
# both together.
_POWERTOOLS_LAYER = (
    "arn:{partition}:lambda:{region}:{account}:layer:AWSLambdaPowertoolsPythonV3-python313-arm64:27"
)
_COMMERCIAL_ACCOUNT = "017000801446"
_POWERTOOLS_ACCOUNTS = {
    "cn-north-1": "498634801083",
    "us-gov-east-1": "165087284144",
    "us-gov-west-1": "165093116878",
}


class FunctionArgs(TypedDict):
    """What all functions of a stack share; the arguments of components with functions extend it."""

    stack_name: str
    tags: dict[str, str]
    kms_key_arn: pulumi.Input[str]
    log_level: str
    log_retention_days: int
    tracing: bool
    powertools_layer_arn: str
    subnet_ids: pulumi.Input[list[pulumi.Input[str]]]
    security_group_ids: pulumi.Input[list[pulumi.Input[str]]]


@dataclass(frozen=True)
class FunctionCode:
    """What one function runs and may do.

    `noun` names the function and, with underscores, its file in runtime/handlers. `statements` are
    those of its policy, without the ones for logs and traces that every function has.
    """

    noun: str
    timeout_seconds: int
    environment: dict[str, pulumi.Input[str]]
    statements: pulumi.Output[list[dict[str, Any]]]
    memory_mb: int = 512


@dataclass(frozen=True)
class RuntimeFunction:
    """A function, the policy that whatever invokes it must wait for, and where it logs."""

    function: aws.lambda_.Function
    policy: aws.iam.RolePolicy
    log_group: aws.cloudwatch.LogGroup


def runtime_function(
    name: str,
    code: FunctionCode,
    args: FunctionArgs,
    *,
    location: pulumi.Output[Location],
    parent: pulumi.Resource,
) -> RuntimeFunction:
    """Create the function `<name>-<noun>` and what belongs to it, as children of `parent`."""
    name = f"{name}-{code.noun}"
    options = pulumi.ResourceOptions(parent=parent)
    role = aws.iam.Role(
        f"{name}-role",
        assume_role_policy=json_document(resource_policies.trust, service="lambda.amazonaws.com"),
        tags=args["tags"],
        opts=options,
    )
    # Made here and not by Lambda at the first call, which would keep its logs for ever.
    log_group = aws.cloudwatch.LogGroup(
        f"{name}-logs",
        retention_in_days=args["log_retention_days"],
        tags=args["tags"],
        opts=options,
    )
    policy = aws.iam.RolePolicy(
        f"{name}-policy",
        role=role.id,
        policy=json_document(
            _policy,
            statements=code.statements,
            log_group_arn=log_group.arn,
            location=location,
            name=name,
            tracing=args["tracing"],
            in_network=_in_network(args),
        ),
        opts=options,
    )
    function = aws.lambda_.Function(
        name,
        handler=f"runtime.handlers.{code.noun.replace('-', '_')}.handler",
        runtime="python3.13",
        architectures=["arm64"],
        code=_archive(),
        role=role.arn,
        timeout=code.timeout_seconds,
        memory_size=code.memory_mb,
        layers=[_powertools_layer(args["powertools_layer_arn"], location)],
        environment={"variables": {**_environment(code.noun, args), **code.environment}},
        # What encrypts the environment, the secret of the digests in it among the rest.
        kms_key_arn=args["kms_key_arn"],
        logging_config={"log_format": "Text", "log_group": log_group.name},
        vpc_config={
            "subnet_ids": args["subnet_ids"],
            "security_group_ids": args["security_group_ids"],
        }
        if _in_network(args)
        else None,
        tracing_config={"mode": "Active" if args["tracing"] else "PassThrough"},
        tags=args["tags"],
        # The first invocations would fail before the role has its policy.
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[policy]),
    )
    return RuntimeFunction(function, policy, log_group)


# One archive for all functions of a program: hashing it five times would be waste.
_archive = cache(runtime_archive)


def _policy(
    statements: list[dict[str, Any]],
    log_group_arn: str,
    location: Location,
    name: str,
    *,
    tracing: bool,
    in_network: bool,
) -> dict[str, Any]:
    traces = policies.write_traces() if tracing else []
    network = (
        policies.attach_to_network(location=location, function_prefix=name) if in_network else []
    )
    logs = policies.write_logs(log_group_arn=log_group_arn)
    return policies.document([*statements, *logs, *traces, *network])


def _in_network(args: FunctionArgs) -> bool:
    subnets = args["subnet_ids"]
    return isinstance(subnets, pulumi.Output) or bool(subnets)


def _environment(noun: str, args: FunctionArgs) -> dict[str, str]:
    return {
        "POWERTOOLS_SERVICE_NAME": noun,
        "POWERTOOLS_METRICS_NAMESPACE": "FallbackMessaging",
        "POWERTOOLS_LOG_LEVEL": args["log_level"],
        "POWERTOOLS_TRACE_DISABLED": "false" if args["tracing"] else "true",
        "STACK_NAME": args["stack_name"],
    }


def _powertools_layer(arn: str, location: pulumi.Output[Location]) -> pulumi.Input[str]:
    if arn:
        return arn
    return location.apply(_published_layer)


def _published_layer(place: Location) -> str:
    account = _POWERTOOLS_ACCOUNTS.get(place.region)
    if account is None and place.partition == "aws":
        account = _COMMERCIAL_ACCOUNT
    if account is None:
        # Only known when the stack is deployed, where both the file and a program may have left it.
        name = "powertoolsLayerArn (in a program: powertools_layer_arn)"
        raise SettingsError([f"{name}: needed in {place.region}, which has no layer"])
    return _POWERTOOLS_LAYER.format(partition=place.partition, region=place.region, account=account)
