"""MiniStack, an AWS emulator, as a child process on a loopback port."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from local.cloud import Cloud

PROJECT_DIRECTORY = Path(__file__).resolve().parent.parent
START_TIMEOUT_SECONDS = 30


class EmulatorError(RuntimeError):
    """The emulator did not start, or has ended by itself."""


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Emulator:
    """One MiniStack process; ready when `start` returns, gone when `stop` returns.

    Its output, with what the functions print, is in `log_file`, which outlives it.
    """

    def __init__(self, cloud: Cloud, log_file: Path) -> None:
        self._cloud = cloud
        self.log_file = log_file
        self._process: subprocess.Popen[bytes] | None = None
        self._temporary_directory = ""

    @property
    def pid(self) -> int | None:
        """The process id, which is also the id of the process group of the Lambda workers."""
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        """Whether the process has been started and has not ended since."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process and wait until it answers."""
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        self._temporary_directory = tempfile.mkdtemp(prefix="emulator-")
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.emulator_process"],
                cwd=PROJECT_DIRECTORY,
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the process, its Lambda workers and its temporary files."""
        if self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(timeout=10)
            self._process = None
        shutil.rmtree(self._temporary_directory, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _environment(self) -> dict[str, str]:
        # Built from nothing: MiniStack hands its whole environment to the Lambda handlers,
        # which must not see what happens to be set in somebody's shell.
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        host, port = self._cloud.emulator_url.removeprefix("http://").split(":")
        return {
            **kept,
            **self._cloud.environment(),
            "BIND_HOST": host,
            "MINISTACK_HOST": host,
            "GATEWAY_PORT": port,
            "MINISTACK_REGION": self._cloud.region,
            "MINISTACK_ACCOUNT_ID": self._cloud.account_id,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            # MiniStack removes what it takes for its own old containers from any Docker it finds.
            "DOCKER_HOST": "unix:///nonexistent",
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": self._temporary_directory,
        }

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise EmulatorError(f"MiniStack ended while starting; see {self.log_file}")
            try:
                with urllib.request.urlopen(  # noqa: S310 -- a loopback http URL
                    f"{self._cloud.emulator_url}/_ministack/health", timeout=2
                ):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise EmulatorError(f"MiniStack did not answer in {START_TIMEOUT_SECONDS} s")
