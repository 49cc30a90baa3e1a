"""The customer-managed key that everything at rest is encrypted with."""

import re

import pulumi
import pulumi_aws as aws

from . import resource_policies
from .location import json_document, location_of

__all__ = ["encryption_key"]


def encryption_key(
    name: str, *, tags: dict[str, str], protect: bool, parent: pulumi.ComponentResource
) -> pulumi.Output[str]:
    """Create the key `name` as a child of `parent`; return its ARN.

    A protected one cannot be deleted by Pulumi. Every key stays in the account when its stack is
    removed, or goes over to another key: from the moment that a deletion is scheduled, AWS decrypts
    nothing with it, and messages, events, tables and backups may still need it.

    Customer-managed, since the providers' services cannot publish to a topic that is encrypted with
    AWS's own key: its policy does not name them and cannot be changed.
    """
    key = aws.kms.Key(
        name,
        description=f"{name}: messages, delivery events and queues",
        enable_key_rotation=True,
        policy=json_document(resource_policies.key_policy, location=location_of(parent)),
        tags=tags,
        opts=pulumi.ResourceOptions(parent=parent, protect=protect, retain_on_delete=True),
    )
    aws.kms.Alias(
        f"{name}-alias",
        # What the console shows instead of an id: by the stack, which keeps aliases apart.
        name="alias/" + re.sub("[^A-Za-z0-9_-]", "-", f"{name}-{pulumi.get_stack()}"),
        target_key_id=key.key_id,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return key.arn
