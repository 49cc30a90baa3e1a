"""The operator's commands against the deployed stack, with the file that `make local` writes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from local.deployment import Deployment
from local.up import write_outputs
from operations.__main__ import main
from operations.stack import Stack

MESSAGE_ID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def path(deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # The file alone must lead to the emulator.
    for name in deployment.cloud.environment():
        monkeypatch.delenv(name, raising=False)
    return write_outputs(deployment, tmp_path / "endpoint-7.json")


@pytest.fixture
def stack(path: Path) -> Stack:
    return Stack.of_file(path)


@pytest.fixture
def run(path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    def command(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        status = main([*arguments, "--outputs", str(path)])
        return status, capsys.readouterr().out

    return command


def test_the_outputs_hold_a_key_and_are_the_owners_alone(
    deployment: Deployment, tmp_path: Path
) -> None:
    left = tmp_path / "outputs.json"
    left.write_text("of a deployment that was killed")
    path = write_outputs(deployment, tmp_path / "endpoint.json")
    assert path == left
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["api_key"] == deployment.api_key


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
    assert f"{MESSAGE_ID} step 0: nothing to send (the row is gone)" in text
    assert run("redrive") == (0, "redriven: 1, refused: 0\n")
    assert run("dead-letters") == (0, "dead letters: 0\n")
    assert run("explain", MESSAGE_ID)[0] == 1


def test_what_cannot_be_read_is_discarded_by_its_id(
    stack: Stack, run: Callable[..., tuple[int, str]]
) -> None:
    sqs_id = stack.sqs.send_message(
        QueueUrl=stack.dead_letters_url("intake"), MessageBody="not JSON"
    )["MessageId"]
    assert f"[{sqs_id}]" in run("dead-letters")[1]
    assert run("discard", sqs_id)[0] == 0
    assert run("dead-letters") == (0, "dead letters: 0\n")


def test_nothing_is_set_aside_and_nothing_replayed(run: Callable[..., tuple[int, str]]) -> None:
    assert run("quarantine") == (0, "set aside: 0\n")
    assert run("replay") == (0, "records put back: 0, entries refused: 0\n")
