"""Recording mocks: what each resource of a program received."""

import asyncio
import json
import runpy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import rpc, settings
from pulumi.runtime.config import set_all_config
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.stack import run_pulumi_func

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"
REGION = "eu-west-1"
PROJECT = "fallback-messaging"


@dataclass(frozen=True)
class Recorded:
    """One resource as the engine received it: its inputs in the provider's own spelling."""

    type: str
    name: str
    inputs: dict[str, Any]

    @property
    def kind(self) -> str:
        return self.type.rpartition(":")[2]

    @property
    def arn(self) -> str:
        return f"arn:aws:{self.type.split(':')[1].split('/')[0]}:{REGION}:{ACCOUNT}:{self.name}"

    @property
    def url(self) -> str:
        return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{self.name}"

    def document(self, key: str = "policy") -> dict[str, Any]:
        return json.loads(self.inputs[key])


@dataclass
class Recording(Mocks):
    """The resources of one program run, and its outputs."""

    resources: list[Recorded] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    invokes: list[str] = field(default_factory=list)
    options: dict[str, pulumi.ResourceOptions] = field(default_factory=dict)

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        recorded = Recorded(args.typ, args.name, _plain(args.inputs))
        self.resources.append(recorded)
        made = {
            "name": args.name,
            "arn": recorded.arn,
            "url": recorded.url,
            "executionArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{args.name}",
            "invokeArn": f"arn:aws:apigateway:{REGION}:lambda:path/{args.name}",
            "invokeUrl": f"https://{args.name}.execute-api.{REGION}.amazonaws.com/v1",
            "rootResourceId": "root",
            "value": "the-key",
        }
        return f"{args.name}-id", {**made, **args.inputs}

    def call(self, args: MockCallArgs) -> dict[str, Any]:
        self.invokes.append(args.token)
        return {
            "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
            "aws:index/getRegion:getRegion": {"region": REGION},
            "aws:index/getPartition:getPartition": {"partition": "aws"},
        }[args.token]

    def all(self, kind: str) -> list[Recorded]:
        return [resource for resource in self.resources if resource.kind == kind]

    def one(self, kind: str, name_end: str = "") -> Recorded:
        found = [resource for resource in self.all(kind) if resource.name.endswith(name_end)]
        assert len(found) == 1, f"{[resource.name for resource in found]} are {kind} {name_end}"
        return found[0]

    def environment(self, function: str) -> dict[str, str]:
        return self.one("Function", f"-{function}").inputs["environment"]["variables"]

    def statements(self, function: str) -> list[dict[str, Any]]:
        return self.one("RolePolicy", f"-{function}-policy").document()["Statement"]


def run(
    program: Callable[[], Any], stack: str = "dev", configuration: dict[str, str] | None = None
) -> Recording:
    """Run a Pulumi program under recording mocks; what it raises is raised here."""
    recording = Recording()
    config = {f"{PROJECT}:{key}": value for key, value in (configuration or {}).items()}
    # A thread of its own has contexts of its own: nothing of one run reaches the next.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(_run, recording, program, stack, config).result()
    return recording


@cache
def _run_main(stack: str, configuration: tuple[tuple[str, str], ...]) -> Recording:
    return run(
        lambda: runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__"),
        stack,
        dict(configuration),
    )


@pytest.fixture
def deploy() -> Callable[..., Recording]:
    """Deploy the product: `deploy("prod", retentionDays="7")` with Pulumi configuration on top."""

    def deploying(stack: str = "dev", **configuration: str) -> Recording:
        return _run_main(stack, tuple(sorted(configuration.items())))

    return deploying


@pytest.fixture
def run_program() -> Callable[..., Recording]:
    """Run another Pulumi program than the product's own."""
    return run


@pytest.fixture
def dev(deploy: Callable[..., Recording]) -> Recording:
    return deploy("dev")


@pytest.fixture
def prod(deploy: Callable[..., Recording]) -> Recording:
    return deploy("prod")


def _run(
    recording: Recording, program: Callable[[], Any], stack: str, config: dict[str, str]
) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        set_mocks(recording, project=PROJECT, stack=stack, preview=False)
        set_all_config(config)
        # set_mocks leaves those of a program that failed before.
        settings.SETTINGS.outputs = set()
        loop.run_until_complete(run_pulumi_func(lambda: _observed(program, recording)))
        outputs = pulumi.Output.all(**settings.get_root_resource().outputs)
        recording.outputs = loop.run_until_complete(outputs.future()) or {}
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def _observed(program: Callable[[], Any], recording: Recording) -> None:
    def note(args: pulumi.ResourceTransformationArgs) -> None:
        recording.options[args.name] = args.opts

    # Mocks are not told the options of a resource.
    pulumi.runtime.register_stack_transformation(note)
    program()


def _plain(value: Any) -> Any:
    if rpc.is_rpc_secret(value):
        return _plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
