"""The CLI is found or built: once, as a whole, and by one process; Go is a script here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.project import ROOT
from tests.engine.pulumi_cli import TOOLS

# Does what Go is asked for by making empty files, and notes each `build`.
GO = """#!/bin/sh
case "$1" in
  list) echo "$FAKE_SDK" ;;
  build) echo built >> "$FAKE_LOG"; sleep 0.3; [ -z "$FAKE_FAILS" ] || exit 1
    shift; while [ "$1" != -o ]; do shift; done; : > "$2"; chmod +x "$2" ;;
  install) : > "$GOBIN/pulumi-language-yaml"; chmod +x "$GOBIN/pulumi-language-yaml" ;;
esac
"""


class Machine:
    """A PATH with Go or without, and a cache."""

    def __init__(self, folder: Path, *, has_go: bool) -> None:
        self.cache, self.log = folder / "cache", folder / "log"
        self.bin = folder / "bin"
        sdk = folder / "sdk" / "python"
        for each in (self.bin, sdk / "cmd", sdk / "dist"):
            each.mkdir(parents=True)
        (sdk / "cmd" / "pulumi-language-python-exec").touch()
        (sdk / "dist" / "pulumi-resource-pulumi-python").touch()
        for tool in ("sh", "sleep", "chmod"):
            (self.bin / tool).symlink_to(f"/bin/{tool}")
        if has_go:
            (self.bin / "go").write_text(GO)
            (self.bin / "go").chmod(0o755)
        self.environment = {
            "PATH": str(self.bin),
            "XDG_CACHE_HOME": str(self.cache),
            "FAKE_SDK": str(sdk.parent),
            "FAKE_LOG": str(self.log),
        }

    def start(self, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "tests.engine.pulumi_cli"],
            cwd=ROOT,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def builds(self) -> int:
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0


def test_a_cli_on_the_path_is_used(tmp_path: Path) -> None:
    machine = Machine(tmp_path, has_go=True)
    (machine.bin / "pulumi").symlink_to("/bin/true")

    assert machine.start().communicate()[0] == f"{machine.bin}\n"
    assert machine.builds() == 0


def test_without_a_cli_and_without_go_one_line_says_what_to_install(tmp_path: Path) -> None:
    process = Machine(tmp_path, has_go=False).start()
    printed, error = process.communicate()

    assert (printed, process.returncode) == ("", 1)
    assert len(error.splitlines()) == 1
    assert "install the Pulumi CLI, or Go" in error


def test_processes_that_want_it_at_once_build_it_once(tmp_path: Path) -> None:
    machine = Machine(tmp_path, has_go=True)
    folders = {process.communicate()[0] for process in [machine.start() for _ in range(3)]}

    assert machine.builds() == 1
    (folder,) = folders
    assert {path.name for path in Path(folder.strip()).iterdir()} == set(TOOLS)
    assert all(os.access(path, os.X_OK) for path in Path(folder.strip()).iterdir())


def test_a_build_that_fails_leaves_nothing_and_can_be_tried_again(tmp_path: Path) -> None:
    machine = Machine(tmp_path, has_go=True)
    failed = machine.start(FAKE_FAILS="yes")
    _, error = failed.communicate()

    assert failed.returncode == 1
    assert error.splitlines()[-1] == "go build has failed: the Pulumi CLI is not built"
    assert [
        path for path in (machine.cache / "fallback-messaging").iterdir() if path.is_dir()
    ] == []

    again = machine.start()
    assert Path(again.communicate()[0].strip()).is_dir()


@pytest.mark.parametrize("signal", ["terminate", "kill"])
def test_a_build_that_is_stopped_is_no_result(tmp_path: Path, signal: str) -> None:
    machine = Machine(tmp_path, has_go=True)
    stopped = machine.start()
    while not machine.builds():
        assert stopped.poll() is None
    getattr(stopped, signal)()
    stopped.communicate()

    again = machine.start()
    assert len(list(Path(again.communicate()[0].strip()).iterdir())) == len(TOOLS)
    assert machine.builds() == 2
    folders = [path for path in (machine.cache / "fallback-messaging").iterdir() if path.is_dir()]
    assert len(folders) == 1
