"""Dead letters: what the functions gave up on after five receives."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from operations.stack import Letter, Stack
from operations.verdict import Effect, Verdict, Work, judge_event, judge_work, read_work
from runtime.domain.message import Message
from runtime.store import Store

QUEUES: Final = ("intake", "timers", "events")


@dataclass(frozen=True)
class DeadLetter:
    """A dead letter of one queue, and what putting it back would do.

    `message_id` is ours, of the message that it is about, where it is known.
    """

    queue: str
    letter: Letter
    subject: str
    verdict: Verdict
    message_id: str | None = None

    def __str__(self) -> str:
        told = f"{self.subject}: {self.verdict.effect} ({self.verdict.reason})"
        return f"{self.queue:7} {self.letter} {told}"


def read_message(stack: Stack, message_id: str) -> Message | None:
    """Read the row of a message as it is now."""
    tables = (stack.output("messages_table"), stack.output("payloads_table"))
    return Store(stack.dynamodb, *tables).read(message_id)


def dead_letters(stack: Stack, now: int) -> Iterator[DeadLetter]:
    """Receive every dead letter of the stack."""
    for queue in QUEUES:
        for letter in stack.letters(stack.dead_letters_url(queue)):
            yield _judged(stack, queue, letter, now)


def _judged(stack: Stack, queue: str, letter: Letter, now: int) -> DeadLetter:
    work = None if queue == "events" else read_work(letter.body)
    if work is not None:
        verdict = judge_work(work, read_message(stack, work.message_id), now)
        return DeadLetter(queue, letter, _subject(work), verdict, work.message_id)
    data = letter.body.encode("utf-8", "surrogatepass")
    subject = f"{len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()[:16]}"
    unreadable = Verdict(Effect.UNREADABLE, "not a valid queue entry")
    verdict = judge_event(letter.body) if queue == "events" else unreadable
    return DeadLetter(queue, letter, subject, verdict)


def _subject(work: Work) -> str:
    return work.message_id if work.step is None else f"{work.message_id} step {work.step}"


def redrive(stack: Stack, dead: DeadLetter, *, resend: bool) -> bool:
    """Put a dead letter back on its queue, unless that could send a message twice.

    `resend` is the operator's word that it may. Put first and deleted after: a crash in between
    leaves a second copy, which every function takes.
    """
    allowed = dead.verdict.is_safe or (resend and dead.verdict.effect is Effect.MAY_SEND_TWICE)
    source = stack.dead_letters_url(dead.queue)
    if not allowed:
        stack.show_again(source, dead.letter)
        return False
    stack.sqs.send_message(QueueUrl=stack.queue_url(dead.queue), MessageBody=dead.letter.body)
    stack.delete(source, dead.letter)
    return True
