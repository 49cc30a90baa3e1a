"""How large documents get that lists of parameters go into; nothing here imports pulumi.

AWS has hard limits for them, and would refuse one in the middle of an update.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from . import policies, resource_policies
from .policies import Location
from .settings import PARAMETERS, Settings

__all__ = ["LIMITS", "Limit", "oversized"]

# A stack is measured with the longest names that it could have where it is created.
_PLACE = Location("aws-us-gov", "ap-southeast-1", "0" * 12)
# What the program and Pulumi add to the prefix of a name.
_LONGEST_ADDITION = "-" * 45
# The variables that no list goes into, with names and stack names as long as can be. A test
# measures them.
_OTHER_VARIABLES = 2_000


@dataclass(frozen=True)
class Limit:
    """The most that a document may have, and the lists that it grows with.

    `lists` are fields of `Settings`. `measure` returns the size in characters, which are all ASCII;
    it may be more than the document will have, and not less.
    """

    document: str
    most: int
    unit: str
    lists: tuple[str, ...]
    measure: Callable[[Settings], int]


def oversized(settings: Settings) -> Iterator[str]:
    """Yield a sentence for each document that would be larger than AWS takes."""
    for limit in LIMITS:
        size = limit.measure(settings)
        if size <= limit.most:
            continue
        field = max(limit.lists, key=lambda name: size - limit.measure(_cut(settings, name, 0)))
        name, count = PARAMETERS[field].name, len(getattr(settings, field))
        yield (
            f"{name}: {count} are too many: {limit.document} would have {size} {limit.unit}, and "
            f"AWS allows {limit.most}. {_most_that_fit(settings, limit, field)} fit"
        )


def _most_that_fit(settings: Settings, limit: Limit, field: str) -> int:
    for count in range(len(getattr(settings, field)), 0, -1):
        if limit.measure(_cut(settings, field, count)) <= limit.most:
            return count
    return 0


def _cut(settings: Settings, field: str, count: int) -> Settings:
    value = getattr(settings, field)
    if isinstance(value, Mapping):
        first: Any = dict(list(value.items())[:count])
    else:
        first = value[:count]
    return replace(settings, **{field: first})


def _sender_policy(settings: Settings) -> int:
    name = f"{settings.name_prefix}{_LONGEST_ADDITION}"
    table, queue = _PLACE.arn("dynamodb", f"table/{name}"), _PLACE.arn("sqs", name)
    nameable = ("n" * 64, *settings.allowed_configuration_sets)
    statements = policies.sender(
        location=_PLACE,
        messages_table_arn=table,
        payloads_table_arn=table,
        provider_message_ids_table_arn=table,
        source_queue_arn=queue,
        timers_queue_arn=queue,
        kms_key_arn=settings.kms_key_arn or _PLACE.arn("kms", f"key/{'0' * 36}"),
        ses_identities=settings.ses_identities,
        ses_configuration_sets=nameable,
        sms_configuration_sets=nameable,
        protect_configurations=settings.allowed_protect_configurations,
        sms_origination_identities=settings.sms_origination_identities,
        whats_app_phone_number_ids=settings.whats_app_phone_number_ids,
    )
    further = [
        *policies.write_logs(log_group_arn=_PLACE.arn("logs", f"log-group:{name}")),
        *policies.write_traces(),
        *policies.attach_to_network(location=_PLACE, function_prefix=name),
    ]
    return _characters(policies.document([*statements, *further]))


def _network_policy(settings: Settings) -> int:
    return _characters(
        resource_policies.api_policy(
            execution_arn=_PLACE.arn("execute-api", f"{settings.name_prefix}{_LONGEST_ADDITION}"),
            allowed_cidrs=list(settings.allowed_cidrs),
            authorization=settings.authorization,
        )
    )


def _sender_variables(settings: Settings) -> int:
    return _OTHER_VARIABLES + _characters(json.dumps(dict(settings.whats_app_phone_numbers)))


def _api_variables(settings: Settings) -> int:
    lists = (
        settings.allowed_senders,
        settings.allowed_country_prefixes,
        settings.allowed_configuration_sets,
        settings.allowed_protect_configurations,
        dict(settings.whats_app_phone_numbers),
    )
    return (
        _OTHER_VARIABLES
        + sum(_characters(json.dumps(each)) for each in lists)
        + _characters(settings.api_base_url)
    )


def _characters(value: object) -> int:
    # IAM does not count white space. Lambda measures its variables as JSON, in which the quotes of
    # a variable's own JSON are escaped.
    return len(json.dumps(value, separators=(",", ":")))


LIMITS = (
    Limit(
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
        "the policy of the senders' roles",
        10_240,
        "characters",
        (
            "ses_identities",
            "sms_origination_identities",
            "whats_app_phone_number_ids",
            "allowed_configuration_sets",
            "allowed_protect_configurations",
        ),
        _sender_policy,
    ),
    Limit(
        # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
        "the environment of the senders",
        4_096,
        "bytes",
        ("whats_app_phone_numbers",),
        _sender_variables,
    ),
    Limit(
        "the environment of the API's function",
        4_096,
        "bytes",
        (
            "allowed_senders",
            "allowed_country_prefixes",
            "allowed_configuration_sets",
            "allowed_protect_configurations",
            "whats_app_phone_numbers",
        ),
        _api_variables,
    ),
    Limit(
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
        "the policy of the API",
        8_192,
        "bytes",
        ("allowed_cidrs",),
        _network_policy,
    ),
)
