"""Omnichannel fallback messaging on AWS, as Pulumi components.

`FallbackMessaging` is the whole product; the other components are its parts.
"""

from .channel_senders import ChannelSenders, ChannelSendersArgs
from .delivery_event_stream import DeliveryEventStream, DeliveryEventStreamArgs
from .event_destinations import EventDestinations, EventDestinationsArgs
from .event_normalizer import EventNormalizer, EventNormalizerArgs
from .fallback_messaging import FallbackMessaging, FallbackMessagingArgs, arguments_of
from .message_api import MessageApi, MessageApiArgs
from .message_store import MessageStore, MessageStoreArgs
from .observability import Observability, ObservabilityArgs
from .policies import Location
from .resource_policies import event_key_statements
from .settings import Settings, SettingsError
from .stack_configuration import stack_settings

__all__ = [
    "ChannelSenders",
    "ChannelSendersArgs",
    "DeliveryEventStream",
    "DeliveryEventStreamArgs",
    "EventDestinations",
    "EventDestinationsArgs",
    "EventNormalizer",
    "EventNormalizerArgs",
    "FallbackMessaging",
    "FallbackMessagingArgs",
    "Location",
    "MessageApi",
    "MessageApiArgs",
    "MessageStore",
    "MessageStoreArgs",
    "Observability",
    "ObservabilityArgs",
    "Settings",
    "SettingsError",
    "arguments_of",
    "event_key_statements",
    "stack_settings",
]
