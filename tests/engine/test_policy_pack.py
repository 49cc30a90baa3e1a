"""Every rule of the policy pack, on a program that violates it."""

from pathlib import Path
from typing import Any

import pytest
from guardrails import RULES, Rule

from tests.engine.project import Project

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def project(engine: Any, copy: Path) -> Project:
    """A program with a defect for each rule."""
    project = engine.project(copy / "tests" / "engine" / "planted_defects")
    project.init("dev")
    return project


@pytest.fixture(scope="module")
def judged(project: Project, copy: Path) -> str:
    """What the engine prints when the program is deployed."""
    return project.up("--policy-pack", str(copy / "policy"), status=None).text


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_rule_finds_the_defect_that_was_planted_for_it(judged: str, rule: Rule) -> None:
    name = rule.__name__.replace("_", "-")
    found = [line for line in judged.splitlines() if f" {name} " in line and f": {name})" in line]

    assert found, judged
    assert "[mandatory]" in found[0]


@pytest.mark.usefixtures("judged")
def test_an_update_is_judged_once_it_is_deployed(project: Project) -> None:
    # As docs/deploying.md says: what has no ARN in the preview is judged when it has one.
    assert len(project.resources()) > 15
