"""What the crash-point sweep plays: a request, what the providers do, and what must come of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.providers import EARLY, LOST, REJECT, THROTTLE, TIMEOUT, Script
from tests.support.requests import EMAIL, SMS, WHATSAPP

STEPS = {"email": EMAIL, "sms": SMS, "whatsapp": WHATSAPP}
Steps = Mapping[int, Script]


@dataclass(frozen=True)
class Scenario:
    """A message and its providers. `sends` and `statuses` are of the world without faults."""

    name: str
    request: Mapping[str, Any]
    scripts: Steps
    statuses: Sequence[str]
    # Step and second of each send.
    sends: Sequence[tuple[int, int]]
    cancel_after_ms: int | None = None
    key: str | None = "key"
    options: Mapping[str, Any] = field(default_factory=dict)


def chain(*channels: str, number: int = 0, **more: Any) -> dict[str, Any]:
    """A request whose recipients carry a number, by which the providers find their script."""
    label = f"{number:04}"
    steps = [
        STEPS[channel]
        | {"recipient": f"ann{label}@example.org" if channel == "email" else f"+1425555{label}"}
        for channel in channels
    ]
    first, *further = steps
    return {
        "use_case": "fallback",
        "fallback_seconds": 60,
        "pc": first,
        "fc": further[0] if len(further) == 1 else further,
    } | more


def with_steps(request: dict[str, Any], *changes: Mapping[str, Any]) -> dict[str, Any]:
    """A request whose steps have members of their own, in the order of the steps."""
    fc = request["fc"] if isinstance(request["fc"], list) else [request["fc"]]
    first, *further = (
        step | change for step, change in zip((request["pc"], *fc), changes, strict=True)
    )
    return request | {"pc": first, "fc": further}


def waiting(seconds: int) -> dict[str, int]:
    return {"fallback_seconds": seconds}


DELIVERED = Script(events=((500, "sent"), (2_000, "delivered")))
SILENT = Script()
FAILED = Script(events=((1_000, "failed"),))
WHATSAPP_REPAIR = WHATSAPP | {
    "recipient": "+14255550000",
    "whatsapp": {
        "message": "The code is 123456.",
        "template": {"name": "code", "language": "en_US"},
    },
}

SCENARIOS = (
    Scenario(
        "the first step is delivered",
        chain("email", "sms"),
        {0: DELIVERED},
        ["delivered", "queued"],
        [(0, 0)],
    ),
    Scenario(
        "silence, then the fallback is delivered",
        chain("email", "sms"),
        {1: DELIVERED},
        ["accepted", "delivered"],
        [(0, 0), (1, 60)],
    ),
    Scenario(
        "a bounce, and the fallback at once",
        chain("email", "sms"),
        {0: FAILED, 1: DELIVERED},
        ["failed", "delivered"],
        [(0, 0), (1, 1)],
    ),
    Scenario(
        "refused at once",
        chain("sms", "email"),
        {0: Script((REJECT,)), 1: DELIVERED},
        ["failed", "delivered"],
        [(1, 0)],
    ),
    Scenario(
        "every step refused",
        chain("email", "sms", "whatsapp"),
        {0: Script((REJECT,)), 1: Script((REJECT,)), 2: Script((REJECT,))},
        ["failed", "failed", "failed"],
        [],
    ),
    Scenario(
        "throttled, then sent",
        chain("email", "sms"),
        {0: Script((THROTTLE, THROTTLE), ((1_000, "delivered"),))},
        ["delivered", "queued"],
        [(0, 3)],
    ),
    Scenario(
        "throttled until the fallback",
        chain("email", "sms"),
        {0: Script((THROTTLE,) * 20), 1: Script((THROTTLE,), ((1_000, "delivered"),))},
        ["queued", "delivered"],
        [(1, 61)],
    ),
    Scenario(
        "an answer lost, events come",
        chain("email", "sms"),
        {0: Script((LOST,), ((1_000, "delivered"),))},
        ["delivered", "queued"],
        [(0, 0)],
    ),
    Scenario(
        "an answer lost, no events",
        chain("email", "sms"),
        {0: Script((LOST,)), 1: Script((LOST,), ((1_000, "sent"),))},
        ["queued", "sent"],
        [(0, 0), (1, 60)],
    ),
    Scenario(
        "a time-out of the last step",
        chain("email", "sms"),
        {1: Script((TIMEOUT,), ((1_000, "delivered"),))},
        ["accepted", "delivered"],
        [(0, 0), (1, 120)],
    ),
    Scenario(
        "every answer of the last step lost",
        chain("email", "sms"),
        {1: Script((LOST,) * 5)},
        ["accepted", "queued"],
        [(0, 0), (1, 60), (1, 120), (1, 180)],
    ),
    Scenario(
        "a stop that comes when the chain has moved on",
        chain("sms", "email", "whatsapp", on_failure={"invalid_address": "stop"}),
        {0: Script(events=((70_000, "failed"),)), 2: DELIVERED},
        ["failed", "accepted", "delivered"],
        [(0, 0), (1, 60), (2, 120)],
    ),
    Scenario(
        "moved on from a step that could have been repaired",
        chain("whatsapp", "sms") | {"pc": WHATSAPP_REPAIR},
        {},
        ["accepted", "queued", "accepted"],
        [(0, 0), (2, 60)],
    ),
    Scenario(
        "an event before the answer",
        chain("email", "sms"),
        {0: Script((EARLY,), ((0, "delivered"), (500, "sent")))},
        ["delivered", "queued"],
        [(0, 0)],
    ),
    Scenario(
        "late, twice and out of order",
        chain("sms", "email"),
        {
            0: Script(events=((90_000, "delivered"), (91_000, "sent"), (95_000, "delivered"))),
            1: Script(events=((3_000, "read"), (3_500, "delivered"), (3_600, "read"))),
        },
        ["delivered", "read"],
        [(0, 0), (1, 60)],
    ),
    Scenario(
        "a long wait hops",
        chain("email", "sms", fallback_seconds=2_000),
        {1: DELIVERED},
        ["accepted", "delivered"],
        [(0, 0), (1, 2000)],
    ),
    Scenario(
        "no wait at all",
        chain("sms", "whatsapp", fallback_seconds=0),
        {0: DELIVERED, 1: DELIVERED},
        ["delivered", "delivered"],
        [(0, 0), (1, 0)],
    ),
    Scenario(
        "three steps",
        chain("whatsapp", "sms", "email"),
        {1: FAILED, 2: DELIVERED},
        ["accepted", "failed", "delivered"],
        [(0, 0), (1, 60), (2, 61)],
    ),
    Scenario(
        "whatsapp without our id",
        chain("whatsapp", "sms"),
        {0: Script(events=((400, "delivered"), (700, "accepted"), (900, "read")), echoes=False)},
        ["read", "queued"],
        [(0, 0)],
    ),
    Scenario(
        "whatsapp before the answer",
        chain("whatsapp", "sms"),
        {0: Script((EARLY,), ((0, "accepted"), (300, "delivered")), echoes=False)},
        ["delivered", "queued"],
        [(0, 0)],
    ),
    Scenario(
        "whatsapp late, without our id",
        chain("whatsapp", "sms"),
        {
            0: Script(events=((70_000, "accepted"), (71_000, "delivered")), echoes=False),
            1: SILENT,
        },
        ["delivered", "accepted"],
        [(0, 0), (1, 60)],
    ),
    Scenario(
        "a broadcast",
        chain("email", "sms", "whatsapp", use_case="broadcast"),
        {0: DELIVERED, 1: Script((LOST,), ((1_000, "sent"),)), 2: Script((REJECT,))},
        ["delivered", "sent", "failed"],
        [(0, 0), (1, 0)],
    ),
    Scenario(
        "a broadcast throttled and timed out",
        chain("email", "sms", use_case="broadcast"),
        {0: Script((THROTTLE,)), 1: Script((TIMEOUT,))},
        ["accepted", "accepted"],
        [(0, 1), (1, 60)],
    ),
    Scenario(
        "cancelled while waiting",
        chain("email", "sms"),
        {0: SILENT},
        ["accepted", "queued"],
        [(0, 0)],
        cancel_after_ms=10_000,
    ),
    Scenario(
        "cancelled while throttled",
        chain("email", "sms"),
        {0: Script((THROTTLE,) * 10)},
        ["queued", "queued"],
        [],
        cancel_after_ms=5_000,
    ),
    Scenario(
        "cancelled, and delivered all the same",
        chain("email", "sms"),
        {0: Script(events=((20_000, "delivered"),))},
        ["delivered", "queued"],
        [(0, 0)],
        cancel_after_ms=10_000,
    ),
    Scenario(
        "the window closed, repaired by the template",
        chain("whatsapp", "sms") | {"pc": WHATSAPP_REPAIR},
        {0: Script(events=((1_000, "failed for now"),)), 1: DELIVERED},
        ["failed", "delivered", "queued"],
        [(0, 0), (1, 1)],
    ),
    Scenario(
        "the window closed, the template fails too",
        chain("whatsapp", "sms") | {"pc": WHATSAPP_REPAIR},
        {0: Script(events=((1_000, "failed for now"),)), 1: FAILED, 2: DELIVERED},
        ["failed", "failed", "delivered"],
        [(0, 0), (1, 1), (2, 2)],
    ),
    Scenario(
        "retried on the same channel",
        chain("sms", "email", on_failure={"unreachable": "retry"}),
        {
            0: Script(events=((1_000, "failed for now"),)),
            1: Script(events=((1_000, "failed for now"),)),
            2: DELIVERED,
        },
        ["failed", "failed", "delivered", "queued", "queued", "queued"],
        [(0, 0), (1, 6), (2, 37)],
    ),
    Scenario(
        "retried to the end of the wait",
        chain("sms", "email", on_failure={"unreachable": "retry"}, fallback_seconds=20),
        {
            0: Script(events=((1_000, "failed for now"),)),
            1: Script(events=((1_000, "failed for now"),)),
            3: DELIVERED,
        },
        ["failed", "failed", "queued", "delivered", "queued", "queued"],
        [(0, 0), (1, 6), (3, 20)],
    ),
    Scenario(
        "the last step's window closed, repaired",
        chain("sms", "whatsapp") | {"fc": WHATSAPP_REPAIR},
        {1: Script(events=((1_000, "failed for now"),)), 2: DELIVERED},
        ["accepted", "failed", "delivered"],
        [(0, 0), (1, 60), (2, 61)],
    ),
    Scenario(
        "the last step refused, and tried again",
        chain("email", "sms", on_failure={"content_rejected": "retry"}),
        {3: Script((REJECT,)), 4: DELIVERED},
        ["accepted", "queued", "queued", "failed", "delivered", "queued"],
        [(0, 0), (4, 65)],
    ),
    Scenario(
        "a passing failure turns out to last",
        chain("sms", "email", on_failure={"unreachable": "retry"}),
        {3: Script(events=((1_000, "failed for now"), (3_000, "failed")))},
        ["accepted", "queued", "queued", "failed", "queued", "queued"],
        [(0, 0), (3, 60)],
    ),
    Scenario(
        "delivered late, while the last step is unclear",
        chain("email", "sms"),
        {0: Script(events=((70_000, "delivered"),)), 1: Script((LOST,))},
        ["delivered", "queued"],
        [(0, 0), (1, 60)],
    ),
    Scenario(
        "stopped by a failure",
        chain("sms", "email", on_failure={"invalid_address": "stop"}),
        {0: FAILED},
        ["failed", "queued"],
        [(0, 0)],
    ),
    Scenario(
        "a transient bounce after the delivery",
        chain("email", "sms"),
        {0: Script(events=((1_000, "delivered"), (2_000, "failed for now"), (3_000, "failed")))},
        ["failed", "queued"],
        [(0, 0)],
    ),
    Scenario(
        "read is what counts",
        chain("whatsapp", "sms", fallback_seconds=30)
        | {"pc": WHATSAPP | {"recipient": "+14255550000", "success_status": "read"}},
        {0: Script(events=((1_000, "delivered"), (40_000, "read"))), 1: DELIVERED},
        ["read", "delivered"],
        [(0, 0), (1, 30)],
    ),
    Scenario(
        "each step has its own wait",
        with_steps(chain("email", "sms", "whatsapp"), waiting(20), waiting(90), {}),
        {},
        ["accepted", "accepted", "accepted"],
        [(0, 0), (1, 20), (2, 110)],
    ),
    Scenario(
        "a fallback after a failure is throttled",
        chain("email", "sms", fallback_seconds=3_600),
        {0: FAILED, 1: Script((THROTTLE, THROTTLE), ((500, "delivered"),))},
        ["failed", "delivered"],
        [(0, 0), (1, 4)],
    ),
    Scenario(
        "a throttled fallback has a shorter wait and a step after it",
        with_steps(chain("email", "sms", "whatsapp"), waiting(3_600), waiting(30), {}),
        {0: FAILED, 1: Script((THROTTLE,)), 2: Script((THROTTLE,), ((500, "delivered"),))},
        ["failed", "accepted", "delivered"],
        [(0, 0), (1, 2), (2, 32)],
    ),
    Scenario(
        "throttled longer than its wait after a failure",
        with_steps(chain("email", "sms", "whatsapp"), waiting(3_600), waiting(5), {}),
        {0: FAILED, 1: Script((THROTTLE,) * 10), 2: DELIVERED},
        ["failed", "queued", "delivered"],
        [(0, 0), (2, 6)],
    ),
    Scenario(
        "a retry on the same channel is throttled",
        chain("sms", "email", on_failure={"unreachable": "retry"}),
        {
            0: Script(events=((1_000, "failed for now"),)),
            1: Script((THROTTLE, THROTTLE), ((1_000, "failed for now"),)),
            2: Script((THROTTLE,), ((1_000, "delivered"),)),
        },
        ["failed", "failed", "delivered", "queued", "queued", "queued"],
        [(0, 0), (1, 9), (2, 41)],
    ),
    Scenario(
        "a broadcast's retry is throttled",
        chain("sms", "email", use_case="broadcast", on_failure={"unreachable": "retry"}),
        {
            0: Script(events=((1_000, "failed for now"),)),
            1: Script((THROTTLE,), ((1_000, "delivered"),)),
            3: DELIVERED,
        },
        ["failed", "delivered", "queued", "delivered", "queued", "queued"],
        [(0, 0), (3, 0), (1, 7)],
    ),
    Scenario(
        "throttled after two unclear sends",
        chain("email", "sms"),
        {1: Script((TIMEOUT, TIMEOUT, THROTTLE), ((500, "delivered"),))},
        ["accepted", "delivered"],
        [(0, 0), (1, 184)],
    ),
    Scenario(
        "a stop stays though the message arrives after it",
        with_steps(
            chain("email", "sms", on_failure={"unreachable": "stop"}),
            {"success_status": "read"},
            {},
        ),
        {0: Script(events=((1_000, "failed for now"), (5_000, "delivered")))},
        ["delivered", "queued"],
        [(0, 0)],
    ),
    Scenario(
        "a stop that comes after the delivery",
        with_steps(
            chain("email", "sms", on_failure={"unreachable": "stop"}),
            {"success_status": "read"},
            {},
        ),
        {0: Script(events=((1_000, "delivered"), (5_000, "failed for now")))},
        ["delivered", "queued"],
        [(0, 0)],
    ),
    Scenario(
        "a broadcast's step is stopped, arrives, and fails again",
        with_steps(
            chain(
                "email",
                "sms",
                use_case="broadcast",
                on_failure={"unreachable": "stop", "invalid_address": "retry"},
            ),
            {"success_status": "read"},
            {},
        ),
        {0: Script(events=((1_000, "failed for now"), (2_000, "delivered"), (9_000, "failed")))},
        ["failed", "queued", "queued", "accepted", "queued", "queued"],
        [(0, 0), (3, 0)],
    ),
    Scenario(
        "without a key, nobody tries again",
        chain("email", "sms"),
        {0: DELIVERED},
        ["delivered", "queued"],
        [(0, 0)],
        key=None,
    ),
)
