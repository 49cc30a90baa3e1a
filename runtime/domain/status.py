"""The statuses of a step, their order, and the delivery event that moves a step between them.

A step's status only ever rises in rank, so events may arrive late, twice and in any order.
All times in the domain are integer milliseconds since the epoch.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """What is known of one step's way to the recipient."""

    QUEUED = "queued"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELAYED = "delayed"
    UNKNOWN = "unknown"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"
    COMPLAINED = "complained"


class FailureClass(StrEnum):
    """Why a step failed, in one vocabulary for all channels."""

    INVALID_ADDRESS = "invalid_address"
    UNREACHABLE = "unreachable"
    OPTED_OUT = "opted_out"
    SUPPRESSED = "suppressed"
    BLOCKED = "blocked"
    CONTENT_REJECTED = "content_rejected"
    WINDOW_CLOSED = "window_closed"
    TEMPLATE_ERROR = "template_error"
    THROTTLED = "throttled"
    EXPIRED = "expired"
    CONFIGURATION = "configuration"
    ACCOUNT = "account"
    UNKNOWN = "unknown"


RANKS: Final = {
    Status.QUEUED: 0,
    Status.ACCEPTED: 10,
    Status.SENT: 20,
    Status.DELAYED: 25,
    Status.UNKNOWN: 28,
    Status.FAILED: 30,
    Status.DELIVERED: 40,
    Status.READ: 50,
    Status.COMPLAINED: 60,
}

# An asynchronous bounce comes after the receiving server has taken the mail, so it says more than
# `delivered`; out-of-office replies come as transient bounces and must not.
PERMANENT_BOUNCE_RANK: Final = 45

# The statuses that mean progress. A chain may wait for one of them (`success_status`).
PROGRESS: Final = (
    Status.ACCEPTED,
    Status.SENT,
    Status.DELIVERED,
    Status.READ,
    Status.COMPLAINED,
)
# A person has the message: a complaint is made about a message that arrived.
ARRIVED: Final = (Status.DELIVERED, Status.READ, Status.COMPLAINED)


def rank(status: Status, channel: str, *, permanent: bool | None) -> int:
    """Return the rank of a status; the one exception of the order is written in here."""
    if status is Status.FAILED and permanent and channel == "email":
        return PERMANENT_BOUNCE_RANK
    return RANKS[status]


@dataclass(frozen=True, slots=True)
class DeliveryEvent:
    """One provider event about one step, in the terms of this system.

    `message_id` and `step` are ours, where the provider echoed them. `provider_message_id` is the
    provider's; a WhatsApp event may carry two (`related_message_id` is then the one that
    SendWhatsAppMessage answered). `occurred_at` is None where the event has no readable time.
    `reason` is a code and a short text, never an address.
    """

    channel: str
    status: Status
    event_type: str
    final: bool = False
    provider_message_id: str | None = None
    related_message_id: str | None = None
    message_id: str | None = None
    step: int | None = None
    failure_class: FailureClass | None = None
    permanent: bool | None = None
    reason: str | None = None
    occurred_at: int | None = None
