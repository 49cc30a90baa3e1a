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
    random,
    rest_apis,
    senders,
    sns,
    sqs,
    waf,
)
from local.resources.registration import Creator, Registration

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
        random,
        rest_apis,
        senders,
        sns,
        sqs,
        waf,
    )
    for token, creator in service.CREATORS.items()
}

# Types, and inputs of types, that change nothing on this machine, each with the reason.
ACCEPTED_WITHOUT_EFFECT = {
    "pulumi:providers:aws": "the deployer's own clients are the provider",
    "aws:apigateway/account:Account": "the role that writes access logs: the emulator writes none",
    "aws:apigateway/deployment:Deployment triggers": "they say when to deploy anew",
    "aws:cloudwatch/queryDefinition:QueryDefinition": "queries are saved for a console, and the "
    "emulator has none",
    "aws:lambda/function:Function layers": "functions run in this virtual environment, which has "
    "what the layer brings; the emulator cannot fetch layers",
}


class UnknownResourceTypeError(LookupError):
    """The program registered a resource of a type that cannot be created on this machine."""


class UnknownInputError(LookupError):
    """A resource has an input that the function creating its type does not look at."""


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


def check_all_inputs_were_read(resource: Registration) -> None:
    """Raise UnknownInputError if an input had no effect that should have had one."""
    if resource.type in ACCEPTED_WITHOUT_EFFECT:
        return
    unread = [
        path
        for path in resource.inputs.unread()
        if f"{resource.type} {path}" not in ACCEPTED_WITHOUT_EFFECT
    ]
    if unread:
        raise UnknownInputError(f"not known on this machine: {', '.join(unread)}")
