"""The components for programs in TypeScript, Go, C#, Java and YAML.

A folder of its own: the Pulumi CLI takes a folder for a program or for a plugin, not for both.
"""

from fallback_messaging import DeliveryEventStream, EventDestinations, FallbackMessaging
from pulumi.provider.experimental import component_provider_host

component_provider_host(
    components=[DeliveryEventStream, EventDestinations, FallbackMessaging],
    name="fallback-messaging",
    version="0.1.0",
)
