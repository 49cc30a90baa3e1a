"""What the long runs would say: the soak's books, and the violations of the full profile."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from local.requests import chain, email, sms
from tests.faults import soak
from tests.faults.full_profile import told

OPEN, LOST = "+12065550101", "+12065550110"


def found(
    *steps: tuple[str, int],
    status: str = "unknown",
    use_case: str = "fallback",
    to: Sequence[str] = (OPEN, OPEN),
    cancelled: str | None = None,
    seen: str = "",
) -> list[str]:
    """Return what the books find wrong; of each step its status and how often it was sent."""
    first, *further = [sms(number, "x") if number[0] == "+" else email(number) for number in to]
    books = soak.Books()
    books.requests["m"] = chain(first, *further, wait=20) | {"use_case": use_case}
    books.documents["m"] = {
        "use_case": use_case,
        "status": status,
        "cancelled_at": cancelled,
        "steps": [
            {
                "status": now,
                "success_status": "delivered",
                "times": dict.fromkeys(("queued", seen or now) if sends else (now,), "at"),
            }
            for now, sends in steps
        ],
    }
    books.balance(
        [
            {"tags": {"message_id": "m", "step": str(index)}}
            for index, (_, sends) in enumerate(steps)
            for _ in range(sends)
        ]
    )
    return books.wrong


@pytest.mark.parametrize(
    "books",
    [
        found(("delivered", 1), ("queued", 0), status="delivered"),
        found(("accepted", 1), ("accepted", 1)),
        found(("failed", 1), ("failed", 0), status="failed"),
        found(("accepted", 1), ("queued", 0), status="cancelled", cancelled="at"),
        # A bounce after the delivery: the chain has had its success.
        found(("failed", 1), ("queued", 0), status="failed", seen="delivered"),
        found(("accepted", 1), ("queued", 3), to=(OPEN, LOST)),
        found(
            ("queued", 3), ("accepted", 1), to=("reset+1@example.org", OPEN), use_case="broadcast"
        ),
        found(("failed", 0), ("accepted", 1), use_case="broadcast"),
    ],
)
def test_books_that_balance(books: list[str]) -> None:
    assert books == []


@pytest.mark.parametrize(
    ("books", "wrong"),
    [
        (found(("accepted", 1), ("queued", 0)), "step 1 was never sent"),
        (found(("failed", 1), ("queued", 0), status="failed"), "step 1 was never sent"),
        (found(("accepted", 1), ("queued", 5), to=(OPEN, LOST)), "step 1 was sent 5 times"),
        (found(("accepted", 1), ("accepted", 2)), "step 1 was sent 2 times"),
        (found(("queued", 2), ("accepted", 1), to=(LOST, OPEN)), "step 0 was sent 2 times"),
        (
            found(("queued", 4), ("accepted", 1), to=(LOST, OPEN), use_case="broadcast"),
            "step 0 was sent 4 times",
        ),
        (
            found(("accepted", 2), ("accepted", 1), use_case="broadcast"),
            "step 0 was sent 2 times",
        ),
        (found(("accepted", 1), ("queued", 0), use_case="broadcast"), "step 1 was never sent"),
        (found(("delivered", 1), ("queued", 0), status="sent"), "still sent"),
        (found(("accepted", 1), ("accepted", 0)), "step 1 is accepted but not sent"),
    ],
)
def test_what_is_wrong_is_found(books: list[str], wrong: str) -> None:
    assert f"m: {wrong}" in books


def test_a_soak_that_does_not_come_to_rest_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    sqs = SimpleNamespace(
        get_queue_url=lambda **_: {"QueueUrl": "url"},
        get_queue_attributes=lambda **_: {"Attributes": {"ApproximateNumberOfMessages": "1"}},
    )
    deployment: Any = SimpleNamespace(
        cloud=SimpleNamespace(client=lambda _: sqs),
        outputs={f"{queue}_queue": queue for queue in ("intake", "timers", "events")},
        simulator_url="",
    )
    monkeypatch.setattr(soak, "fetch_outbox", lambda _: [])
    monkeypatch.setattr(soak.time, "sleep", lambda _: None)
    with pytest.raises(TimeoutError, match="3 on the queues"):
        soak._wait_until_quiet(deployment, most=0.05)


def test_a_violation_is_told_with_the_example_of_each_failure() -> None:
    first, second = AssertionError("sent twice"), AssertionError("never sent")
    first.add_note("Falsifying example: submit()")
    second.add_note("Falsifying example: run()")
    text = told(ExceptionGroup("Hypothesis found 2 distinct failures.", [first, second]))
    for part in ("2 distinct", "sent twice", "never sent", "submit()", "run()"):
        assert part in text
    assert told(first) == "AssertionError: sent twice\nFalsifying example: submit()\n"
