"""A deployed stack as its outputs name it."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import boto3

# Long enough to look at every message of a queue once, short enough to find them there again.
_HIDDEN_SECONDS: Final = 300
_RECEIVE: Final = 10
# Long polling asks all of a queue's servers; without it an answer may be empty and the queue not.
_WAIT_SECONDS: Final = 2


class StackError(Exception):
    """The stack's outputs cannot be read, or lack what is asked for."""


@dataclass(frozen=True)
class Letter:
    """A message that was received from a queue, and is hidden on it for five minutes."""

    body: str
    receipt_handle: str
    sent_at: int
    receives: int


@dataclass(frozen=True)
class Stack:
    """The queues, tables and stream of one deployment."""

    outputs: Mapping[str, Any]

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
        except (OSError, ValueError) as error:
            raise StackError(f"{path}: {error}") from error
        if not isinstance(outputs, dict):
            raise StackError(f"{path}: not a JSON object with the stack's outputs")
        return cls(outputs)

    def output(self, name: str) -> str:
        """Return an output. Raises StackError if the stack has none of this name."""
        try:
            return str(self.outputs[name])
        except KeyError as error:
            raise StackError(f"the stack has no output {name}") from error

    @property
    def _region(self) -> str:
        return self.output("events_topic_arn").split(":")[3]

    @cached_property
    def sqs(self) -> Any:  # noqa: ANN401  boto3 makes the client's class at run time
        """The client of SQS in the stack's Region."""
        return boto3.client("sqs", region_name=self._region)

    @cached_property
    def kinesis(self) -> Any:  # noqa: ANN401  boto3 makes the client's class at run time
        """The client of Kinesis in the stack's Region."""
        return boto3.client("kinesis", region_name=self._region)

    @cached_property
    def dynamodb(self) -> Any:  # noqa: ANN401  boto3 makes the client's class at run time
        """The client of DynamoDB in the stack's Region."""
        return boto3.client("dynamodb", region_name=self._region)

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

    def letters(self, queue_url: str) -> Iterator[Letter]:
        """Receive every message of a queue once; each stays on it until it is deleted."""
        seen: set[str] = set()
        while True:
            answer = self.sqs.receive_message(
                QueueUrl=queue_url,
                MaxNumberOfMessages=_RECEIVE,
                VisibilityTimeout=_HIDDEN_SECONDS,
                WaitTimeSeconds=_WAIT_SECONDS,
                MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
            )
            fresh = [m for m in answer.get("Messages", []) if m["MessageId"] not in seen]
            if not fresh:
                return
            for message in fresh:
                seen.add(message["MessageId"])
                attributes = message.get("Attributes", {})
                yield Letter(
                    message["Body"],
                    message["ReceiptHandle"],
                    int(attributes.get("SentTimestamp", 0)),
                    int(attributes.get("ApproximateReceiveCount", 0)),
                )

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
