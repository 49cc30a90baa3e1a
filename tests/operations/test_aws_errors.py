"""What an operator reads when AWS or `make local` does not answer: one line, and status 2."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    LoginRefreshRequired,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
    ReadTimeoutError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from operations import __main__ as commands
from operations.aws_errors import advice
from operations.stack import Stack
from tests.support.requests import request

ROOT = Path(__file__).resolve().parents[2]
NAMES = {
    "events_topic_arn": "arn:aws:sns:us-east-1:123456789012:events",
    **{name: name for name in ("messages_table", "payloads_table", "events_stream")},
    **{f"{name}_queue": name for name in ("intake", "timers", "events", "quarantine")},
    "stream_failures_queue": "stream-failures",
}
COMMANDS = [
    ("dead-letters",),
    ("redrive",),
    ("quarantine",),
    ("replay",),
    ("discard", "some-id"),
    ("explain", "some-id"),
]


@pytest.fixture
def nothing_listens() -> Iterator[str]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture
def outputs_of(tmp_path: Path) -> Callable[..., str]:
    def write(**more: str) -> str:
        path = tmp_path / "outputs.json"
        path.write_text(json.dumps({**NAMES, **more}))
        return str(path)

    return write


@pytest.fixture
def no_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    # The session of an earlier test keeps the credentials that it has found.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return monkeypatch


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_stack_on_this_machine_that_has_ended(
    command: tuple[str, ...], nothing_listens: str, outputs_of: Any, no_account: Any, capsys: Any
) -> None:
    outputs = outputs_of(aws_endpoint_url=nothing_listens)
    assert commands.main([*command, "--outputs", outputs]) == 2
    said = capsys.readouterr()
    asked = f"error: nothing answers at {nothing_listens}: is `make local` running?\n"
    assert (said.out, said.err) == ("", asked)


def test_outputs_that_went_with_their_deployment(tmp_path: Path, capsys: Any) -> None:
    gone = tmp_path / "outputs.json"
    assert commands.main(["dead-letters", "--outputs", str(gone)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: there is no {gone}: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_no_credentials(
    command: tuple[str, ...], outputs_of: Any, no_account: Any, capsys: Any
) -> None:
    assert commands.main([*command, "--outputs", outputs_of()]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: no AWS credentials (Unable to locate credentials): log in")
    assert (said.out, said.err.count("\n")) == ("", 1)


def test_no_network(nothing_listens: str, outputs_of: Any, no_account: Any, capsys: Any) -> None:
    no_account.setenv("AWS_ACCESS_KEY_ID", "test")
    no_account.setenv("AWS_SECRET_ACCESS_KEY", "test")
    no_account.setenv("AWS_ENDPOINT_URL", nothing_listens)
    assert commands.main(["dead-letters", "--outputs", outputs_of()]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: AWS cannot be reached (Could not connect")
    assert error.endswith("): check network and Region\n")


def test_a_profile_that_does_not_exist(outputs_of: Any, no_account: Any, capsys: Any) -> None:
    no_account.setenv("AWS_PROFILE", "nowhere")
    no_account.setattr("boto3.DEFAULT_SESSION", None)
    assert commands.main(["dead-letters", "--outputs", outputs_of()]) == 2
    assert "profile (nowhere) could not be found): log in" in capsys.readouterr().err


def test_an_unknown_table(world: Any, stack: Stack, run: Any) -> None:
    world.dynamodb.delete_table(TableName="messages")
    answer = run("explain", "some-id")
    assert (answer.status, answer.text) == (2, "")
    assert answer.error.startswith("error: An error occurred (ResourceNotFoundException)")
    assert answer.error.endswith("and the outputs those of the stack as it is?\n")


def test_an_unknown_queue(world: Any, stack: Stack, run: Any) -> None:
    world.sqs.delete_queue(QueueUrl=stack.queue_url("quarantine"))
    answer = run("quarantine")
    assert answer.status == 2
    assert "are these credentials of the stack's account" in answer.error
    assert answer.error.count("\n") == 1


def client_error(code: str, message: str = "No.") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "ReceiveMessage")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (client_error("ExpiredToken"), "not valid, or not any more (ExpiredToken): log in"),
        (client_error("ExpiredTokenException"), "(ExpiredTokenException): log in"),
        (client_error("UnrecognizedClientException"), "not valid"),
        (client_error("InvalidClientTokenId"), "not valid"),
        (client_error("SignatureDoesNotMatch"), "not valid"),
        (client_error("AccessDenied", "role/x may not"), "role/x may not: use credentials of"),
        (client_error("AccessDeniedException"), "when calling the ReceiveMessage operation"),
        (client_error("ThrottlingException", "Rate\nexceeded"), "Rate exceeded"),
        (NoCredentialsError(), "no AWS credentials"),
        (ProfileNotFound(profile="x"), "set AWS_PROFILE"),
        (UnauthorizedSSOTokenError(), "aws sso login"),
        (LoginRefreshRequired(), "aws login"),
        (TokenRetrievalError(provider="sso", error_msg="expired"), "aws sso login"),
        (NoRegionError(), "region"),
        (EndpointConnectionError(endpoint_url="https://sqs"), "check network and Region"),
        (ConnectTimeoutError(endpoint_url="https://sqs"), "check network and Region"),
        (ReadTimeoutError(endpoint_url="https://sqs"), "check network and Region"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_failure_is_one_line_with_what_to_do(error: Any, says: str) -> None:
    line = advice(error, None)
    assert says in line
    assert "\n" not in line


def test_what_was_done_before_a_call_failed_is_said(
    world: Any, die: Any, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        message_id = world.accept(request())
        die("intake", {"message_id": message_id})
    world.queued("intake")
    redrive, done = commands.redrive, []

    def fail_at_second(*arguments: Any, **more: Any) -> bool:
        if done:
            raise client_error("ExpiredToken")
        done.append(True)
        return redrive(*arguments, **more)

    monkeypatch.setattr(commands, "redrive", fail_at_second)
    answer = run("redrive")
    assert (answer.status, answer.text) == (2, "redriven: 1, refused: 0\n")
    assert answer.error.startswith("error: the AWS credentials are not valid")


def in_a_process(code: str, **more: Any) -> SimpleNamespace:
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False, **more
    )
    return SimpleNamespace(
        status=process.returncode, text=process.stdout, error=process.stderr.decode()
    )


def test_a_reader_that_has_enough_does_not_stop_the_work() -> None:
    code = (
        "import sys; from operations.__main__ import _say\n"
        "for number in range(50_000): _say(number)\n"
        "sys.stderr.write('worked on')"
    )
    pipe = f'{sys.executable} -c "$CODE" | head -1'
    done = subprocess.run(
        ["/bin/sh", "-c", pipe], cwd=ROOT, env={"CODE": code}, capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"0\n", b"worked on")


def test_an_output_in_ascii_takes_every_character(outputs_of: Any) -> None:
    code = (
        "import sys; from operations import __main__ as commands\n"
        "commands.read_message = lambda *_: commands._say('caf\\u00e9')\n"
        f"sys.exit(commands.main(['explain', '--outputs', {outputs_of()!r}, 'id']))"
    )
    done = in_a_process(code, env={"PYTHONIOENCODING": "ascii"})
    assert (done.status, done.error) == (1, "")
    assert done.text.startswith(b"caf\\xe9\n")
