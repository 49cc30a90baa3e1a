"""Where a component's resources are created, and documents that need to know it."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws

from .policies import Location

__all__ = ["json_document", "location_of"]

_FUNCTIONS = {
    "partition": "aws:index/getPartition:getPartition",
    "region": "aws:index/getRegion:getRegion",
    "account_id": "aws:index/getCallerIdentity:getCallerIdentity",
}


def location_of(component: pulumi.ComponentResource) -> pulumi.Output[Location]:
    """Return partition, Region and account of the provider that `component`'s children use."""
    options = pulumi.InvokeOutputOptions(parent=component)
    return pulumi.Output.all(
        partition=aws.get_partition_output(opts=options).partition,
        region=aws.get_region_output(opts=options).region,
        account_id=aws.get_caller_identity_output(opts=options).account_id,
    ).apply(_known_location)


def _known_location(parts: dict[str, str | None]) -> Location:
    # The provider always answers; the mocks of a test may not.
    missing = [_FUNCTIONS[part] for part, value in parts.items() if not value]
    if missing:
        raise ValueError(
            f"{', '.join(missing)} gave nothing: where this is a test with mocks, their `call` "
            f"has to answer it"
        )
    return Location(**{part: str(value) for part, value in parts.items()})


def json_document(
    build: Callable[..., dict[str, Any]], **inputs: pulumi.Input[Any]
) -> pulumi.Output[str]:
    """Return the JSON text of what the pure function `build` makes of the resolved `inputs`."""
    return pulumi.Output.all(**inputs).apply(
        lambda values: json.dumps(build(**values), sort_keys=True)
    )
