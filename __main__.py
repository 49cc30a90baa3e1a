"""The Pulumi program: one FallbackMessaging per stack, from config.params.json."""

from pathlib import Path

import pulumi

from infra import FallbackMessaging, arguments_of, stack_settings

settings = stack_settings(Path(__file__).resolve().parent / "config.params.json")
messaging = FallbackMessaging(settings.name_prefix, arguments_of(settings))

# `/messages` follows it.
pulumi.export("api_url", messaging.api_url)
# The first client's, and all of them by client; empty with IAM authorization.
pulumi.export("api_key_id", messaging.api_key_id)
pulumi.export("api_key", messaging.api_key)
pulumi.export("api_keys", messaging.api_keys)
# What callers need with IAM authorization.
pulumi.export("send_policy", messaging.send_policy)
pulumi.export("status_policy", messaging.status_policy)
pulumi.export("cancel_policy", messaging.cancel_policy)
pulumi.export("messages_table", messaging.messages_table_name)
pulumi.export("payloads_table", messaging.payloads_table_name)
pulumi.export("provider_message_ids_table", messaging.provider_message_ids_table_name)
pulumi.export("events_topic", messaging.topic_name)
pulumi.export("events_topic_arn", messaging.topic_arn)
pulumi.export("events_stream", messaging.stream_name)
pulumi.export("intake_queue", messaging.intake_queue_name)
pulumi.export("timers_queue", messaging.timers_queue_name)
pulumi.export("events_queue", messaging.events_queue_name)
pulumi.export("quarantine_queue", messaging.quarantine_queue_name)
pulumi.export("stream_failures_queue", messaging.stream_failures_queue_name)
pulumi.export("ses_configuration_set", messaging.ses_config_set_name)
pulumi.export("sms_configuration_set", messaging.sms_config_set_name)
pulumi.export("message_api_function", messaging.message_api_function_name)
pulumi.export("send_primary_function", messaging.send_primary_function_name)
pulumi.export("send_fallback_function", messaging.send_fallback_function_name)
pulumi.export("relay_events_function", messaging.relay_events_function_name)
pulumi.export("normalize_events_function", messaging.normalize_events_function_name)
pulumi.export("dashboard_url", messaging.dashboard_url)
