"""A deployed stack as its outputs name it."""

import json
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import boto3

# Long enough to look at every message of a queue once, short enough to find them there again.
_HIDDEN_SECONDS: Final = 300
_RECEIVE: Final = 10
# Long polling asks all of a queue's servers; without it an answer may be empty and the queue not.
_WAIT_SECONDS: Final = 2
# Answers in a row that hold only messages seen before, after which there is nothing else to see.
_MOST_STALE_ANSWERS: Final = 5
# What the commands need, by the names of this project's program. Another program that uses
# FallbackMessaging may export it by the names of the component's attributes.
_OUTPUTS: Final = {
    "messages_table": "messages_table_name",
    "payloads_table": "payloads_table_name",
    "events_stream": "stream_name",
    "events_topic_arn": "topic_arn",
    "intake_queue": "intake_queue_name",
    "timers_queue": "timers_queue_name",
    "events_queue": "events_queue_name",
    "quarantine_queue": "quarantine_queue_name",
    "stream_failures_queue": "stream_failures_queue_name",
}
# Which `make local` has beside the emulator.
_PROVIDERS: Final = ("sesv2", "pinpoint-sms-voice-v2", "socialmessaging")


class StackError(Exception):
    """The stack's outputs cannot be read, or it lacks what is asked for."""


@dataclass(frozen=True)
class Letter:
    """A message that was received from a queue, and is hidden on it for five minutes.

    `sqs_id` is SQS's, and the same for as long as the message is on this queue.
    """

    sqs_id: str
    body: str
    receipt_handle: str
    sent_at: int
    receives: int

    def __str__(self) -> str:
        sent = datetime.fromtimestamp(self.sent_at / 1000, UTC).isoformat(timespec="seconds")
        return f"{sent} [{self.sqs_id}]"


@dataclass(frozen=True)
class Stack:
    """The queues, tables and stream of one deployment. Raises StackError if outputs are missing."""

    outputs: Mapping[str, Any]

    def __post_init__(self) -> None:
        missing = [
            f"{name} (or {attribute})"
            for name, attribute in _OUTPUTS.items()
            if not self.outputs.keys() & {name, attribute}
        ]
        if missing:
            raise StackError(f"the stack has no outputs {', '.join(missing)}")

    @classmethod
    def of_pulumi(cls, name: str) -> "Stack":
        """Ask Pulumi for the outputs of a stack of this project. Raises StackError."""
        command = ["pulumi", "stack", "output", "--json", "--stack", name]
        try:
            answer = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
        except FileNotFoundError as error:
            raise StackError("pulumi is not on the PATH; use --outputs FILE") from error
        except subprocess.CalledProcessError as error:
            raise StackError(error.stderr.strip()) from error
        return cls(json.loads(answer.stdout))

    @classmethod
    def of_file(cls, path: Path) -> "Stack":
        """Read what `pulumi stack output --json` has written. Raises StackError."""
        try:
            outputs = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise StackError(
                f"there is no {path}: write what `pulumi stack output --json` prints to a file, or "
                f"run `make local`, which has .local/outputs.json while it is running"
            ) from error
        except (OSError, ValueError) as error:
            raise StackError(f"{path}: {error}") from error
        if not isinstance(outputs, dict):
            raise StackError(f"{path}: not a JSON object with the stack's outputs")
        return cls(outputs)

    def output(self, name: str) -> str:
        """Return an output, by either of its names."""
        return str(self.outputs[name if name in self.outputs else _OUTPUTS[name]])

    @property
    def local_url(self) -> str | None:
        """Where the stack answers if it is one of `make local`."""
        url = self.outputs.get("aws_endpoint_url")
        return None if url is None else str(url)

    @property
    def region(self) -> str:
        """The Region that the stack is in."""
        return self.output("events_topic_arn").split(":")[3]

    def client(self, service: str) -> Any:  # noqa: ANN401  boto3 makes the class at run time
        """Return a client of any service in the stack's Region."""
        local: dict[str, str] = {}
        if self.local_url is not None:
            is_provider = service in _PROVIDERS and "provider_endpoint_url" in self.outputs
            provider_url = self.outputs["provider_endpoint_url"] if is_provider else None
            # No credentials of the user's are needed there, and none are to be sent.
            local = {
                "endpoint_url": str(provider_url or self.local_url),
                "aws_access_key_id": "local",
                "aws_secret_access_key": "local",
            }
        make: Any = boto3.client
        return make(service, region_name=self.region, **local)

    @cached_property
    def sqs(self) -> Any:  # noqa: ANN401  boto3 makes the client's class at run time
        """The client of SQS in the stack's Region."""
        return self.client("sqs")

    @cached_property
    def kinesis(self) -> Any:  # noqa: ANN401  boto3 makes the client's class at run time
        """The client of Kinesis in the stack's Region."""
        return self.client("kinesis")

    @cached_property
    def dynamodb(self) -> Any:  # noqa: ANN401  boto3 makes the client's class at run time
        """The client of DynamoDB in the stack's Region."""
        return self.client("dynamodb")

    def queue_url(self, queue: str) -> str:
        """Return the URL of the queue "intake", "timers", "events", "quarantine", ...."""
        return str(self.sqs.get_queue_url(QueueName=self.output(f"{queue}_queue"))["QueueUrl"])

    def dead_letters_url(self, queue: str) -> str:
        """Return the URL of the queue that has what this queue's function gave up on."""
        policy = self.sqs.get_queue_attributes(
            QueueUrl=self.queue_url(queue), AttributeNames=["RedrivePolicy"]
        )["Attributes"]["RedrivePolicy"]
        name = json.loads(policy)["deadLetterTargetArn"].rsplit(":", 1)[-1]
        return str(self.sqs.get_queue_url(QueueName=name)["QueueUrl"])

    def letters(self, queue_url: str) -> list[Letter]:
        """Receive every message of a queue; each stays on it until it is deleted."""
        found: dict[str, Letter] = {}
        stale = 0
        while stale < _MOST_STALE_ANSWERS:
            answer = self.sqs.receive_message(
                QueueUrl=queue_url,
                MaxNumberOfMessages=_RECEIVE,
                VisibilityTimeout=_HIDDEN_SECONDS,
                WaitTimeSeconds=_WAIT_SECONDS,
                MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
            )
            messages = answer.get("Messages", [])
            if not messages:
                break
            known = len(found)
            for message in messages:
                attributes = message.get("Attributes", {})
                # Only the receipt handle of the latest receive is sure to delete a message.
                found[message["MessageId"]] = Letter(
                    message["MessageId"],
                    message["Body"],
                    message["ReceiptHandle"],
                    int(attributes.get("SentTimestamp", 0)),
                    int(attributes.get("ApproximateReceiveCount", 0)),
                )
            stale = stale + 1 if len(found) == known else 0
        return list(found.values())

    def show_again(self, queue_url: str, letter: Letter) -> None:
        """Let others receive a message that was only looked at."""
        # It is visible already where looking has taken longer than it was hidden.
        with suppress(self.sqs.exceptions.MessageNotInflight):
            self.sqs.change_message_visibility(
                QueueUrl=queue_url, ReceiptHandle=letter.receipt_handle, VisibilityTimeout=0
            )

    def delete(self, queue_url: str, letter: Letter) -> None:
        """Take a message off its queue for good."""
        self.sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=letter.receipt_handle)
