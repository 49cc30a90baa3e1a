"""The schema of the plugin, inferred from the components as the plugin's process does it."""

import json

from pulumi.provider.experimental.component import ComponentProvider

from infra import DeliveryEventStream, EventDestinations, FallbackMessaging


def plugin_schema() -> str:
    """Return the schema as the text of its file."""
    provider = ComponentProvider(
        [DeliveryEventStream, EventDestinations, FallbackMessaging],
        "fallback-messaging",
        version="0.1.0",
    )
    return json.dumps(json.loads(provider.schema or "{}"), indent=2, sort_keys=True) + "\n"
