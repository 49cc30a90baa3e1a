"""What the demo plays and the end-to-end tests check: requests, and what must come of them.

Recipients choose what their provider does by their address; see local/simulator/recipients.py.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from local.api_client import Answer, ApiClient
from local.expectation import Expectation, Observation, seconds_between
from local.simulator import PHONE_NUMBER_ID

ACCEPTED, INVALID, UNPROCESSABLE = 202, 400, 422

Request = dict[str, Any]
Check = Callable[[Observation], Iterator[str]]


@dataclass(frozen=True)
class Scenario:
    """One story. `play` makes its requests; `faults` says what is not as expected, if anything.

    The expectation must hold `limit_seconds` after the first request at the latest, and from
    `watch_seconds` on until the end of the run: a second send or a late event would break it.
    """

    name: str
    title: str
    play: Callable[[ApiClient], list[Answer]]
    expected: Expectation | None
    limit_seconds: float
    watch_seconds: float = 0
    also: Check | None = None

    def faults(self, seen: Observation) -> list[str]:
        """Return a sentence for each thing that is not as expected."""
        faults = list(self.expected.faults(seen)) if self.expected else []
        # A further check may take the documented shape for granted.
        return faults or (list(self.also(seen)) if self.also else [])


# Requests ---------------------------------------------------------------------------------------


def email(recipient: str, **content: str) -> Request:
    """Return an email step."""
    return {
        "channel": "email",
        "sender": "Booking <booking@example.com>",
        "recipient": recipient,
        "email": {"subject": "Your table", "text": "Your table is ready.", **content},
    }


def sms(recipient: str, message: str = "Your table is ready.") -> Request:
    """Return an SMS step, with the channel spelled as in the documented payload."""
    return {
        "channel": "SMS",
        "sender": "BOOKING",
        "recipient": recipient,
        "sms": {"message": message, "message_type": "TRANSACTIONAL"},
    }


def whatsapp(recipient: str, message: str = "Your table is ready.") -> Request:
    """Return a WhatsApp step."""
    return {
        "channel": "WhatsApp",
        "sender": PHONE_NUMBER_ID,
        "recipient": recipient,
        "whatsapp": {"message": message},
    }


def chain(first: Request, *others: Request, wait: int | str) -> Request:
    """Return a fallback request; with one fallback step in the documented form."""
    fallback = others[0] if len(others) == 1 else list(others)
    return {"use_case": "fallback", "fallback_seconds": wait, "pc": first, "fc": fallback}


def post(request: Request) -> Callable[[ApiClient], list[Answer]]:
    """Return a play of one request."""
    return lambda api: [api.post(request)]


# Plays and checks of particular scenarios -------------------------------------------------------

SPECIAL_TEXT = (
    "1 & 2 + 3 = 100 % ; ?a=b%20c\n"
    "çà va ? Žluťoučký kůň\r\n"
    '½ price → 🎉👩\u200d👩\u200d👧 "quoted" <b> \\n'
)
SPECIAL_SUBJECT = "Réservation & more: 50 % + 🎉"
SPECIAL_HTML = "<p>Žluťoučký &amp; 🎉<br>50&nbsp;%</p>"


def post_twice_and_once_differently(api: ApiClient) -> list[Answer]:
    """Repeat a request under its Idempotency-Key, then use the key for another request."""
    key = f"table-{time.time_ns()}"
    request = chain(
        email("success+idempotent@simulator.amazonses.com"), sms("+14254147755"), wait=60
    )
    other = chain(email("success+other@simulator.amazonses.com"), sms("+14254147755"), wait=60)
    return [api.post(request, key), api.post(request, key), api.post(other, key)]


def post_and_cancel(api: ApiClient) -> list[Answer]:
    """Cancel a message when its first step is out and its timer is running."""
    posted = api.post(chain(email("silent+cancelled@example.com"), sms("+14254147755"), wait=8))
    message_id = posted.document.get("message_id", "")
    deadline = time.monotonic() + 7
    while time.monotonic() < deadline:
        steps = api.status(message_id).document.get("steps")
        if steps and steps[0]["status"] == "sent":
            break
        time.sleep(0.3)
    return [posted, api.cancel(message_id), api.cancel(message_id)]


def one_message_for_the_key(seen: Observation) -> Iterator[str]:
    """Check the answers to a repeated and to a changed request."""
    first, again, changed = seen.answers
    if (again.status, again.document) != (first.status, first.document):
        yield f"the repeated request was answered {again.status}: {again.document}"
    if changed.status != UNPROCESSABLE:
        yield f"the key with another body was answered {changed.status} instead of 422"


def cancelled_twice(seen: Observation) -> Iterator[str]:
    """Check that cancelling is answered, and that cancelling again does no harm."""
    for answer in seen.answers[1:]:
        if answer.status >= INVALID:
            yield f"cancel was answered {answer.status}: {answer.document}"
    if not seen.document.get("cancelled_at"):
        yield "cancelled_at is missing"


def texts_are_unchanged(seen: Observation) -> Iterator[str]:
    """Check that every provider got the very characters of the request."""
    by_provider = {send["provider"]: send["content"] for send in seen.sends}
    simple = by_provider["ses"]["Simple"]
    received = {
        "email subject": (simple["Subject"]["Data"], SPECIAL_SUBJECT),
        "email text": (simple["Body"]["Text"]["Data"], SPECIAL_TEXT),
        "email HTML": (simple["Body"]["Html"]["Data"], SPECIAL_HTML),
        "SMS": (by_provider["sms"]["MessageBody"], SPECIAL_TEXT),
        "WhatsApp": (by_provider["whatsapp"]["text"]["body"], SPECIAL_TEXT),
    }
    for what, (actual, expected) in received.items():
        if actual != expected:
            yield f"{what}: {actual!r} instead of {expected!r}"


def every_fault_is_named(seen: Observation) -> Iterator[str]:
    """Check the problem document of a request with five faults."""
    answer = seen.answers[0]
    if answer.status != INVALID or "application/problem+json" not in answer.content_type:
        yield f"answered {answer.status} {answer.content_type}: {answer.document}"
        return
    pointers = {fault["pointer"] for fault in answer.document["errors"]}
    expected = {
        "/fallback_seconds",
        "/pc/recipient",
        "/pc/email/subject",
        "/fc/colour",
        "/fc/sms/message",
    }
    if pointers != expected:
        yield f"faults at {sorted(pointers)} instead of {sorted(expected)}"
    if "not an address" in str(answer.document):
        yield "the problem document repeats a value of the request"


def failure_is_explained(seen: Observation) -> Iterator[str]:
    """Check that the failed first step says why."""
    failure = seen.document["steps"][0]["failure"] or {}
    if not failure.get("class") or failure.get("permanent") is not True:
        yield f"the failure of the first step reads {failure}"


def second_attempt_took_a_moment(seen: Observation) -> Iterator[str]:
    """Check that a throttled send was tried again later, not at once."""
    waited = seconds_between(seen.document["created_at"], seen.sends[0]["received_at"])
    if waited < 1:
        yield f"accepted after {waited:.1f} s although the provider was throttling"


INVALID_REQUEST = {
    "use_case": "fallback",
    "fallback_seconds": 100_000,
    "pc": {
        "channel": "email",
        "sender": "booking@example.com",
        "recipient": "not an address",
        "email": {"subject": "two\nlines", "text": "x"},
    },
    "fc": {
        "channel": "SMS",
        "sender": "BOOKING",
        "recipient": "+14254147755",
        "colour": "red",
        "sms": {"message": " "},
    },
}


# The table --------------------------------------------------------------------------------------

SCENARIOS = (
    Scenario(
        "delivered",
        "delivered: no fallback",
        post(chain(email("success+plain@simulator.amazonses.com"), sms("+14254147755"), wait="60")),
        Expectation("delivered", ("delivered", "queued"), ("email",)),
        limit_seconds=15,
    ),
    Scenario(
        "silent",
        "silent: falls back on time",
        post(chain(email("silent@example.com"), sms("+14254147755"), wait=6)),
        Expectation(
            "delivered",
            ("sent", "delivered"),
            ("email", "sms"),
            fallback="timeout",
            fallback_within=(6, 10),
        ),
        limit_seconds=25,
    ),
    Scenario(
        "hard-bounce",
        "hard bounce: does not wait 60 s",
        post(chain(email("bounce+hard@simulator.amazonses.com"), sms("+14254147755"), wait=60)),
        Expectation(
            "delivered",
            ("failed", "delivered"),
            ("email", "sms"),
            fallback="failure",
            fallback_within=(0, 5),
        ),
        limit_seconds=15,
        also=failure_is_explained,
    ),
    Scenario(
        "rejected",
        "rejected: falls back at once",
        post(chain(sms("+12065550108"), email("success+rejected@example.com"), wait=60)),
        Expectation(
            "delivered",
            ("failed", "delivered"),
            ("email",),
            fallback="failure",
            fallback_within=(0, 5),
        ),
        limit_seconds=15,
        also=failure_is_explained,
    ),
    Scenario(
        "chain",
        "chain: silence, failure, delivery",
        post(
            chain(
                email("silent+chain@example.com"),
                whatsapp("+12065550111"),
                sms("+14254147755", "Third time lucky."),
                wait=4,
            )
        ),
        Expectation(
            "delivered",
            ("sent", "failed", "delivered"),
            ("email", "whatsapp", "sms"),
            fallback="failure",
            fallback_within=(4, 12),
        ),
        limit_seconds=30,
    ),
    Scenario(
        "broadcast",
        "broadcast on all channels",
        post(
            {
                "use_case": "broadcast",
                "pc": email("success+all@simulator.amazonses.com"),
                "fc": [sms("+12065550142"), whatsapp("+12065550143")],
            }
        ),
        Expectation(
            "delivered", ("delivered", "delivered", "delivered"), ("email", "sms", "whatsapp")
        ),
        limit_seconds=15,
    ),
    Scenario(
        "late",
        "delivered late: both recorded",
        post(chain(email("late+11@example.com"), sms("+14254147755"), wait=3)),
        Expectation(
            "delivered",
            ("delivered", "delivered"),
            ("email", "sms"),
            fallback="timeout",
            fallback_within=(3, 7),
            delivered_late=True,
            delivered_twice=True,
        ),
        limit_seconds=30,
    ),
    Scenario(
        "shuffled",
        "events out of order and twice",
        post(chain(email("shuffled@example.com"), sms("+14254147755"), wait=60)),
        Expectation("delivered", ("delivered", "queued"), ("email",)),
        limit_seconds=15,
        watch_seconds=4,
    ),
    Scenario(
        "idempotent",
        "same request twice: one message",
        post_twice_and_once_differently,
        Expectation("delivered", ("delivered", "queued"), ("email",)),
        limit_seconds=15,
        also=one_message_for_the_key,
    ),
    Scenario(
        "cancelled",
        "cancelled before the timer",
        post_and_cancel,
        Expectation("cancelled", ("sent", "queued"), ("email",)),
        limit_seconds=20,
        watch_seconds=14,
        also=cancelled_twice,
    ),
    Scenario(
        "characters",
        "& + % newlines accents emoji",
        post(
            {
                "use_case": "blast",
                "pc": email(
                    "success+characters@simulator.amazonses.com",
                    subject=SPECIAL_SUBJECT,
                    text=SPECIAL_TEXT,
                    html=SPECIAL_HTML,
                ),
                "fc": [sms("+12065550144", SPECIAL_TEXT), whatsapp("+12065550145", SPECIAL_TEXT)],
            }
        ),
        Expectation(
            "delivered", ("delivered", "delivered", "delivered"), ("email", "sms", "whatsapp")
        ),
        limit_seconds=15,
        also=texts_are_unchanged,
    ),
    Scenario(
        "throttled",
        "throttled twice, then accepted",
        post(chain(email("throttled@example.com"), sms("+14254147755"), wait=40)),
        Expectation("delivered", ("delivered", "queued"), ("email",)),
        limit_seconds=25,
        also=second_attempt_took_a_moment,
    ),
    Scenario(
        "reset",
        "connection lost: not sent twice",
        post(chain(email("reset@example.com"), sms("+14254147755"), wait=20)),
        Expectation("delivered", ("delivered", "queued"), ("email",)),
        limit_seconds=20,
    ),
    Scenario(
        "lost",
        "connection lost, then silence",
        post(chain(email("lost@example.com"), sms("+14254147755"), wait=6)),
        Expectation(
            "delivered",
            ("queued", "delivered"),
            ("email", "sms"),
            fallback="timeout",
            fallback_within=(6, 10),
        ),
        limit_seconds=25,
    ),
    Scenario(
        "whatsapp-without-echo",
        "WhatsApp: no echo, wrong order",
        post(chain(whatsapp("+12065550113"), sms("+14254147755"), wait=60)),
        Expectation("delivered", ("delivered", "queued"), ("whatsapp",)),
        limit_seconds=15,
        watch_seconds=4,
    ),
    Scenario(
        "read",
        "read wanted: delivered too little",
        post(
            chain(
                {
                    **email("success+unread@simulator.amazonses.com"),
                    "success_status": "read",
                    "fallback_seconds": 5,
                },
                {**whatsapp("+12065550104"), "success_status": "read"},
                wait=60,
            )
        ),
        Expectation(
            "read",
            ("delivered", "read"),
            ("email", "whatsapp"),
            fallback="timeout",
            fallback_within=(5, 9),
            delivered_twice=True,
        ),
        limit_seconds=25,
    ),
    Scenario(
        "invalid",
        "invalid: all faults at once",
        post(INVALID_REQUEST),
        None,
        limit_seconds=10,
        also=every_fault_is_named,
    ),
)
