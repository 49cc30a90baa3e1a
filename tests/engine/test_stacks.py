"""Every stack of the project and both examples, from the first update to the last resource."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.project import Project

pytestmark = pytest.mark.engine

PROGRAMS = ("dev", "staging", "prod", "examples/python", "examples/yaml")
PROTECTED = {"Key", "Table"}


@pytest.fixture(scope="module", params=PROGRAMS)
def deployed(
    request: pytest.FixtureRequest, engine: Any, copy: Path, example: Callable[[str], Path]
) -> Iterator[Project]:
    """A stack of its own that is up; all share one account, as they may."""
    folder, _, name = request.param.rpartition("/")
    project = engine.project(example(name) if folder else copy)
    project.init("dev" if folder else name)
    project.up()
    yield project
    project.run("state", "unprotect", "--all", "--yes", status=0)
    project.destroy("--skip-preview")


def test_a_second_preview_and_a_refresh_change_nothing(deployed: Project) -> None:
    deployed.expect_no_changes()


def test_the_stack_holds_to_the_policy_pack(deployed: Project, copy: Path) -> None:
    deployed.run("preview", "--policy-pack", str(copy / "policy"), "--expect-no-changes")


def test_no_secret_is_in_the_state(deployed: Project, engine: Any) -> None:
    state = deployed.state()

    assert [secret for secret in engine.account.secrets if secret in state] == []


def test_secrets_stay_secret_in_the_outputs(deployed: Project, engine: Any) -> None:
    shown = json.dumps(deployed.outputs("--show-secrets"))
    hidden = json.dumps(deployed.outputs())

    assert [secret for secret in engine.account.secrets if secret in hidden] == []
    if any(resource["type"].endswith(":ApiKey") for resource in deployed.resources()):
        assert [secret for secret in engine.account.secrets if secret in shown] != []
