"""The commands of the README on a fresh clone, without make."""

import shutil
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.engine


def test_pulumi_installs_what_the_program_needs(engine: Any, new_copy: Path) -> None:
    (new_copy / ".venv").unlink()
    project = engine.project(new_copy)
    project.run("install", timeout=600)
    project.init("dev")
    project.up()

    assert len(project.resources()) > 100
    shutil.rmtree(new_copy / ".venv")
