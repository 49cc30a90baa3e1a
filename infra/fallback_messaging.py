"""The whole product as one component."""

from dataclasses import asdict
from typing import TypedDict, cast

import pulumi

from .channel_senders import ChannelSenders
from .delivery_event_stream import DeliveryEventStream
from .encryption_key import encryption_key
from .event_destinations import EventDestinations
from .functions import FunctionArgs
from .message_api import MessageApi
from .message_store import MessageStore, TableArgs
from .observability import Observability
from .parameter_layers import settings_from_arguments
from .settings import Settings

__all__ = ["FallbackMessaging", "FallbackMessagingArgs", "arguments_of"]


class FallbackMessagingArgs(TypedDict, total=False):
    """Arguments of `FallbackMessaging`: the parameters of config.params.json, all optional.

    Their meaning, bounds and defaults are those of the parameter table in `infra/settings.py`.
    """

    tags: dict[str, str]
    authorization: str
    api_throttle_rate: int
    api_throttle_burst: int
    api_quota_per_day: int
    api_base_url: str
    create_api_gateway_log_role: bool
    default_fallback_seconds: int
    outcome_wait_seconds: int
    retention_days: int
    protect_data: bool
    visibility_timeout_seconds: int
    queue_retention_days: int
    claim_lease_seconds: int
    sender_batch_size: int
    sender_maximum_concurrency: int
    relay_batch_size: int
    relay_batch_window_seconds: int
    stream_mode: str
    stream_shard_count: int
    stream_retention_hours: int
    stream_batch_size: int
    stream_batch_window_seconds: int
    stream_parallelization: int
    ses_config_set_name: str
    create_ses_config_set: bool
    ses_identities: list[str]
    sms_config_set_name: str
    create_sms_config_set: bool
    sms_origination_identities: list[str]
    sms_require_handset_receipt: bool
    whats_app_business_account_ids: list[str]
    whats_app_phone_number_ids: list[str]
    whats_app_phone_numbers: dict[str, str]
    meta_api_version: str
    alarm_email: str
    fallback_rate_alarm_percent: int
    log_retention_days: int
    log_level: str
    tracing: bool
    powertools_layer_arn: str


class FallbackMessaging(pulumi.ComponentResource):
    """Send each message on the first channel of its chain, and on the next if that one fails.

    Its name prefixes the names of all resources. Raises SettingsError, with every fault of the
    arguments, before a resource is declared. `/messages` follows `api_url`; `api_key_id` and the
    secret `api_key` are empty with IAM authorization.
    """

    api_url: pulumi.Output[str]
    api_key_id: pulumi.Output[str]
    api_key: pulumi.Output[str]
    messages_table_name: pulumi.Output[str]
    payloads_table_name: pulumi.Output[str]
    provider_message_ids_table_name: pulumi.Output[str]
    topic_arn: pulumi.Output[str]
    topic_name: pulumi.Output[str]
    stream_arn: pulumi.Output[str]
    stream_name: pulumi.Output[str]
    intake_queue_name: pulumi.Output[str]
    timers_queue_name: pulumi.Output[str]
    events_queue_name: pulumi.Output[str]
    quarantine_queue_name: pulumi.Output[str]
    stream_failures_queue_name: pulumi.Output[str]
    ses_config_set_name: pulumi.Output[str]
    sms_config_set_name: pulumi.Output[str]
    message_api_function_name: pulumi.Output[str]
    send_primary_function_name: pulumi.Output[str]
    send_fallback_function_name: pulumi.Output[str]
    relay_events_function_name: pulumi.Output[str]
    normalize_events_function_name: pulumi.Output[str]
    dashboard_url: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: FallbackMessagingArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        settings = settings_from_arguments(name, args)
        super().__init__("fallback-messaging:index:FallbackMessaging", name, {}, opts)
        tags = dict(settings.tags)
        key = encryption_key(f"{name}-key", tags=tags, protect=settings.protect_data, parent=self)
        store = MessageStore(
            f"{name}-store",
            {"kms_key_arn": key.arn, "protect": settings.protect_data, "tags": tags},
            pulumi.ResourceOptions(parent=self),
        )
        shared = _shared(name, settings, key.arn)
        tables = _tables(store)
        senders = _senders(name, settings, shared, tables, self)
        stream = _stream(name, settings, shared, tables, senders, self)
        api = _api(name, settings, shared, tables, senders, self)
        destinations = _destinations(name, settings, stream, self)
        observability = _observability(name, settings, shared, api, senders, stream, self)
        self.api_url = api.api_url
        self.api_key_id = api.api_key_id
        self.api_key = api.api_key
        self.messages_table_name = store.messages_table_name
        self.payloads_table_name = store.payloads_table_name
        self.provider_message_ids_table_name = store.provider_message_ids_table_name
        self.topic_arn = stream.topic_arn
        self.topic_name = stream.topic_name
        self.stream_arn = stream.stream_arn
        self.stream_name = stream.stream_name
        self.intake_queue_name = senders.intake_queue_name
        self.timers_queue_name = senders.timers_queue_name
        self.events_queue_name = stream.events_queue_name
        self.quarantine_queue_name = stream.quarantine_queue_name
        self.stream_failures_queue_name = stream.stream_failures_queue_name
        self.ses_config_set_name = destinations.ses_config_set_name
        self.sms_config_set_name = destinations.sms_config_set_name
        self.message_api_function_name = api.message_api_function_name
        self.send_primary_function_name = senders.send_primary_function_name
        self.send_fallback_function_name = senders.send_fallback_function_name
        self.relay_events_function_name = stream.relay_events_function_name
        self.normalize_events_function_name = stream.normalize_events_function_name
        self.dashboard_url = observability.dashboard_url
        self.register_outputs({output: getattr(self, output) for output in _OUTPUTS})


def arguments_of(settings: Settings) -> FallbackMessagingArgs:
    """Return the arguments that say what `settings` say; the prefix is the component's name."""
    values = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(settings).items()
        if name != "name_prefix"
    }
    return cast("FallbackMessagingArgs", values)


_OUTPUTS = tuple(FallbackMessaging.__annotations__)


def _shared(name: str, settings: Settings, kms_key_arn: pulumi.Input[str]) -> FunctionArgs:
    return {
        # The dimension of the metrics: two stacks, or two components of one, are told apart.
        "stack_name": f"{name}-{pulumi.get_stack()}",
        "tags": dict(settings.tags),
        "kms_key_arn": kms_key_arn,
        "log_level": settings.log_level,
        "log_retention_days": settings.log_retention_days,
        "tracing": settings.tracing,
        "powertools_layer_arn": settings.powertools_layer_arn,
    }


def _tables(store: MessageStore) -> TableArgs:
    return {
        "messages_table_name": store.messages_table_name,
        "messages_table_arn": store.messages_table_arn,
        "payloads_table_name": store.payloads_table_name,
        "payloads_table_arn": store.payloads_table_arn,
        "provider_message_ids_table_name": store.provider_message_ids_table_name,
        "provider_message_ids_table_arn": store.provider_message_ids_table_arn,
    }


def _senders(
    name: str,
    settings: Settings,
    shared: FunctionArgs,
    tables: TableArgs,
    parent: pulumi.Resource,
) -> ChannelSenders:
    return ChannelSenders(
        f"{name}-senders",
        {
            **shared,
            **tables,
            "visibility_timeout_seconds": settings.visibility_timeout_seconds,
            "queue_retention_days": settings.queue_retention_days,
            "claim_lease_seconds": settings.claim_lease_seconds,
            "outcome_wait_seconds": settings.outcome_wait_seconds,
            "sender_batch_size": settings.sender_batch_size,
            "sender_maximum_concurrency": settings.sender_maximum_concurrency,
            "ses_config_set_name": settings.ses_config_set_name,
            "ses_identities": list(settings.ses_identities),
            "sms_config_set_name": settings.sms_config_set_name,
            "sms_origination_identities": list(settings.sms_origination_identities),
            "whats_app_phone_number_ids": list(settings.whats_app_phone_number_ids),
            "whats_app_phone_numbers": dict(settings.whats_app_phone_numbers),
            "meta_api_version": settings.meta_api_version,
        },
        pulumi.ResourceOptions(parent=parent),
    )


def _stream(
    name: str,
    settings: Settings,
    shared: FunctionArgs,
    tables: TableArgs,
    senders: ChannelSenders,
    parent: pulumi.Resource,
) -> DeliveryEventStream:
    return DeliveryEventStream(
        f"{name}-events",
        {
            **shared,
            **tables,
            "timers_queue_url": senders.timers_queue_url,
            "timers_queue_arn": senders.timers_queue_arn,
            "queue_retention_days": settings.queue_retention_days,
            "relay_batch_size": settings.relay_batch_size,
            "relay_batch_window_seconds": settings.relay_batch_window_seconds,
            "stream_mode": settings.stream_mode,
            "stream_shard_count": settings.stream_shard_count,
            "stream_retention_hours": settings.stream_retention_hours,
            "stream_batch_size": settings.stream_batch_size,
            "stream_batch_window_seconds": settings.stream_batch_window_seconds,
            "stream_parallelization": settings.stream_parallelization,
            "sms_require_handset_receipt": settings.sms_require_handset_receipt,
        },
        pulumi.ResourceOptions(parent=parent),
    )


def _api(
    name: str,
    settings: Settings,
    shared: FunctionArgs,
    tables: TableArgs,
    senders: ChannelSenders,
    parent: pulumi.Resource,
) -> MessageApi:
    return MessageApi(
        f"{name}-api",
        {
            **shared,
            **tables,
            "intake_queue_url": senders.intake_queue_url,
            "intake_queue_arn": senders.intake_queue_arn,
            "authorization": settings.authorization,
            "api_throttle_rate": settings.api_throttle_rate,
            "api_throttle_burst": settings.api_throttle_burst,
            "api_quota_per_day": settings.api_quota_per_day,
            "api_base_url": settings.api_base_url,
            "create_api_gateway_log_role": settings.create_api_gateway_log_role,
            "default_fallback_seconds": settings.default_fallback_seconds,
            "outcome_wait_seconds": settings.outcome_wait_seconds,
            "retention_days": settings.retention_days,
        },
        pulumi.ResourceOptions(parent=parent),
    )


def _destinations(
    name: str, settings: Settings, stream: DeliveryEventStream, parent: pulumi.Resource
) -> EventDestinations:
    return EventDestinations(
        f"{name}-destinations",
        {
            "topic_arn": stream.topic_arn,
            "ses_config_set_name": settings.ses_config_set_name,
            "create_ses_config_set": settings.create_ses_config_set,
            "sms_config_set_name": settings.sms_config_set_name,
            "create_sms_config_set": settings.create_sms_config_set,
            "whats_app_business_account_ids": list(settings.whats_app_business_account_ids),
            "tags": dict(settings.tags),
        },
        # The topic's policy, not only the topic: SES tries to publish before it accepts one.
        pulumi.ResourceOptions(parent=parent, depends_on=[stream]),
    )


def _observability(
    name: str,
    settings: Settings,
    shared: FunctionArgs,
    api: MessageApi,
    senders: ChannelSenders,
    stream: DeliveryEventStream,
    parent: pulumi.Resource,
) -> Observability:
    return Observability(
        f"{name}-observability",
        {
            "stack_name": shared["stack_name"],
            "kms_key_arn": shared["kms_key_arn"],
            "tags": shared["tags"],
            "alarm_email": settings.alarm_email,
            "fallback_rate_alarm_percent": settings.fallback_rate_alarm_percent,
            "api_name": api.api_name,
            "api_stage_name": api.stage_name,
            "intake_queue_name": senders.intake_queue_name,
            "intake_dead_letters_queue_name": senders.intake_dead_letters_queue_name,
            "timers_queue_name": senders.timers_queue_name,
            "timers_dead_letters_queue_name": senders.timers_dead_letters_queue_name,
            "events_queue_name": stream.events_queue_name,
            "events_dead_letters_queue_name": stream.events_dead_letters_queue_name,
            "quarantine_queue_name": stream.quarantine_queue_name,
            "stream_failures_queue_name": stream.stream_failures_queue_name,
            "message_api_function_name": api.message_api_function_name,
            "send_primary_function_name": senders.send_primary_function_name,
            "send_fallback_function_name": senders.send_fallback_function_name,
            "relay_events_function_name": stream.relay_events_function_name,
            "normalize_events_function_name": stream.normalize_events_function_name,
        },
        pulumi.ResourceOptions(parent=parent),
    )
