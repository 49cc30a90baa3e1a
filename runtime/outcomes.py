"""What a change of a row is counted as."""

from collections.abc import Sequence

from .domain.message import Message
from .domain.status import ARRIVED, DeliveryEvent
from .telemetry import meter


def count_send(channel: str) -> None:
    """Count a send that the provider has taken, and no event for it yet.

    The zero is a value that the alarm on sends without events can compare with: a metric that has
    no value at all in a while is neither zero nor anything else.
    """
    meter.count("MessagesSent", channel=channel)
    meter.count("EventsApplied", 0, channel=channel)


def count_events(message: Message, events: Sequence[DeliveryEvent]) -> None:
    """Count the events of a row by the channel that its step was sent on, known ones too."""
    for event in events:
        if event.step is not None and 0 <= event.step < len(message.steps):
            meter.count("EventsApplied", channel=message.steps[event.step].channel)


def count_changes(before: Message, after: Message) -> None:
    """Count what this change of a row brought, once per change."""
    for old, new in zip(before.steps, after.steps, strict=True):
        if new.arrived and not old.arrived:
            meter.count("MessagesDelivered", channel=new.channel)
            at = min(new.times[status] for status in ARRIVED if status in new.times)
            meter.observe("TimeToDelivery", max(0, at - after.created_at), channel=new.channel)
        if new.failed and not old.failed:
            meter.count("MessagesFailed", channel=new.channel)
    if after.delivered_late and not before.delivered_late:
        meter.count("DeliveredLate")
    if after.delivered_twice and not before.delivered_twice:
        meter.count("DeliveredTwice")
