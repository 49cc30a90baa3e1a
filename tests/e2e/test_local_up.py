"""`python -m local up` as a process of its own."""

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.deployment import STATE_DIRECTORY
from local.emulator import PROJECT_DIRECTORY
from local.leftovers import remove_leftovers
from operations.stack import Stack

START_SECONDS = 60


class Up:
    """A running `python -m local up`, with what it has printed."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local", "up"],
            cwd=PROJECT_DIRECTORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            self.lines += (line.rstrip("\n") for line in self.process.stdout)

    def line(self, start: str) -> str:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            for line in list(self.lines):
                if line.startswith(start):
                    return line
            assert self.process.poll() is None, "\n".join(self.lines)
            time.sleep(0.1)
        raise AssertionError("\n".join(self.lines))

    def path(self, name: str) -> Path:
        return Path(self.line(name).removeprefix(name).strip())

    @property
    def endpoint_file(self) -> Path:
        return self.path("for tools")

    def stop(self, with_signal: int = signal.SIGTERM) -> int:
        self.process.send_signal(with_signal)
        return self.process.wait(timeout=20)


@pytest.fixture
def up() -> Iterator[Up]:
    up = Up()
    yield up
    if up.process.poll() is None:
        up.process.kill()
        up.process.wait()


def call(url: str, key: str, body: bytes | None = None) -> dict[str, Any]:
    headers = {"x-api-key": key, "content-type": "application/json"}
    request = urllib.request.Request(url, data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=20) as response:
        document: dict[str, Any] = json.load(response)
        return document


def parents() -> dict[int, int]:
    """The parent of every process that is not a zombie."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                found[int(stat.parent.name)] = int(parent)
    if not found:  # no /proc: macOS
        listing = subprocess.check_output(["ps", "-axo", "pid=,ppid=,stat="], text=True)
        for pid, parent, state in (line.split() for line in listing.splitlines()):
            if not state.startswith("Z"):
                found[int(pid)] = int(parent)
    return found


def descendants(pid: int) -> set[int]:
    known = parents()
    found = {pid}
    while more := {child for child, parent in known.items() if parent in found} - found:
        found |= more
    return found - {pid}


def wait_until_gone(pids: set[int]) -> None:
    deadline = time.monotonic() + 5
    while remaining := pids & parents().keys():
        assert time.monotonic() < deadline, f"still running: {remaining}"
        time.sleep(0.1)


def test_curl_line_works_as_pasted_and_nothing_is_left_after_sigterm(up: Up) -> None:
    command = shlex.split(up.line("curl "))
    endpoint = json.loads(up.endpoint_file.read_text())
    assert set(endpoint) == {"api_url", "api_key", "simulator_url"}
    assert command[:3] == ["curl", "-sS", f"{endpoint['api_url']}/messages"]
    headers = [command[index + 1] for index, word in enumerate(command) if word == "-H"]
    assert headers == [f"x-api-key: {endpoint['api_key']}", "content-type: application/json"]

    body = command[command.index("-d") + 1].encode()
    accepted = call(command[2], endpoint["api_key"], body)
    assert accepted["message"] == "Message sent to the queue"
    deadline = time.monotonic() + 30
    while call(accepted["status_url"], endpoint["api_key"])["status"] != "delivered":
        assert time.monotonic() < deadline
        time.sleep(0.5)
    outbox = call(f"{endpoint['simulator_url']}/outbox", "")["messages"]
    assert [send["provider"] for send in outbox] == ["ses", "sms"]

    children = descendants(up.process.pid)
    assert len(children) > 1  # the emulator and its functions
    file = up.endpoint_file
    assert up.stop() == 0
    assert not file.exists()
    wait_until_gone(children)
    with pytest.raises(urllib.error.URLError):
        call(f"{endpoint['simulator_url']}/outbox", "")


def test_receipts_are_verified_and_a_missing_destination_is_named(up: Up) -> None:
    outputs = up.endpoint_file.with_name(up.endpoint_file.name.replace("endpoint", "outputs"))
    stack = Stack.of_file(outputs)

    def verify(seconds: int) -> subprocess.CompletedProcess[str]:
        senders = ("--mail-sender", "shop@example.com", "--text-sender", "+12065550100")
        return subprocess.run(
            [
                *(sys.executable, "-m", "operations", "verify", "--outputs", str(outputs)),
                *senders,
                *("--wait", str(seconds)),
            ],
            cwd=PROJECT_DIRECTORY,
            capture_output=True,
            text=True,
            check=False,
        )

    done = verify(60)
    assert done.returncode == 0, done.stdout + done.stderr
    mail, text, *allowances = done.stdout.splitlines()
    assert mail == "email to success@simulator.amazonses.com: a receipt says delivered"
    assert text == "sms to +14254147755: a receipt says delivered"
    # The simulator has no accounts.
    assert [line for line in allowances if "SES: not readable" in line]

    name = stack.outputs["ses_configuration_set"]
    (destination,) = stack.client("sesv2").get_configuration_set_event_destinations(
        ConfigurationSetName=name
    )["EventDestinations"]
    stack.client("sesv2").delete_configuration_set_event_destination(
        ConfigurationSetName=name, EventDestinationName=destination["Name"]
    )
    done = verify(5)
    assert done.returncode == 1, done.stdout + done.stderr
    mail, place, *_ = done.stdout.splitlines()
    assert mail.endswith(": sent, but no event has changed the row within 5 s")
    assert place.startswith(f"  the event destination: {name} has none to arn:aws:sns:")
    assert "sms to +14254147755: a receipt says delivered" in done.stdout


def test_second_instance_leaves_the_first_and_its_file_alone(up: Up) -> None:
    first_file = up.endpoint_file
    first = json.loads(first_file.read_text())
    second = Up()
    try:
        second_file = second.endpoint_file
        assert second_file != first_file
        assert json.loads(second_file.read_text())["api_url"] != first["api_url"]
        assert second.stop(signal.SIGINT) == 0
        assert not second_file.exists()
    finally:
        if second.process.poll() is None:
            second.process.kill()
            second.process.wait()
    assert json.loads(first_file.read_text()) == first
    assert call(f"{first['simulator_url']}/outbox", "")["messages"] == []
    assert up.stop(signal.SIGINT) == 0
    assert not first_file.exists()


def test_emulator_ends_with_its_parent_however_that_ends(up: Up) -> None:
    file = up.endpoint_file
    children = descendants(up.process.pid)
    assert children
    os.kill(up.process.pid, signal.SIGKILL)
    up.process.wait()
    wait_until_gone(children)
    # The files of a deployment that was killed stay until the next one starts, which sees that
    # nobody answers there.
    log_file = up.path("logs")
    assert log_file.exists()
    remove_leftovers(STATE_DIRECTORY)
    assert not log_file.exists()
    file.unlink()


def test_an_emulator_that_ends_by_itself_is_noticed(up: Up) -> None:
    file, log_file = up.endpoint_file, up.path("logs")
    (emulator,) = (pid for pid, parent in parents().items() if parent == up.process.pid)
    children = descendants(up.process.pid)
    os.kill(emulator, signal.SIGKILL)
    assert up.process.wait(timeout=20) == 1
    assert up.line("The emulator has ended").endswith(f"What it logged: {log_file}")
    assert log_file.exists()
    log_file.unlink()
    assert not file.exists()
    wait_until_gone(children)


def test_the_log_is_kept_when_it_ends_as_asked(up: Up) -> None:
    log_file = up.path("logs")
    assert up.stop() == 0
    kept = up.path("Stopped. What the functions logged:")
    assert kept.exists()
    assert kept.name == "local.log"
    assert not log_file.exists()


def test_nothing_is_left_when_it_ends_while_deploying(up: Up) -> None:
    log_file = STATE_DIRECTORY / f"emulator-{up.process.pid}.log"
    deadline = time.monotonic() + START_SECONDS
    while not log_file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert up.stop() == 0
    assert not log_file.exists()
    assert not any("Traceback" in line for line in up.lines)
