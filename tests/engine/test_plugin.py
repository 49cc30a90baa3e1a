"""The plugin as the CLI installs it and asks it for its schema."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.project import ROOT

pytestmark = pytest.mark.engine


def test_the_cli_gets_a_schema_in_which_every_property_is_described(
    engine: Any, example: Callable[[str], Path]
) -> None:
    project = engine.project(example("yaml"))
    printed = project.run("package", "get-schema", "../../plugin").text
    schema = json.loads(printed[printed.index("{") : printed.rindex("}") + 1])

    written = json.loads((ROOT / "plugin" / "schema.json").read_text(encoding="utf-8"))
    assert schema["resources"].keys() == written["resources"].keys()
    for token, resource in schema["resources"].items():
        for part in ("inputProperties", "properties"):
            described = {name for name, each in resource[part].items() if each.get("description")}
            assert described == written["resources"][token][part].keys()


def test_building_the_package_leaves_nothing_in_the_tree(package_environment: Path) -> None:
    source = package_environment.parent / "source"

    assert (source / "pyproject.toml").exists()
    assert [*source.glob("build"), *source.glob("*.egg-info")] == []
