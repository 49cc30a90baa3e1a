"""The tables of docs/events.md, from the channels' own tables."""

from collections.abc import Iterator, Mapping
from typing import Final

from runtime.channels import CHANNELS, email, rcs, sms, whatsapp
from runtime.domain.plan import DEFAULT_ACTIONS, FailureAction
from runtime.domain.status import ARRIVED, FailureClass, Status

_HEAD: Final = (
    "| event | status | final | class | permanent | what the chain does by default |",
    "|---|---|---|---|---|---|",
)
_PERMANENT: Final = {True: "yes", False: "no", None: "not known"}
_DOES: Final = {
    FailureAction.FALL_BACK: "falls back now",
    FailureAction.REPAIR: "sends the request's template, if it has one; else falls back now",
    FailureAction.RETRY: "sends the same again within the wait",
    FailureAction.STOP: "ends",
}


def _row(
    event: str,
    status: Status,
    final: str,
    failure: tuple[FailureClass, bool | None] | None = None,
) -> str:
    if status is Status.FAILED and failure is not None:
        action = DEFAULT_ACTIONS.get(failure[0], FailureAction.FALL_BACK)
        cells = (f"`{failure[0]}`", _PERMANENT[failure[1]], _DOES[action])
    elif status in ARRIVED:
        cells = ("", "", "has succeeded: nothing more is sent")
    else:
        cells = ("", "", "waits on")
    return f"| {event} | `{status}` | {final} | {' | '.join(cells)} |"


def email_events() -> Iterator[str]:
    """Yield the events of SES."""
    yield from _HEAD
    for event, (status, final) in email.PLAIN_EVENTS.items():
        yield _row(event, status, "yes" if final else "no")
    for (kind, subtype), failure in email.BOUNCES.items():
        yield _row(f"Bounce {kind}/{subtype}", Status.FAILED, "yes", failure)
    for kind, failure in email.BOUNCES_OF_TYPE.items():
        yield _row(f"Bounce {kind}, any other subtype", Status.FAILED, "yes", failure)
    for event, failure in email.FAILURE_EVENTS.items():
        yield _row(event, Status.FAILED, "yes", failure)
    yield _row("Complaint", Status.COMPLAINED, "yes")
    suppressed = (FailureClass.SUPPRESSED, True)
    yield _row(f"Complaint {email.SUPPRESSED_COMPLAINT}", Status.FAILED, "yes", suppressed)
    ignored = ", ".join(("Complaint not-spam", *email.IGNORED_EVENTS))
    yield f"| {ignored} | unchanged | | | | |"


def sms_events() -> Iterator[str]:
    """Yield the events of texts, MMS (`MEDIA_`) and voice."""
    yield from _HEAD
    yield _row("SUCCESSFUL, `isFinal` true", Status.DELIVERED, "yes")
    yield _row("SUCCESSFUL, `isFinal` true, with smsRequireHandsetReceipt", Status.SENT, "yes")
    yield _row("SUCCESSFUL, `isFinal` false", Status.SENT, "no")
    yield from _by_is_final(sms.PROGRESS_EVENTS, sms.FAILURE_EVENTS)


def rcs_events() -> Iterator[str]:
    """Yield the events of RCS."""
    yield from _HEAD
    yield from _by_is_final(rcs.PROGRESS_EVENTS, rcs.FAILURE_EVENTS)


def _by_is_final(
    progress: Mapping[str, Status], failures: Mapping[str, tuple[FailureClass, bool | None]]
) -> Iterator[str]:
    for event, status in progress.items():
        yield _row(event, status, "as `isFinal`")
    for event, failure in failures.items():
        yield _row(f"{event}, `isFinal` true", Status.FAILED, "yes", failure)
    yield _row("any of these failures, `isFinal` false", Status.DELAYED, "no")


def whatsapp_events() -> Iterator[str]:
    """Yield the statuses of WhatsApp."""
    yield from _HEAD
    for event, status in whatsapp.STATUSES.items():
        if status is not Status.FAILED:
            final = "yes" if status in ARRIVED else "no"
            yield _row(event, status, final)
    for code, failure in sorted(whatsapp.FAILURE_CODES.items()):
        yield _row(f"failed, {code}", Status.FAILED, "yes", failure)
    yield _row("failed, any other code or none", Status.FAILED, "yes", (FailureClass.UNKNOWN, None))
    exhausted = (FailureClass.EXPIRED, False)
    yield _row("Message retries exhausted, dropping message.", Status.FAILED, "yes", exhausted)
    yield f"| {', '.join(whatsapp.IGNORED_STATUSES)} | unchanged | | | | |"


def api_errors() -> Iterator[str]:
    """Yield the classes of the errors by which a provider refuses a send."""
    yield "| channel | error | class |"
    yield "|---|---|---|"
    for channel in CHANNELS.values():
        for code, failure_class in sorted(channel.rejections.items()):
            yield f"| {channel.name} | {code} | `{failure_class}` |"
