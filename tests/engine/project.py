"""A copy of the project, or of one of its examples, under the real engine."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

__all__ = ["ROOT", "Change", "Done", "Project", "copied"]

ROOT = Path(__file__).resolve().parents[2]
# What a clone has not, and what belongs to one folder only.
_NOT_COPIED = (
    *(".git", ".venv", ".local", "build", "dist", "*.egg-info", "__pycache__"),
    *(".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", "sdks"),
)


def copied(folder: Path) -> Path:
    """Copy the project as it is now to `folder`, with the environment that the tests run in."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*_NOT_COPIED))
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@dataclass(frozen=True)
class Done:
    """A command that has ended; `text` is what it printed, on both outputs."""

    status: int
    text: str


@dataclass(frozen=True, order=True)
class Change:
    """What a preview would do to one resource: create, update, replace, delete."""

    op: str
    kind: str
    name: str
    reasons: tuple[str, ...] = field(default=(), compare=False)


@dataclass
class Project:
    """A folder with a Pulumi program, and one stack of it at a time."""

    folder: Path
    environment: Mapping[str, str]
    stack: str = ""

    @property
    def name(self) -> str:
        """The name of the program."""
        return str(yaml.safe_load((self.folder / "Pulumi.yaml").read_text())["name"])

    def run(self, *command: str, status: int | None = 0, timeout: int = 300) -> Done:
        """Run a command of the CLI; None is any exit status but 0."""
        done = subprocess.run(
            ["pulumi", "--non-interactive", *command],
            cwd=self.folder,
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=timeout,
            check=False,
        )
        expected = done.returncode != 0 if status is None else done.returncode == status
        assert expected, f"pulumi {' '.join(command)}: status {done.returncode}\n{done.stdout}"
        return Done(done.returncode, done.stdout)

    def init(self, stack: str, **parameters: str) -> None:
        """Create a stack, and select it."""
        self.run("stack", "init", stack)
        self.stack = stack
        self.set(parameters)

    def set(self, parameters: Mapping[str, str | None]) -> None:
        """Set parameters of the stack, structured ones as JSON text; None takes one back."""
        file = self.folder / f"Pulumi.{self.stack}.yaml"
        document = yaml.safe_load(file.read_text())
        configuration = document.setdefault("config", {})
        for name, value in parameters.items():
            key = name if ":" in name else f"{self.name}:{name}"
            configuration.pop(key, None)
            if value is not None:
                configuration[key] = value
        file.write_text(yaml.safe_dump(document))

    def up(self, *flags: str, status: int | None = 0) -> Done:
        return self.run("up", "--yes", "--skip-preview", *flags, status=status)

    def expect_no_changes(self) -> None:
        """Preview, and refresh: nothing is different."""
        self.run("preview", "--expect-no-changes")
        self.run("refresh", "--yes", "--skip-preview", "--expect-no-changes")

    def preview(self) -> list[Change]:
        """Return what an update would change."""
        steps = json.loads(_without_warnings(self.run("preview", "--json").text))["steps"]
        changes = []
        for step in steps:
            *_, types, name = step["urn"].split("::", 3)
            kind = types.rpartition("$")[2]
            changes.append(Change(step["op"], kind, name, tuple(step.get("replaceReasons") or ())))
        return [change for change in changes if change.op not in ("same", "read", "refresh")]

    def destroy(self, *flags: str, status: int | None = 0) -> Done:
        return self.run("destroy", "--yes", *flags, status=status)

    def outputs(self, *flags: str) -> dict[str, Any]:
        return json.loads(self.run("stack", "output", "--json", *flags).text)

    def state(self) -> str:
        """Return the text of the state file."""
        url = self.environment["PULUMI_BACKEND_URL"].removeprefix("file://")
        return Path(url, ".pulumi", "stacks", self.name, f"{self.stack}.json").read_text()

    def resources(self) -> list[dict[str, Any]]:
        """Return the resources in the state, without the stack's own and the providers."""
        found = json.loads(self.state())["checkpoint"]["latest"].get("resources") or []
        return [r for r in found if not r["type"].startswith("pulumi:")]


def _without_warnings(text: str) -> str:
    return text[text.index("{") :]
