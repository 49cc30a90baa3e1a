"""The sender that both sending functions use."""

from functools import cache

from runtime import clock
from runtime.clients import data_client, send_client
from runtime.sending import Sender
from runtime.settings import SenderSettings
from runtime.store import Store
from runtime.timers import Timers


@cache
def sender() -> Sender:
    """Return the sender of this environment, made at the first invocation."""
    settings = SenderSettings.from_environment()
    return Sender(
        store=Store(
            data_client("dynamodb"),
            settings.messages_table,
            settings.payloads_table,
            settings.provider_message_ids_table,
        ),
        timers=Timers(data_client("sqs"), settings.timers_queue_url),
        settings=settings,
        client=send_client,
        clock=clock.now,
    )
