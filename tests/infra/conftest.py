"""Recording mocks: what each resource of a program received."""

import json
import runpy
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from local.recording import Recorded, Recording, record

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "fallback-messaging"


class Inspected(Recorded):
    """A recorded resource, with its documents read."""

    def document(self, key: str = "policy") -> dict[str, Any]:
        return json.loads(self.inputs[key])


class InspectedRecording(Recording):
    """A recording that can be searched."""

    def all(self, kind: str) -> list[Inspected]:
        found = [resource for resource in self.resources if resource.kind == kind]
        return [Inspected(resource.type, resource.name, resource.inputs) for resource in found]

    def one(self, kind: str, name_end: str = "") -> Inspected:
        found = [resource for resource in self.all(kind) if resource.name.endswith(name_end)]
        assert len(found) == 1, f"{[resource.name for resource in found]} are {kind} {name_end}"
        return found[0]

    def environment(self, function: str) -> dict[str, str]:
        return self.one("Function", f"-{function}").inputs["environment"]["variables"]

    def statements(self, function: str) -> list[dict[str, Any]]:
        return self.one("RolePolicy", f"-{function}-policy").document()["Statement"]


def run(
    program: Callable[[], Any], stack: str = "dev", configuration: dict[str, str] | None = None
) -> InspectedRecording:
    """Run a Pulumi program under recording mocks; what it raises is raised here."""
    recording = InspectedRecording()
    config = {f"{PROJECT}:{key}": value for key, value in (configuration or {}).items()}
    record(recording, program, project=PROJECT, stack=stack, config=config)
    return recording


@cache
def _run_main(stack: str, configuration: tuple[tuple[str, str], ...]) -> InspectedRecording:
    return run(
        lambda: runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__"),
        stack,
        dict(configuration),
    )


@pytest.fixture
def deploy() -> Callable[..., InspectedRecording]:
    """Deploy the product: `deploy("prod", retentionDays="7")` with Pulumi configuration on top."""

    def deploying(stack: str = "dev", **configuration: str) -> InspectedRecording:
        return _run_main(stack, tuple(sorted(configuration.items())))

    return deploying


@pytest.fixture
def run_program() -> Callable[..., InspectedRecording]:
    """Run another Pulumi program than the product's own."""
    return run


@pytest.fixture
def dev(deploy: Callable[..., InspectedRecording]) -> InspectedRecording:
    return deploy("dev")


@pytest.fixture
def prod(deploy: Callable[..., InspectedRecording]) -> InspectedRecording:
    return deploy("prod")
