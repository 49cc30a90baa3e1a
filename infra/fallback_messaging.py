"""The whole product as one component."""

from dataclasses import asdict
from typing import TypedDict, cast

import pulumi

from . import composition
from .encryption_key import encryption_key
from .message_store import MessageStore
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
    allowed_senders: list[str]
    allowed_country_prefixes: list[str]
    messages_per_recipient_per_hour: int
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
    sms_max_price: str
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
        shared = composition.function_args(name, settings, key.arn)
        tables = composition.table_args(store)
        senders = composition.channel_senders(name, settings, shared, tables, self)
        stream = composition.delivery_event_stream(name, settings, shared, tables, senders, self)
        api = composition.message_api(name, settings, shared, tables, senders, self)
        destinations = composition.event_destinations(name, settings, stream, self)
        observability = composition.observability(
            name, settings, shared, api, senders, stream, self
        )
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
