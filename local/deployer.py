"""Runs a Pulumi program without the Pulumi engine, and creates what it registers.

Pulumi's mock monitor stands where the engine would be. Instead of made-up values, each
registration creates the real thing through boto3 on the emulator or at the provider simulator.
"""

import asyncio
import contextlib
import os
import runpy
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc, settings, stack
from pulumi.runtime.config import set_all_config

from local.cloud import Cloud
from local.program import Project
from local.resources import UnknownResourceTypeError, check_all_inputs_were_read, creator_of
from local.resources.inputs import Inputs
from local.resources.registration import Registration


class DeploymentError(RuntimeError):
    """A resource could not be created."""


def deploy(
    project: Project, stack_name: str, cloud: Cloud, overrides: dict[str, str] | None = None
) -> dict[str, Any]:
    """Deploy a stack and return its exported outputs.

    `overrides` are configuration values that count more than those of Pulumi.<stack>.yaml.
    """
    config = project.config(stack_name) | {"aws:region": cloud.region} | (overrides or {})
    outputs: Future[dict[str, Any]] = Future()

    def run() -> None:
        try:
            outputs.set_result(_run(project, stack_name, cloud, config))
        except BaseException as error:  # noqa: BLE001 -- handed to the waiting thread
            outputs.set_exception(error)

    # Pulumi keeps its state in context variables and in the thread's event loop: a thread of
    # its own for each deployment keeps one from seeing another's.
    with _environment(cloud):
        thread = threading.Thread(target=run, name=f"deploy-{stack_name}", daemon=True)
        thread.start()
        thread.join()
    return outputs.result()


class DeployingMocks(mocks.Mocks):
    """Creates each registered resource, and answers the program's calls."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Create one resource; a component has nothing to create but its children."""
        if args.resource_id:
            raise UnknownResourceTypeError(f"{args.typ}: reading existing resources")
        if not args.custom:
            return "", {}
        resource = Registration(args.typ, args.name, Inputs(plain(args.inputs)))
        create = creator_of(args.typ)
        try:
            resource_id, outputs = create(self._cloud, resource)
            check_all_inputs_were_read(resource)
        except Exception as error:
            raise DeploymentError(f"{args.typ} {args.name!r}: {error}") from error
        return resource_id, {**args.inputs, **outputs}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """Answer what a program asks about its surroundings."""
        region, account_id = self._cloud.region, self._cloud.account_id
        answers: dict[str, dict[str, Any]] = {
            "aws:index/getCallerIdentity:getCallerIdentity": {
                "accountId": account_id,
                "arn": f"arn:aws:iam::{account_id}:root",
                "id": account_id,
                "userId": account_id,
            },
            "aws:index/getPartition:getPartition": {
                "dnsSuffix": "amazonaws.com",
                "id": "aws",
                "partition": "aws",
                "reverseDnsPrefix": "com.amazonaws",
            },
            "aws:index/getRegion:getRegion": {
                "description": region,
                "endpoint": f"ec2.{region}.amazonaws.com",
                "id": region,
                "name": region,
                "region": region,
            },
        }
        if args.token not in answers:
            raise UnknownResourceTypeError(f"{args.token} cannot be answered on this machine")
        return answers[args.token], []


def plain(value: Any) -> Any:  # noqa: ANN401 -- any JSON value
    """Return inputs as AWS takes them: secrets unwrapped, whole numbers as integers."""
    if rpc.is_rpc_secret(value):
        return plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _run(project: Project, stack_name: str, cloud: Cloud, config: dict[str, str]) -> dict[str, Any]:
    with _event_loop() as loop:
        mocks.set_mocks(
            DeployingMocks(cloud), project=project.name, stack=stack_name, preview=False
        )
        set_all_config(config)
        # set_mocks leaves this set of pending outputs as it was, with those of a failed program.
        settings.SETTINGS.outputs = set()

        def program() -> None:
            runpy.run_path(str(project.main), run_name="__main__")

        loop.run_until_complete(stack.run_pulumi_func(program))
        root = settings.get_root_resource()
        assert isinstance(root, stack.Stack)
        return loop.run_until_complete(_values(root.outputs))


@contextlib.contextmanager
def _event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Give this thread an event loop whose calls run on threads that have loops of their own.

    The mock monitor wants one in each thread, makes it when it is missing, and closes none.
    """
    loops = [asyncio.new_event_loop()]

    def equip_thread() -> None:
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    loop = loops[0]
    asyncio.set_event_loop(loop)
    loop.set_default_executor(ThreadPoolExecutor(16, "create", equip_thread))
    # A failed resource fails every output that depends on it. The first failure is raised from
    # here; the others need no report of their own when they are collected.
    loop.set_exception_handler(lambda _loop, _context: None)
    try:
        yield loop
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        for each in loops:
            each.close()


async def _values(outputs: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] | None = await pulumi.Output.all(**outputs).future()
    return values or {}


@contextlib.contextmanager
def _environment(cloud: Cloud) -> Iterator[None]:
    """Make this process, for a while, one that talks to the local cloud only.

    Dynamic providers make their own clients, which read the environment.
    """
    changed = {**cloud.environment()}
    before = {name: os.environ.get(name) for name in (*changed, "AWS_PROFILE")}
    os.environ.update(changed)
    os.environ.pop("AWS_PROFILE", None)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
