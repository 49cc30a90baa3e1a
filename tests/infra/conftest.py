"""Recording mocks: what each resource of a program received."""

import asyncio
import runpy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import settings
from pulumi.runtime.config import set_all_config
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.stack import run_pulumi_func

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"
REGION = "eu-west-1"


@dataclass(frozen=True)
class Recorded:
    """One resource as the engine received it: its inputs in the provider's own spelling."""

    type: str
    name: str
    inputs: dict[str, Any]

    @property
    def arn(self) -> str:
        return arn_of(self.type, self.name)


def arn_of(token: str, name: str) -> str:
    return f"arn:aws:{token.split(':')[1].split('/')[0]}:{REGION}:{ACCOUNT}:{name}"


@dataclass
class Recording(Mocks):
    """The resources of one program run, and its outputs."""

    resources: list[Recorded] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    invokes: list[str] = field(default_factory=list)

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict]:
        self.resources.append(Recorded(args.typ, args.name, dict(args.inputs)))
        physical = {
            "name": args.name,
            "arn": arn_of(args.typ, args.name),
            "url": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{args.name}",
            "executionArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{args.name}",
            "invokeArn": f"arn:aws:apigateway:{REGION}:lambda:path/{args.name}",
            "invokeUrl": f"https://{args.name}.execute-api.{REGION}.amazonaws.com/v1",
            "rootResourceId": "root",
            "value": "the-key",
        }
        return f"{args.name}-id", {**physical, **args.inputs}

    def call(self, args: MockCallArgs) -> dict:
        self.invokes.append(args.token)
        return {
            "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
            "aws:index/getRegion:getRegion": {"region": REGION},
            "aws:index/getPartition:getPartition": {"partition": "aws"},
        }[args.token]

    def of_type(self, suffix: str) -> list[Recorded]:
        return [resource for resource in self.resources if resource.type.endswith(f":{suffix}")]

    def one(self, suffix: str, name_end: str = "") -> Recorded:
        found = [resource for resource in self.of_type(suffix) if resource.name.endswith(name_end)]
        assert len(found) == 1, f"{len(found)} of {suffix} {name_end}"
        return found[0]


def run(
    program: Callable[[], Any], stack: str = "dev", configuration: dict[str, str] | None = None
) -> Recording:
    """Run a Pulumi program under recording mocks; what it raises is raised here."""
    recording = Recording()
    config = {f"fallback-messaging:{key}": value for key, value in (configuration or {}).items()}
    # A thread of its own has contexts of its own: nothing of one run reaches the next.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(_run, recording, program, stack, config).result()
    return recording


def _run(
    recording: Recording, program: Callable[[], Any], stack: str, config: dict[str, str]
) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        set_mocks(recording, project="fallback-messaging", stack=stack, preview=False)
        set_all_config(config)
        settings.SETTINGS.outputs = set()
        loop.run_until_complete(run_pulumi_func(lambda: _call(program)))
        outputs = pulumi.Output.all(**settings.get_root_resource().outputs)
        recording.outputs = loop.run_until_complete(outputs.future())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


def _call(program: Callable[[], Any]) -> None:
    program()


def run_main() -> None:
    runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")
