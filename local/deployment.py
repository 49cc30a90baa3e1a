"""The whole system on this machine: emulator, provider simulator, deployed stack."""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.cloud import ACCOUNT_ID, Cloud
from local.deployer import deploy
from local.emulator import PROJECT_DIRECTORY, Emulator, free_port
from local.program import Project
from local.simulator import WABA_ID, ProviderSimulator

STATE_DIRECTORY = PROJECT_DIRECTORY / ".local"
STACK = "dev"
DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True)
class Deployment:
    """A running deployment; `/messages` is appended to `api_url`."""

    api_url: str
    api_key: str
    simulator_url: str
    outputs: dict[str, Any]
    cloud: Cloud
    log_file: Path


@contextlib.contextmanager
def running_deployment(stack: str = STACK) -> Iterator[Deployment]:
    """Start everything and deploy a stack; stop everything that was started at the end."""
    project = Project.read(PROJECT_DIRECTORY)
    region = project.config(stack).get("aws:region", DEFAULT_REGION)
    emulator_url = f"http://127.0.0.1:{free_port()}"
    with contextlib.ExitStack() as started:
        simulator = started.enter_context(ProviderSimulator(emulator_url, region, ACCOUNT_ID))
        cloud = Cloud(emulator_url, simulator.url, region)
        log_file = STATE_DIRECTORY / f"emulator-{os.getpid()}.log"
        started.enter_context(Emulator(cloud, log_file))
        outputs = deploy(project, stack, cloud, _overrides(project))
        api_url = str(outputs["api_url"]).rstrip("/")
        _tell_api_its_url(cloud, api_url)
        yield Deployment(api_url, str(outputs["api_key"]), simulator.url, outputs, cloud, log_file)


def _overrides(project: Project) -> dict[str, str]:
    # A WhatsApp account comes from a sign-up with Meta, so the project's files can name none.
    return {f"{project.name}:whatsAppBusinessAccountIds": json.dumps([WABA_ID])}


def _tell_api_its_url(cloud: Cloud, api_url: str) -> None:
    # On AWS the function finds its public URL in the request's context. Behind the emulator's
    # URL with the API's path in it the context does not say, so the function must be told; and
    # only now, since the stage, whose URL it is, depends on the function.
    client = cloud.client("lambda")
    for page in client.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            variables = function.get("Environment", {}).get("Variables", {})
            if variables.get("POWERTOOLS_SERVICE_NAME") == "message-api":
                client.update_function_configuration(
                    FunctionName=function["FunctionName"],
                    Environment={"Variables": {**variables, "API_BASE_URL": api_url}},
                )
