"""The operator's commands: python -m operations COMMAND --stack prod."""

import argparse
import os
import sys
import time
from collections import Counter
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from operations.account import allowances
from operations.api import caller
from operations.aws_errors import advice
from operations.dead_letters import DeadLetter, dead_letters, read_message, redrive
from operations.explanation import explanation
from operations.quarantine import Entry, entries, replay
from operations.stack import Stack, StackError
from operations.verdict import Effect
from operations.verification import MAIL_RECIPIENT, TEXT_RECIPIENT, Probe, verify


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit status.

    1 if something was refused or is not there, 2 if it could not do its work.
    """
    options = _parser().parse_args(arguments)
    # What a provider has written may have characters that the encoding of the output lacks.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a text file
    commands = {
        "dead-letters": _dead_letters,
        "explain": _explain,
        "redrive": _redrive,
        "quarantine": _quarantine,
        "replay": _replay,
        "discard": _discard,
        "verify": _verify,
    }
    local_url = None
    try:
        stack = (
            Stack.of_file(options.outputs) if options.outputs else Stack.of_pulumi(options.stack)
        )
        local_url = stack.local_url
        return commands[options.command](stack, options)
    except StackError as error:
        problem = str(error)
    except (BotoCoreError, ClientError) as error:
        problem = advice(error, local_url)
    print(f"error: {problem}", file=sys.stderr)
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
    discard = commands.add_parser(
        "discard", parents=[source], help="delete dead letters and set-aside events for good"
    )
    discard.add_argument(
        "sqs_ids", metavar="SQS_MESSAGE_ID", nargs="+", help="what a list has in []"
    )
    check = commands.add_parser(
        "verify", parents=[source], help="send a mail and a text to the services' simulators"
    )
    check.add_argument(
        "--mail-sender", metavar="ADDRESS", help="an address that the stack sends from"
    )
    check.add_argument("--text-sender", metavar="SENDER", help="a number, pool or sender id")
    check.add_argument(
        "--text-recipient",
        metavar="NUMBER",
        default=TEXT_RECIPIENT,
        help="a destination of the SMS simulator in the sender's country (%(default)s)",
    )
    check.add_argument(
        "--wait", metavar="SECONDS", type=int, default=120, help="for receipts (%(default)s)"
    )
    return parser


def _say(line: object) -> None:
    try:
        print(line, flush=True)
    except BrokenPipeError:
        # Whoever reads has enough, like `head`. The work goes on: a list ends with showing the
        # queues' messages again, and a redrive is not to stop half-way.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _now() -> int:
    return time.time_ns() // 1_000_000


def _dead_letters(stack: Stack, _options: argparse.Namespace) -> int:
    found = list(dead_letters(stack, _now()))
    for dead in found:
        _say(dead)
        stack.show_again(stack.dead_letters_url(dead.queue), dead.letter)
    counts = Counter(dead.verdict.effect for dead in found)
    _say(f"dead letters: {len(found)}" + _summary(counts))
    return 0


def _redrive(stack: Stack, options: argparse.Namespace) -> int:
    done, refused = 0, 0
    # All at first: what is put back may fail and be a dead letter again.
    found = list(dead_letters(stack, _now()))
    unknown = set(options.resend) - {dead.message_id for dead in found}
    if unknown:
        for dead in found:
            stack.show_again(stack.dead_letters_url(dead.queue), dead.letter)
        raise StackError(
            f"no dead letter of message {', '.join(sorted(unknown))}: nothing redriven"
        )
    try:
        for dead in found:
            if redrive(stack, dead, resend=dead.message_id in options.resend):
                done += 1
            else:
                refused += 1
                _say(f"refused: {dead}")
    finally:
        # Also of what was done before a call failed.
        _say(f"redriven: {done}, refused: {refused}")
    return 1 if refused else 0


def _explain(stack: Stack, options: argparse.Namespace) -> int:
    message = read_message(stack, options.message_id)
    if message is None:
        _say("no row has this id, or it is older than is kept")
        return 1
    for line in explanation(message, _now()):
        _say(line)
    return 0


def _quarantine(stack: Stack, _options: argparse.Namespace) -> int:
    found = list(entries(stack))
    for entry in found:
        _say(entry)
        stack.show_again(stack.queue_url(entry.queue), entry.letter)
    _say(f"set aside: {len(found)}" + _summary(Counter(entry.reason for entry in found)))
    return 0


def _replay(stack: Stack, _options: argparse.Namespace) -> int:
    records, refused, partial = 0, 0, 0
    found = list(entries(stack))
    try:
        for entry in found:
            replayed = replay(stack, entry)
            records += replayed.records
            if replayed.refusal:
                refused += 1
                _say(f"refused: {entry}: {replayed.refusal}")
            if replayed.gone:
                partial += 1
                _say(f"put back {replayed.records} of: {entry}: {replayed.gone}")
    finally:
        _say(f"records put back: {records}, entries refused: {refused}")
    return 1 if refused or partial else 0


def _discard(stack: Stack, options: argparse.Namespace) -> int:
    found: dict[str, tuple[str, DeadLetter | Entry]] = {}
    for dead in dead_letters(stack, _now()):
        found[dead.letter.sqs_id] = stack.dead_letters_url(dead.queue), dead
    for entry in entries(stack):
        found[entry.letter.sqs_id] = stack.queue_url(entry.queue), entry
    unknown = set(options.sqs_ids) - found.keys()
    for sqs_id, (queue_url, item) in found.items():
        if unknown or sqs_id not in options.sqs_ids:
            stack.show_again(queue_url, item.letter)
        else:
            stack.delete(queue_url, item.letter)
            _say(f"discarded: {item}")
    if unknown:
        raise StackError(f"no queue has {', '.join(sorted(unknown))}: nothing discarded")
    return 0


def _verify(stack: Stack, options: argparse.Namespace) -> int:
    probes = [
        Probe(channel, sender, recipient)
        for channel, sender, recipient in (
            ("email", options.mail_sender, MAIL_RECIPIENT),
            ("sms", options.text_sender, options.text_recipient),
        )
        if sender
    ]
    call = caller(stack)
    failed = False
    for probe in probes:
        finding = verify(stack, call, probe, options.wait)
        failed = failed or not finding.arrived
        print(finding, flush=True)
    if not probes:
        print("nothing sent: name a sender of mails, of texts, or both")
    for allowance in allowances(stack):
        print(allowance)
    return 1 if failed else 0


def _summary(counts: Counter[Effect] | Counter[str]) -> str:
    words = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    return f" ({words})" if words else ""


if __name__ == "__main__":
    sys.exit(main())
