"""The operator's commands: python -m operations COMMAND --stack prod."""

import argparse
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from operations.dead_letters import dead_letters, read_message, redrive
from operations.quarantine import entries, replay
from operations.stack import Stack, StackError
from operations.verdict import Effect
from runtime.domain.document import status_document

_DAY_SECONDS = 86_400


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit status: 1 if something was refused or is unreadable."""
    options = _parser().parse_args(arguments)
    commands = {
        "dead-letters": _dead_letters,
        "explain": _explain,
        "redrive": _redrive,
        "quarantine": _quarantine,
        "replay": _replay,
    }
    try:
        stack = (
            Stack.of_file(options.outputs) if options.outputs else Stack.of_pulumi(options.stack)
        )
        return commands[options.command](stack, options)
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m operations", description=__doc__)
    source = argparse.ArgumentParser(add_help=False)
    which = source.add_mutually_exclusive_group(required=True)
    which.add_argument("--stack", help="a Pulumi stack of this project: dev, staging, prod")
    which.add_argument(
        "--outputs", type=Path, help="a file with what `pulumi stack output --json` prints"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("dead-letters", "list dead letters, and what a redrive of each would do"),
        ("quarantine", "list set-aside events, by reason and place"),
        ("replay", "put set-aside events on the stream again, after a fix"),
    ):
        commands.add_parser(name, parents=[source], help=text)
    explain = commands.add_parser("explain", parents=[source], help="say what became of a message")
    explain.add_argument("message_id")
    again = commands.add_parser(
        "redrive", parents=[source], help="put dead letters back, except what may send twice"
    )
    again.add_argument(
        "--resend",
        metavar="MESSAGE_ID",
        action="append",
        default=[],
        help="send this message's last step again although it may have gone out",
    )
    return parser


def _now() -> int:
    return time.time_ns() // 1_000_000


def _dead_letters(stack: Stack, _options: argparse.Namespace) -> int:
    found = list(dead_letters(stack, _now()))
    for dead in found:
        print(
            f"{dead.queue:7} {_age(dead.letter.sent_at)} {dead.subject}: "
            f"{dead.verdict.effect} ({dead.verdict.reason})"
        )
        stack.show_again(stack.dead_letters_url(dead.queue), dead.letter)
    counts = Counter(dead.verdict.effect for dead in found)
    print(f"dead letters: {len(found)}" + _summary(counts))
    return 0


def _redrive(stack: Stack, options: argparse.Namespace) -> int:
    done, refused = 0, 0
    # All at first: what is put back may fail and be a dead letter again.
    for dead in list(dead_letters(stack, _now())):
        resend = dead.subject.split(" ")[0] in options.resend
        if redrive(stack, dead, resend=resend):
            done += 1
            continue
        refused += 1
        print(
            f"refused: {dead.queue} {dead.subject}: {dead.verdict.effect} ({dead.verdict.reason})"
        )
    print(f"redriven: {done}, refused: {refused}")
    return 1 if refused else 0


def _explain(stack: Stack, options: argparse.Namespace) -> int:
    message = read_message(stack, options.message_id)
    if message is None:
        print("no row has this id, or it is older than is kept")
        return 1
    now = _now()
    # Whoever asks here wants what is recorded: a day is longer than any outcome is waited for.
    document = status_document(message, now, _DAY_SECONDS)
    print(f"{message.message_id} {document['status']}, created {document['created_at']}")
    for index, step in enumerate(document["steps"]):
        row = message.steps[index]
        held = "held" if row.in_flight else ""
        failure = step["failure"]["class"] if step["failure"] else ""
        words = (step["status"], failure, f"{row.attempt} claims" if row.attempt else "", held)
        print(f"  step {index} {step['channel']}: " + ", ".join(word for word in words if word))
        for status, at in step["times"].items():
            print(f"    {at} {status}")
        in_doubt = row.in_flight and message.successor(index) is None
        if in_doubt:
            print("    may have gone out: a redrive would send it again")
    if document["next_timer_at"]:
        print(f"  next timer {document['next_timer_at']}")
    return 0


def _quarantine(stack: Stack, _options: argparse.Namespace) -> int:
    found = list(entries(stack))
    for entry in found:
        place = entry.place
        where = f"{place.shard} {place.first} to {place.last}" if place else "nowhere"
        print(f"{entry.queue:15} {_age(entry.letter.sent_at)} {where}: {entry.reason}")
        stack.show_again(stack.queue_url(entry.queue), entry.letter)
    print(f"set aside: {len(found)}" + _summary(Counter(entry.reason for entry in found)))
    return 0


def _replay(stack: Stack, _options: argparse.Namespace) -> int:
    records, refused = 0, 0
    for entry in list(entries(stack)):
        replayed = replay(stack, entry)
        records += replayed.records
        if replayed.refusal:
            refused += 1
            print(f"refused: {entry.queue} {entry.reason}: {replayed.refusal}")
    print(f"records put back: {records}, entries refused: {refused}")
    return 1 if refused else 0


def _summary(counts: Counter[Effect] | Counter[str]) -> str:
    words = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    return f" ({words})" if words else ""


def _age(sent_at: int) -> str:
    return datetime.fromtimestamp(sent_at / 1000, UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    sys.exit(main())
