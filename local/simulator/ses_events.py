"""SES events as SES publishes them to SNS, one function per type.

Source: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import uuid4

from local.simulator.clock import epoch_ms, iso_time
from local.simulator.wire import Params

_HALF_A_DAY_MS = 12 * 3600 * 1000

# status and diagnosticCode of the recipient, where a delivery status notification brings them.
_DIAGNOSES: Mapping[str, tuple[str, str]] = {
    "Permanent/General": ("5.1.1", "smtp; 550 5.1.1 user unknown"),
    "Permanent/NoEmail": ("5.1.1", "smtp; 550 5.1.1 no such user here"),
    "Permanent/Suppressed": (
        "5.1.1",
        (
            "Amazon SES has suppressed sending to this address because it has a recent history "
            "of bouncing as an invalid address."
        ),
    ),
    "Permanent/OnAccountSuppressionList": (
        "5.1.1",
        (
            "Amazon SES did not send the message to this address because it is on the "
            "suppression list for your account."
        ),
    ),
    "Permanent/OnTenantSuppressionList": (
        "5.1.1",
        "Address is on the tenant-level suppression list.",
    ),
    "Permanent/EmailValidationSuppressed": (
        "5.1.1",
        "Address did not meet the email validation threshold.",
    ),
    "Permanent/UnsubscribedRecipient": (
        "5.1.1",
        "Recipient is unsubscribed from the contact list topic.",
    ),
    "Transient/MailboxFull": ("4.2.2", "smtp; 452 4.2.2 mailbox full"),
    "Transient/MessageTooLarge": ("5.3.4", "smtp; 552 5.3.4 message size exceeds fixed limit"),
    "Transient/CustomTimeoutExceeded": ("4.4.7", "smtp; 450 4.4.7 delivery time expired"),
    "Transient/ContentRejected": ("5.7.1", "smtp; 554 5.7.1 content rejected"),
    "Transient/AttachmentRejected": ("5.7.1", "smtp; 552 5.7.0 attachment blocked"),
}


@dataclass(frozen=True)
class Email:
    """A mail that SES accepted, as its events describe it. `subject` is None for templates."""

    message_id: str
    source: str
    source_arn: str
    account_id: str
    to: list[str]
    cc: list[str]
    bcc: list[str]
    reply_to: list[str]
    subject: str | None
    headers: list[tuple[str, str]]
    tags: Mapping[str, str]
    configuration_set: str
    template_name: str | None
    accepted_ms: int

    @property
    def destination(self) -> list[str]:
        """All recipients, as the sender wrote them."""
        return [*self.to, *self.cc, *self.bcc]


def mail(email: Email, *, headers: bool = True, left_ses: bool = False) -> Params:
    """Describe the mail: some events bear no headers, and some know the outgoing connection."""
    document: Params = {
        "timestamp": iso_time(email.accepted_ms),
        "source": email.source,
        "sourceArn": email.source_arn,
        "sendingAccountId": email.account_id,
        "messageId": email.message_id,
        "destination": email.destination,
        "headersTruncated": False,
    }
    if headers:
        document |= {"headers": _headers(email), "commonHeaders": _common_headers(email)}
    tags = {
        "ses:source-tls-version": ["TLSv1.3"],
        "ses:operation": ["SendEmail"],
        "ses:configuration-set": [email.configuration_set],
        "ses:source-ip": ["192.0.2.0"],
        "ses:from-domain": [email.source.rpartition("@")[2].rstrip(">")],
        "ses:caller-identity": ["simulator"],
    }
    if left_ses:
        tags |= {"ses:outgoing-ip": ["192.0.2.10"], "ses:outgoing-tls-version": ["TLSv1.3"]}
    return {**document, "tags": tags | {name: [value] for name, value in email.tags.items()}}


def _headers(email: Email) -> list[dict[str, str]]:
    named = [("From", email.source)]
    named += [("To", ", ".join(email.to))] if email.to else []
    named += [("Cc", ", ".join(email.cc))] if email.cc else []
    named += [("Reply-To", ", ".join(email.reply_to))] if email.reply_to else []
    named += [("Subject", email.subject)] if email.subject is not None else []
    named += [("MIME-Version", "1.0"), ("Content-Type", "multipart/alternative")]
    return [{"name": name, "value": value} for name, value in [*named, *email.headers]]


def _common_headers(email: Email) -> Params:
    common: Params = {"from": [email.source], "to": email.to, "messageId": email.message_id}
    common |= {"cc": email.cc} if email.cc else {}
    common |= {"replyTo": email.reply_to} if email.reply_to else {}
    return common | ({"subject": email.subject} if email.subject is not None else {})


def _feedback_id() -> str:
    return f"0100{epoch_ms():012x}-{uuid4()}-000000"


def send(email: Email, _recipient: str, _detail: str) -> Params:
    """Say that SES accepted the mail and will try to deliver it."""
    return {"eventType": "Send", "mail": mail(email), "send": {}}


def delivery(email: Email, recipient: str, _detail: str) -> Params:
    """Say that the recipient's mail server took the mail."""
    return {
        "eventType": "Delivery",
        "mail": mail(email, left_ses=True),
        "delivery": {
            "timestamp": iso_time(),
            "processingTimeMillis": epoch_ms() - email.accepted_ms,
            "recipients": [recipient],
            "smtpResponse": "250 2.6.0 Message received",
            "remoteMtaIp": "198.51.100.25",
            "reportingMTA": "a8-70.smtp-out.amazonses.com",
        },
    }


def bounce(email: Email, recipient: str, detail: str) -> Params:
    """Say that SES gave up, or got a reply; `detail` is `<bounceType>/<bounceSubType>`."""
    bounce_type, _, sub_type = detail.partition("/")
    recipients = {"emailAddress": recipient}
    if detail in _DIAGNOSES:
        status, diagnosis = _DIAGNOSES[detail]
        recipients |= {"action": "failed", "status": status, "diagnosticCode": diagnosis}
    return {
        "eventType": "Bounce",
        "bounce": {
            "bounceType": bounce_type,
            "bounceSubType": sub_type,
            "bouncedRecipients": [recipients],
            "timestamp": iso_time(),
            "feedbackId": _feedback_id(),
            "reportingMTA": "dsn; mta.example.com",
        },
        "mail": mail(email),
    }


def complaint(email: Email, recipient: str, detail: str) -> Params:
    """Say that the mail was marked as spam; `detail` is the feedback type, or the one sub-type."""
    suppressed = detail == "OnAccountSuppressionList"
    document: Params = {
        "feedbackId": _feedback_id(),
        "complaintSubType": detail if suppressed else None,
        "complainedRecipients": [{"emailAddress": recipient}],
        "timestamp": iso_time(),
    }
    if not suppressed:
        document |= {
            "userAgent": "ExampleFBL/1.0",
            "complaintFeedbackType": detail or "abuse",
            "arrivalDate": iso_time(),
        }
    return {"eventType": "Complaint", "complaint": document, "mail": mail(email)}


def delivery_delay(email: Email, recipient: str, detail: str) -> Params:
    """Say that SES could not deliver yet and keeps trying; `detail` is the delay's type."""
    return {
        "eventType": "DeliveryDelay",
        "mail": mail(email, headers=False),
        "deliveryDelay": {
            "timestamp": iso_time(),
            "delayType": detail,
            "expirationTime": iso_time(email.accepted_ms + _HALF_A_DAY_MS),
            "delayedRecipients": [
                {
                    "emailAddress": recipient,
                    "status": "4.4.1",
                    "diagnosticCode": "smtp; 421 4.4.1 Unable to connect to remote host",
                }
            ],
        },
    }


def reject(email: Email, _recipient: str, _detail: str) -> Params:
    """Say that SES found a virus in a mail that it had accepted."""
    return {"eventType": "Reject", "mail": mail(email), "reject": {"reason": "Bad content"}}


def opened(email: Email, _recipient: str, _detail: str) -> Params:
    """Say that the recipient's reader loaded the pixel."""
    return {
        "eventType": "Open",
        "mail": mail(email),
        "open": {
            "ipAddress": "192.0.2.1",
            "timestamp": iso_time(),
            "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)",
        },
    }


def click(email: Email, _recipient: str, _detail: str) -> Params:
    """Say that the recipient followed a link."""
    return {
        "eventType": "Click",
        "click": {
            "ipAddress": "192.0.2.1",
            "link": "https://example.com/path",
            "linkTags": {"place": ["button"]},
            "timestamp": iso_time(),
            "userAgent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
        },
        "mail": mail(email),
    }


def rendering_failure(email: Email, _recipient: str, detail: str) -> Params:
    """Say that the request lacks an attribute of the template; `detail` is its name."""
    return {
        "eventType": "Rendering Failure",
        "mail": mail(email, headers=False),
        "failure": {
            "errorMessage": f"Attribute '{detail}' is not present in the rendering data.",
            "templateName": email.template_name,
        },
    }


def subscription(email: Email, _recipient: str, _detail: str) -> Params:
    """Say that the recipient changed the preferences of a contact list."""

    def preferences(*, unsubscribed: bool) -> Params:
        status = "OptOut" if unsubscribed else "OptIn"
        return {
            "unsubscribeAll": unsubscribed,
            "topicSubscriptionStatus": [
                {"topicName": "ExampleTopicName", "subscriptionStatus": status}
            ],
        }

    return {
        "eventType": "Subscription",
        "mail": mail(email),
        "subscription": {
            "contactList": "ContactListName",
            "timestamp": iso_time(),
            "source": "UnsubscribeHeader",
            "newTopicPreferences": preferences(unsubscribed=True),
            "oldTopicPreferences": preferences(unsubscribed=False),
        },
    }


# By the event's name in the JSON; the recipient is the one whom the event is about.
BUILDERS: Mapping[str, Callable[[Email, str, str], Params]] = {
    "Send": send,
    "Delivery": delivery,
    "Bounce": bounce,
    "Complaint": complaint,
    "DeliveryDelay": delivery_delay,
    "Reject": reject,
    "Open": opened,
    "Click": click,
    "Rendering Failure": rendering_failure,
    "Subscription": subscription,
}

# By the event's name in the JSON: its name in the API, where event destinations list it.
API_NAMES: Mapping[str, str] = {
    "Send": "SEND",
    "Delivery": "DELIVERY",
    "Bounce": "BOUNCE",
    "Complaint": "COMPLAINT",
    "DeliveryDelay": "DELIVERY_DELAY",
    "Reject": "REJECT",
    "Open": "OPEN",
    "Click": "CLICK",
    "Rendering Failure": "RENDERING_FAILURE",
    "Subscription": "SUBSCRIPTION",
}
