"""What must hold between the parameters of a stack; nothing here imports pulumi."""

import ipaddress
import re
from collections.abc import Collection, Iterator

from .settings import Settings
from .sizes import oversized

__all__ = ["contradictions"]


def contradictions(settings: Settings, outputs: Collection[str] = ()) -> Iterator[str]:
    """Yield a sentence for each pair of parameters that cannot both be as they are.

    `outputs` are the fields that a program gives as outputs of other resources: they are given,
    whatever they turn out to be.
    """
    if settings.claim_lease_seconds >= settings.visibility_timeout_seconds:
        yield (
            f"claimLeaseSeconds ({settings.claim_lease_seconds}) must be below "
            f"SqsVisibilityTimeout ({settings.visibility_timeout_seconds}): when SQS hands over "
            f"the message of a sender that has stopped, its step must be free to take over"
        )
    if settings.retention_days <= settings.queue_retention_days:
        yield (
            f"retentionDays ({settings.retention_days}) must be above queueRetentionDays "
            f"({settings.queue_retention_days}): a message that still waits needs its row"
        )
    if settings.stream_retention_hours > settings.retention_days * 24:
        yield (
            f"streamRetentionHours ({settings.stream_retention_hours}) must not be above "
            f"retentionDays ({settings.retention_days}, {settings.retention_days * 24} hours): an "
            f"event that is read again needs the row that it is about"
        )
    if settings.relay_batch_size > 10 and settings.relay_batch_window_seconds < 1:  # noqa: PLR2004  the limit is in the message
        yield (
            f"relayBatchWindowSeconds (0) must be at least 1 while relayBatchSize is "
            f"{settings.relay_batch_size}: SQS hands over more than 10 messages only with a window"
        )
    if settings.api_throttle_burst < settings.api_throttle_rate / 10:
        yield (
            f"apiThrottleBurst ({settings.api_throttle_burst}) is below a tenth of apiThrottleRate "
            f"({settings.api_throttle_rate}): the rate could never be reached"
        )
    yield from _unnamed_sets(settings)
    yield from _unused_tracking_domain(settings)
    yield from _unreachable_senders(settings)
    yield from _api_contradictions(settings)
    yield from oversized(settings)
    for name, values, most in (
        ("subnetIds", settings.subnet_ids, 16),
        ("securityGroupIds", settings.security_group_ids, 5),
    ):
        if len(values) > most:
            yield f"{name}: {len(values)} are too many: Lambda allows a function {most}"
    yield from _adopted_contradictions(settings, outputs)
    if len(settings.tags) > 50:  # noqa: PLR2004  the limit is in the message
        yield f"tags: {len(settings.tags)} are too many: AWS allows 50 per resource"


def _unnamed_sets(settings: Settings) -> Iterator[str]:
    # A set that is created has a name of its own if it is given none.
    for channel, key, name, adds in (
        (
            *("SES", "sesConfigSetName", settings.ses_config_set_name),
            settings.attach_ses_event_destination and not settings.create_ses_config_set,
        ),
        (
            *("SMS", "smsConfigSetName", settings.sms_config_set_name),
            settings.attach_sms_event_destination and not settings.create_sms_config_set,
        ),
    ):
        if adds and not name:
            yield f"{key} must name the set that attach{channel}EventDestination adds to"


def _unused_tracking_domain(settings: Settings) -> Iterator[str]:
    if not settings.ses_tracking_domain:
        return
    if not settings.ses_engagement_events:
        yield "sesTrackingDomain is used only with sesEngagementEvents: set that, or leave both out"
    if not settings.create_ses_config_set:
        yield (
            "sesTrackingDomain is set on the configuration set that the stack creates: with "
            "createSESConfigSet false, set it on yours"
        )


def _unreachable_senders(settings: Settings) -> Iterator[str]:
    allowed = {_bare_id(identity) for identity in settings.whats_app_phone_number_ids}
    for number, identity in settings.whats_app_phone_numbers.items():
        if allowed and _bare_id(identity) not in allowed:
            yield (
                f"whatsAppPhoneNumbers: {number} stands for {identity}, which "
                f"whatsAppPhoneNumberIds does not allow to send"
            )


def _api_contradictions(settings: Settings) -> Iterator[str]:
    if settings.authorization == "API_KEY" and not settings.api_clients:
        yield "apiClients must name at least one client, or authorization must be IAM"
    repeated = len(settings.api_clients) - len(set(settings.api_clients))
    if repeated:
        yield "apiClients names a client twice: each has a key of its own"
    if bool(settings.api_client_throttle_rate) != bool(settings.api_client_throttle_burst):
        # A burst that is not given is one of 0, which lets nobody in.
        yield "apiClientThrottleRate and apiClientThrottleBurst belong together: give both or none"
    for block in settings.allowed_cidrs:
        try:
            ipaddress.ip_network(block)
        except ValueError as error:
            yield f"allowedCidrs: {error}"


def _adopted_contradictions(settings: Settings, outputs: Collection[str]) -> Iterator[str]:
    def given(field: str) -> bool:
        return field in outputs or bool(getattr(settings, field))

    if given("subnet_ids") != given("security_group_ids"):
        yield "subnetIds and securityGroupIds belong together: give both or none"
    if given("alarm_email") and given("alarm_topic_arn"):
        yield "alarmEmail subscribes to the stack's own topic: not with alarmTopicArn"


def _bare_id(identity: str) -> str:
    return re.split(r"phone-number-id[-/]", identity)[-1]
