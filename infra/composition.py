"""How the parts of `FallbackMessaging` are put together: what each is given of the others."""

from dataclasses import dataclass

import pulumi

from .adopted import AdoptedResources
from .channel_senders import ChannelSenders
from .delivery_event_stream import DeliveryEventStream
from .event_destinations import EventDestinations, configuration_set_name
from .event_normalizer import EventNormalizer
from .functions import FunctionArgs
from .limits import LimitArgs
from .message_api import MessageApi
from .message_store import MessageStore, TableArgs
from .observability import Observability
from .settings import Settings

__all__ = [
    "Parts",
    "channel_senders",
    "delivery_event_stream",
    "event_destinations",
    "event_normalizer",
    "function_args",
    "limit_args",
    "message_api",
    "observability",
    "table_args",
]


def function_args(
    name: str, settings: Settings, adopted: AdoptedResources, kms_key_arn: pulumi.Input[str]
) -> FunctionArgs:
    """Return what every function of the stack is made with."""
    return {
        # The dimension of the metrics: two stacks, or two components of one, are told apart.
        "stack_name": f"{name}-{pulumi.get_stack()}",
        "tags": dict(settings.tags),
        "kms_key_arn": kms_key_arn,
        "log_level": settings.log_level,
        "log_retention_days": settings.log_retention_days,
        "tracing": settings.tracing,
        "powertools_layer_arn": settings.powertools_layer_arn,
        "subnet_ids": adopted.subnet_ids,
        "security_group_ids": adopted.security_group_ids,
    }


def table_args(store: MessageStore) -> TableArgs:
    """Return the tables as arguments of the components that use them."""
    return {
        "messages_table_name": store.messages_table_name,
        "messages_table_arn": store.messages_table_arn,
        "payloads_table_name": store.payloads_table_name,
        "payloads_table_arn": store.payloads_table_arn,
        "provider_message_ids_table_name": store.provider_message_ids_table_name,
        "provider_message_ids_table_arn": store.provider_message_ids_table_arn,
    }


def limit_args(settings: Settings, stack_name: str, digest_key: pulumi.Output[str]) -> LimitArgs:
    """Return the limits of what is sent, as arguments of the components that hold to them."""
    return {
        "digest_key": digest_key,
        "messages_per_recipient_per_hour": settings.messages_per_recipient_per_hour,
        "ses_config_set_name": configuration_set_name(
            settings.ses_config_set_name, stack_name, created=settings.create_ses_config_set
        ),
        "sms_config_set_name": configuration_set_name(
            settings.sms_config_set_name, stack_name, created=settings.create_sms_config_set
        ),
        "sms_max_price": settings.sms_max_price,
        "allowed_configuration_sets": list(settings.allowed_configuration_sets),
        "allowed_protect_configurations": list(settings.allowed_protect_configurations),
        "whats_app_phone_numbers": dict(settings.whats_app_phone_numbers),
    }


def channel_senders(
    name: str,
    settings: Settings,
    shared: FunctionArgs,
    tables: TableArgs,
    limits: LimitArgs,
    parent: pulumi.Resource,
) -> ChannelSenders:
    """Create the queues and functions that send."""
    return ChannelSenders(
        f"{name}-senders",
        {
            **shared,
            **tables,
            **limits,
            "visibility_timeout_seconds": settings.visibility_timeout_seconds,
            "queue_retention_days": settings.queue_retention_days,
            "claim_lease_seconds": settings.claim_lease_seconds,
            "outcome_wait_seconds": settings.outcome_wait_seconds,
            "sender_batch_size": settings.sender_batch_size,
            "sender_maximum_concurrency": settings.sender_maximum_concurrency,
            "ses_identities": list(settings.ses_identities),
            "sms_origination_identities": list(settings.sms_origination_identities),
            "whats_app_phone_number_ids": list(settings.whats_app_phone_number_ids),
            "meta_api_version": settings.meta_api_version,
        },
        pulumi.ResourceOptions(parent=parent),
    )


def delivery_event_stream(
    name: str,
    settings: Settings,
    adopted: AdoptedResources,
    shared: FunctionArgs,
    parent: pulumi.Resource,
) -> DeliveryEventStream:
    """Create the way of delivery events to the stream."""
    return DeliveryEventStream(
        f"{name}-events",
        {
            **shared,
            "events_topic_arn": adopted.events_topic_arn,
            "queue_retention_days": settings.queue_retention_days,
            "relay_batch_size": settings.relay_batch_size,
            "relay_batch_window_seconds": settings.relay_batch_window_seconds,
            "stream_mode": settings.stream_mode,
            "stream_shard_count": settings.stream_shard_count,
            "stream_retention_hours": settings.stream_retention_hours,
        },
        pulumi.ResourceOptions(parent=parent),
    )


def event_normalizer(
    name: str,
    settings: Settings,
    shared: FunctionArgs,
    tables: TableArgs,
    senders: ChannelSenders,
    stream: DeliveryEventStream,
    parent: pulumi.Resource,
) -> EventNormalizer:
    """Create what turns events into the status of messages."""
    return EventNormalizer(
        f"{name}-status",
        {
            **shared,
            **tables,
            "stream_arn": stream.stream_arn,
            "timers_queue_url": senders.timers_queue_url,
            "timers_queue_arn": senders.timers_queue_arn,
            "stream_batch_size": settings.stream_batch_size,
            "stream_batch_window_seconds": settings.stream_batch_window_seconds,
            "stream_parallelization": settings.stream_parallelization,
            "sms_require_handset_receipt": settings.sms_require_handset_receipt,
        },
        pulumi.ResourceOptions(parent=parent),
    )


def message_api(
    name: str,
    settings: Settings,
    shared: FunctionArgs,
    tables: TableArgs,
    limits: LimitArgs,
    senders: ChannelSenders,
    parent: pulumi.Resource,
) -> MessageApi:
    """Create the HTTP API."""
    return MessageApi(
        f"{name}-api",
        {
            **shared,
            **tables,
            **limits,
            "intake_queue_url": senders.intake_queue_url,
            "intake_queue_arn": senders.intake_queue_arn,
            "authorization": settings.authorization,
            "api_clients": list(settings.api_clients),
            "api_throttle_rate": settings.api_throttle_rate,
            "api_throttle_burst": settings.api_throttle_burst,
            "api_client_throttle_rate": settings.api_client_throttle_rate,
            "api_client_throttle_burst": settings.api_client_throttle_burst,
            "api_quota_per_day": settings.api_quota_per_day,
            "api_base_url": settings.api_base_url,
            "allowed_cidrs": list(settings.allowed_cidrs),
            "waf_rate_limit": settings.waf_rate_limit,
            "access_logs": settings.access_logs,
            "create_api_gateway_log_role": settings.create_api_gateway_log_role,
            "allowed_senders": list(settings.allowed_senders),
            "allowed_country_prefixes": list(settings.allowed_country_prefixes),
            "default_fallback_seconds": settings.default_fallback_seconds,
            "outcome_wait_seconds": settings.outcome_wait_seconds,
            "retention_days": settings.retention_days,
            "mail_may_be_read": _mail_may_be_read(settings),
        },
        pulumi.ResourceOptions(parent=parent),
    )


def _mail_may_be_read(settings: Settings) -> bool:
    # What a set reports that exists already, and that the stack does not add to, is not known here.
    adds = settings.create_ses_config_set or settings.attach_ses_event_destination
    return settings.ses_engagement_events or not adds


def event_destinations(
    name: str,
    settings: Settings,
    shared: FunctionArgs,
    stream: DeliveryEventStream,
    parent: pulumi.Resource,
) -> EventDestinations:
    """Point the providers' events at the stack's topic."""
    return EventDestinations(
        f"{name}-destinations",
        {
            "stack_name": shared["stack_name"],
            "topic_arn": stream.topic_arn,
            "ses_config_set_name": settings.ses_config_set_name,
            "create_ses_config_set": settings.create_ses_config_set,
            "attach_ses_event_destination": settings.attach_ses_event_destination,
            "ses_engagement_events": settings.ses_engagement_events,
            "ses_tracking_domain": settings.ses_tracking_domain,
            "sms_config_set_name": settings.sms_config_set_name,
            "create_sms_config_set": settings.create_sms_config_set,
            "attach_sms_event_destination": settings.attach_sms_event_destination,
            "whats_app_business_account_ids": list(settings.whats_app_business_account_ids),
            "tags": dict(settings.tags),
        },
        # The topic's policy, not only the topic: SES tries to publish before it accepts one.
        pulumi.ResourceOptions(parent=parent, depends_on=[stream]),
    )


@dataclass(frozen=True)
class Parts:
    """The parts of one deployment."""

    store: MessageStore
    senders: ChannelSenders
    stream: DeliveryEventStream
    normalizer: EventNormalizer
    api: MessageApi


def observability(
    name: str,
    settings: Settings,
    adopted: AdoptedResources,
    shared: FunctionArgs,
    parts: Parts,
    parent: pulumi.Resource,
) -> Observability:
    """Create alarms, dashboard and saved queries."""
    api, senders, stream, normalizer = parts.api, parts.senders, parts.stream, parts.normalizer
    return Observability(
        f"{name}-observability",
        {
            "stack_name": shared["stack_name"],
            "kms_key_arn": shared["kms_key_arn"],
            "tags": shared["tags"],
            "alarm_email": settings.alarm_email,
            "alarm_topic_arn": adopted.alarm_topic_arn,
            "fallback_rate_alarm_percent": settings.fallback_rate_alarm_percent,
            "api_name": api.api_name,
            "api_stage_name": api.stage_name,
            "messages_table_name": parts.store.messages_table_name,
            "payloads_table_name": parts.store.payloads_table_name,
            "provider_message_ids_table_name": parts.store.provider_message_ids_table_name,
            "stream_name": stream.stream_name,
            "intake_queue_name": senders.intake_queue_name,
            "intake_dead_letters_queue_name": senders.intake_dead_letters_queue_name,
            "timers_queue_name": senders.timers_queue_name,
            "timers_dead_letters_queue_name": senders.timers_dead_letters_queue_name,
            "events_queue_name": stream.events_queue_name,
            "events_dead_letters_queue_name": stream.events_dead_letters_queue_name,
            "quarantine_queue_name": normalizer.quarantine_queue_name,
            "stream_failures_queue_name": normalizer.stream_failures_queue_name,
            "message_api_function_name": api.message_api_function_name,
            "send_primary_function_name": senders.send_primary_function_name,
            "send_fallback_function_name": senders.send_fallback_function_name,
            "relay_events_function_name": stream.relay_events_function_name,
            "normalize_events_function_name": normalizer.normalize_events_function_name,
            "message_api_log_group_name": api.message_api_log_group_name,
            "send_primary_log_group_name": senders.send_primary_log_group_name,
            "send_fallback_log_group_name": senders.send_fallback_log_group_name,
            "relay_events_log_group_name": stream.relay_events_log_group_name,
            "normalize_events_log_group_name": normalizer.normalize_events_log_group_name,
        },
        pulumi.ResourceOptions(parent=parent),
    )
