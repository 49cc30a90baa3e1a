"""Runs a Pulumi program and records what it registers: no engine, no AWS, nothing is created.

Pulumi's mock monitor stands where the engine would be, and answers with made-up ids and ARNs.
"""

import asyncio
import contextlib
import logging
import os
import runpy
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import rpc, settings
from pulumi.runtime.config import set_all_config
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.stack import Stack, run_pulumi_func

from local.program import Project

ACCOUNT_ID = "123456789012"
# Of a stack that names none.
REGION = "eu-west-1"


class ProjectError(Exception):
    """A directory has no program that can be recorded."""


@dataclass(frozen=True)
class Recorded:
    """One resource as the engine received it: its inputs in the provider's own spelling."""

    type: str
    name: str
    inputs: dict[str, Any]
    region: str = REGION

    @property
    def kind(self) -> str:
        """The type without its package and module."""
        return self.type.rpartition(":")[2]

    @property
    def is_component(self) -> bool:
        """Whether it is a component: a parent of resources, and none itself."""
        packages = ("aws:", "random:", "pulumi-python:", "pulumi:providers:")
        return not self.type.startswith(packages)

    @property
    def arn(self) -> str:
        """A made-up ARN, by which other resources refer to it."""
        service = self.type.split(":")[1].split("/")[0]
        return f"arn:aws:{service}:{self.region}:{ACCOUNT_ID}:{self.name}"

    @property
    def url(self) -> str:
        """A made-up queue URL."""
        return f"https://sqs.{self.region}.amazonaws.com/{ACCOUNT_ID}/{self.name}"


@dataclass
class Recording(Mocks):
    """The resources of one program run, in the order of their registration, and its outputs.

    `options` are by the names of the resources, `parents` by their types and names.
    `warnings` are what the program warns of.
    """

    resources: list[Recorded] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    invokes: list[str] = field(default_factory=list)
    options: dict[str, pulumi.ResourceOptions] = field(default_factory=dict)
    parents: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    region: str = REGION

    def parent_of(self, resource: Recorded) -> tuple[str, str]:
        """Return type and name of the parent; empty for a resource that stands alone."""
        return self.parents.get((resource.type, resource.name), ("", ""))

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Record a resource and make up its outputs."""
        recorded = Recorded(args.typ, args.name, plain(args.inputs), self.region)
        self.resources.append(recorded)
        made = {
            "name": args.name,
            "arn": recorded.arn,
            "url": recorded.url,
            "executionArn": f"arn:aws:execute-api:{self.region}:{ACCOUNT_ID}:{args.name}",
            "invokeArn": f"arn:aws:apigateway:{self.region}:lambda:path/{args.name}",
            "invokeUrl": f"https://{args.name}.execute-api.{self.region}.amazonaws.com/v1",
            "rootResourceId": "root",
            "value": "the-key",
            "hex": "0123456789abcdef" * 4,
            "keyId": "01234567-89ab-cdef-0123-456789abcdef",
        }
        return f"{args.name}-id", {**made, **args.inputs}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """Answer what a program asks about its surroundings."""
        self.invokes.append(args.token)
        answers: dict[str, dict[str, Any]] = {
            "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT_ID},
            "aws:index/getRegion:getRegion": {"region": self.region},
            "aws:index/getPartition:getPartition": {"partition": "aws"},
        }
        return answers[args.token], []


def record(
    recording: Recording,
    program: Callable[[], Any],
    *,
    project: str,
    stack: str,
    config: dict[str, str],
) -> None:
    """Run a Pulumi program and record it; what it raises is raised here."""
    # A thread of its own has contexts of its own: nothing of one run reaches the next.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(_run, recording, program, project, stack, config).result()


def record_project(directory: Path, stack: str, region: str = "") -> Recording:
    """Record the program of a project's directory with the configuration of one of its stacks.

    It is run as if in `region`, by default the stack's own. Raises ProjectError if there is no
    program that Python runs.
    """
    # The program runs in its own directory, where a relative path would begin again.
    directory = directory.resolve()
    if not (directory / "Pulumi.yaml").is_file():
        raise ProjectError(f"{directory} is no Pulumi project: it has no Pulumi.yaml")
    project = Project.read(directory)
    if not project.main.is_file():
        raise ProjectError(f"there is no {project.main}: only programs in Python can be run here")
    config = project.config(stack)
    recording = Recording(region=region or config.get("aws:region", REGION))
    with _inside(project.main.parent):
        record(
            recording,
            lambda: runpy.run_path(str(project.main), run_name="__main__"),
            project=project.name,
            stack=stack,
            config=config,
        )
    return recording


def plain(value: Any) -> Any:  # noqa: ANN401 -- any JSON value
    """Return inputs with their secrets unwrapped."""
    if rpc.is_rpc_secret(value):
        return plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value


class _Warnings(logging.Handler):
    """Keep what a program warns of; the rest goes where logs go."""

    def __init__(self, kept: list[str]) -> None:
        super().__init__()
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno == logging.WARNING:
            self._kept.append(record.getMessage())
        else:
            logging.getLogger().handle(record)


def _run(
    recording: Recording,
    program: Callable[[], Any],
    project: str,
    stack: str,
    config: dict[str, str],
) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        logger = logging.Logger("program")  # noqa: LOG001  of this run alone
        logger.addHandler(_Warnings(recording.warnings))
        set_mocks(recording, project=project, stack=stack, preview=False, logger=logger)
        set_all_config(config)
        # set_mocks leaves those of a program that failed before.
        settings.SETTINGS.outputs = set()
        loop.run_until_complete(run_pulumi_func(lambda: _observed(program, recording)))
        root = settings.get_root_resource()
        assert isinstance(root, Stack)
        recording.outputs = loop.run_until_complete(_values(root.outputs))
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def _observed(program: Callable[[], Any], recording: Recording) -> None:
    def note(args: pulumi.ResourceTransformationArgs) -> None:
        recording.options[args.name] = args.opts
        recording.parents[args.type_, args.name] = _identity(args.opts.parent)

    # Mocks are not told the options of a resource.
    pulumi.runtime.register_stack_transformation(note)
    program()


async def _values(outputs: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] | None = await pulumi.Output.all(**outputs).future()
    return values or {}


def _identity(parent: pulumi.Resource | None) -> tuple[str, str]:
    if parent is None or isinstance(parent, Stack):
        return "", ""
    return parent._type, parent._name  # noqa: SLF001 -- they have no other home


@contextlib.contextmanager
def _inside(directory: Path) -> Iterator[None]:
    """Run as the engine runs a program: in its directory, which is where it imports from."""
    before, path = Path.cwd(), list(sys.path)
    os.chdir(directory)
    sys.path.insert(0, str(directory))
    try:
        yield
    finally:
        os.chdir(before)
        sys.path[:] = path
