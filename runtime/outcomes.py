"""What a change of a row is counted as."""

from .domain.message import Message
from .domain.status import ARRIVED
from .telemetry import meter


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
