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
    """A dead letter of one queue, and what putting it back would do."""

    queue: str
    letter: Letter
    subject: str
    verdict: Verdict


def read_message(stack: Stack, message_id: str) -> Message | None:
    """Read the row of a message as it is now."""
    tables = (stack.output("messages_table"), stack.output("payloads_table"))
    return Store(stack.dynamodb, *tables).read(message_id)


def dead_letters(stack: Stack, now: int) -> Iterator[DeadLetter]:
    """Receive every dead letter of the stack."""
    for queue in QUEUES:
        for letter in stack.letters(stack.dead_letters_url(queue)):
            subject, verdict = _judge(stack, queue, letter, now)
            yield DeadLetter(queue, letter, subject, verdict)


def _judge(stack: Stack, queue: str, letter: Letter, now: int) -> tuple[str, Verdict]:
    if queue == "events":
        data = letter.body.encode("utf-8", "surrogatepass")
        digest = hashlib.sha256(data).hexdigest()[:16]
        return f"{len(data)} bytes, sha256 {digest}", judge_event(letter.body)
    work = read_work(letter.body)
    if work is None:
        return "no work", Verdict(Effect.UNREADABLE, "not a message of this queue")
    return _subject(work), judge_work(work, read_message(stack, work.message_id), now)


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
