"""Every stack of the project and both examples, from the first update to the last resource."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.engine.project import Project

pytestmark = pytest.mark.engine

# What stays in the account when the stack has gone, by kind.
LOG_SETTING = {"Account": 1, "Role": 1, "RolePolicyAttachment": 1}
LEFT: dict[str, dict[str, int]] = {
    "dev": {"Key": 1},
    "staging": {"Key": 1, **LOG_SETTING},
    "prod": {"Key": 1, "Table": 3, **LOG_SETTING},
    # The key is the program's own.
    "examples/python": {},
    "examples/yaml": {"Key": 1},
}


@dataclass(frozen=True)
class Deployed:
    """A stack that is up, and what was in the account before it."""

    program: str
    project: Project
    before: frozenset[tuple[str, str]]


@pytest.fixture(scope="module", params=LEFT)
def deployed(
    request: pytest.FixtureRequest, engine: Any, copy: Path, example: Callable[[str], Path]
) -> Iterator[Deployed]:
    # All of them share one account and Region, as they may.
    before = frozenset(engine.account.resources)
    folder, _, name = request.param.rpartition("/")
    project = engine.project(example(name) if folder else copy)
    project.init("dev" if folder else name)
    project.up()
    yield Deployed(request.param, project, before)
    if project.resources():
        project.run("state", "unprotect", "--all", "--yes")
        project.destroy("--skip-preview")


@pytest.fixture
def project(deployed: Deployed) -> Project:
    return deployed.project


def test_a_second_preview_and_a_refresh_change_nothing(project: Project) -> None:
    assert len(project.resources()) > 100
    project.expect_no_changes()


def test_the_stack_holds_to_the_policy_pack(project: Project, copy: Path) -> None:
    judged = project.run("preview", "--policy-pack", str(copy / "policy"), "--expect-no-changes")

    assert "fallback-messaging-guardrails" in judged.text


def test_no_secret_is_in_the_state(project: Project, engine: Any) -> None:
    state = project.state()

    # What the digests are keyed with is one of them.
    made = {key["hex"] for key in engine.account.all("RandomBytes")}
    assert made
    assert made <= engine.account.secrets
    assert [secret for secret in engine.account.secrets if secret in state] == []


def test_secrets_stay_secret_in_the_outputs(project: Project, engine: Any) -> None:
    shown = json.dumps(project.outputs("--show-secrets"))
    hidden = json.dumps(project.outputs())

    assert [secret for secret in engine.account.secrets if secret in hidden] == []
    if any(resource["type"].endswith(":ApiKey") for resource in project.resources()):
        assert [secret for secret in engine.account.secrets if secret in shown] != []


def test_what_is_protected_stays_until_it_is_let_go(deployed: Deployed, engine: Any) -> None:
    project = deployed.project
    everything = len(project.resources())
    protected = {r["urn"] for r in project.resources() if r.get("protect")}
    if deployed.program == "prod":
        refused = project.destroy(status=None)
        assert "because it is protected" in refused.text
        assert len(project.resources()) == everything

        project.destroy("--exclude-protected")
        # With the components that they are parts of.
        left = {r["urn"] for r in project.resources() if r.get("custom")}
        assert left == protected
        assert len(protected) == 4
        project.run("state", "unprotect", "--all", "--yes")
    else:
        assert protected == set()
    project.destroy()

    assert project.resources() == []
    left_behind = engine.account.resources.keys() - deployed.before
    kinds = Counter(token.rpartition(":")[2] for token, _ in left_behind)
    assert kinds == LEFT[deployed.program]
