"""A stack on moto, with the queues that an operator looks at."""

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from operations import stack as stack_module
from operations.stack import Stack
from tests.support.runtime_world import World, world

__all__ = ["world"]


@pytest.fixture
def stack(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    # moto's queues have one server, and it would wait in earnest.
    monkeypatch.setattr(stack_module, "_WAIT_SECONDS", 0)
    outputs = {
        "events_topic_arn": "arn:aws:sns:us-east-1:123456789012:events",
        "messages_table": "messages",
        "payloads_table": "payloads",
        "events_stream": "events",
    }
    for queue in ("intake", "timers", "events"):
        letters = world.sqs.create_queue(QueueName=f"{queue}-dead-letters")["QueueUrl"]
        arn = world.sqs.get_queue_attributes(QueueUrl=letters, AttributeNames=["QueueArn"])
        policy = {
            "deadLetterTargetArn": arn["Attributes"]["QueueArn"],
            "maxReceiveCount": 5,
        }
        url = world.queues.get(queue) or world.sqs.create_queue(QueueName=queue)["QueueUrl"]
        world.sqs.set_queue_attributes(
            QueueUrl=url, Attributes={"RedrivePolicy": json.dumps(policy)}
        )
        outputs[f"{queue}_queue"] = queue
    world.sqs.create_queue(QueueName="stream-failures")
    outputs |= {"quarantine_queue": "quarantine", "stream_failures_queue": "stream-failures"}
    return Stack(outputs)


@pytest.fixture
def outputs(stack: Stack, tmp_path) -> str:
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(stack.outputs))
    return str(path)


@pytest.fixture
def die(stack: Stack, world: World) -> Callable[..., str]:
    """Put a message on a dead-letter queue, as SQS does after the fifth receive; return its id."""

    def put(queue: str, body: object) -> str:
        text = body if isinstance(body, str) else json.dumps(body)
        url = stack.dead_letters_url(queue)
        return str(world.sqs.send_message(QueueUrl=url, MessageBody=text)["MessageId"])

    return put


@pytest.fixture
def run(outputs: str, capsys) -> Callable[..., SimpleNamespace]:
    """Run a command as an operator does; return its status and what it printed."""
    from operations.__main__ import main  # noqa: PLC0415  after the world is there

    def command(name: str, *arguments: str) -> SimpleNamespace:
        capsys.readouterr()
        status = main([name, "--outputs", outputs, *arguments])
        printed = capsys.readouterr()
        return SimpleNamespace(status=status, text=printed.out, error=printed.err)

    return command
