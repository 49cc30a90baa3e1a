"""The operator's commands against the deployed stack: its own queues, tables and outputs."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from local.deployment import Deployment
from operations.__main__ import main
from operations.stack import Stack

MESSAGE_ID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def stack(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Stack:
    for name, value in deployment.cloud.environment().items():
        monkeypatch.setenv(name, value)
    return Stack(deployment.outputs)


@pytest.fixture
def run(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(dict(stack.outputs)))

    def command(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        status = main([*arguments, "--outputs", str(path)])
        return status, capsys.readouterr().out

    return command


def test_dead_letters_of_the_stack_are_found_judged_and_put_back(
    stack: Stack, run: Callable[..., tuple[int, str]]
) -> None:
    # Of nobody's message: the scenarios of this deployment account for every send.
    stack.sqs.send_message(
        QueueUrl=stack.dead_letters_url("timers"),
        MessageBody=json.dumps({"message_id": MESSAGE_ID, "step": 0, "due_at": 0}),
    )
    status, text = run("dead-letters")
    assert status == 0
    assert f"{MESSAGE_ID} step 0: settles" in text
    assert run("redrive") == (0, "redriven: 1, refused: 0\n")
    assert run("dead-letters") == (0, "dead letters: 0\n")
    assert run("explain", MESSAGE_ID)[0] == 1


def test_nothing_is_set_aside_and_nothing_replayed(run: Callable[..., tuple[int, str]]) -> None:
    assert run("quarantine") == (0, "set aside: 0\n")
    assert run("replay") == (0, "records put back: 0, entries refused: 0\n")
