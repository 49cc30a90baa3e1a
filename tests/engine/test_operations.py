"""The operator's commands, which ask the CLI for the outputs of a stack."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.project import Project

pytestmark = pytest.mark.engine

COMMANDS = (("dead-letters",), ("quarantine",), ("explain", "00000000-0000-4000-8000-000000000000"))
# Nothing listens there: AWS is out of reach.
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def project(engine: Any, copy: Path) -> Iterator[Project]:
    project = engine.project(copy)
    project.init("dev")
    project.up()
    yield project
    project.destroy("--skip-preview")


def operate(
    project: Project, *command: str, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run a command in the project's folder, without the environment's own access to AWS."""
    given = {key: value for key, value in project.environment.items() if "AWS_" not in key}
    return subprocess.run(
        [sys.executable, "-m", "operations", *command],
        cwd=project.folder,
        env={**given, "AWS_CONFIG_FILE": "/dev/null", "HOME": str(project.folder), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize(
    "environment",
    [
        {"AWS_EC2_METADATA_DISABLED": "true"},
        {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": NOWHERE,
            "AWS_MAX_ATTEMPTS": "1",
        },
    ],
    ids=["without-credentials", "without-network"],
)
def test_what_aws_does_not_answer_is_one_line_and_status_2(
    project: Project, command: tuple[str, ...], environment: dict[str, str]
) -> None:
    done = operate(project, *command, "--stack", "dev", **environment)

    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_an_unknown_stack_is_one_line(project: Project) -> None:
    done = operate(project, "dead-letters", "--stack", "nonexistent")

    assert done.returncode == 2, done.stderr
    assert "nonexistent" in done.stderr
    assert "Traceback" not in done.stderr
