"""What the deployer can create: the provider's resource types, one file per AWS service."""

from local.resources import (
    api_stages,
    cloudwatch,
    dynamic,
    dynamodb,
    functions,
    iam,
    kinesis,
    kms,
    rest_apis,
    senders,
    sns,
    sqs,
)
from local.resources.registration import Creator

CREATORS: dict[str, Creator] = {
    token: creator
    for service in (
        api_stages,
        cloudwatch,
        dynamodb,
        functions,
        iam,
        kinesis,
        kms,
        rest_apis,
        senders,
        sns,
        sqs,
    )
    for token, creator in service.CREATORS.items()
}

# Types that need nothing created here, each with the reason.
ACCEPTED_WITHOUT_EFFECT = {
    "pulumi:providers:aws": "the deployer's own clients are the provider",
    "aws:apigateway/account:Account": "the role of access logs; the emulator writes none",
}


class UnknownResourceTypeError(LookupError):
    """The program registered a resource of a type that cannot be created on this machine."""


def creator_of(token: str) -> Creator:
    """Return the function that creates resources of a type."""
    if token.startswith(dynamic.TYPE_PREFIX):
        return dynamic.create
    if token in ACCEPTED_WITHOUT_EFFECT:
        return lambda _cloud, resource: (resource.name, {})
    if token not in CREATORS:
        raise UnknownResourceTypeError(
            f"{token} cannot be created on this machine: add it to local/resources/"
        )
    return CREATORS[token]
