"""The whole system on this machine: emulator, provider simulator, deployed stack."""

import contextlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.cloud import ACCOUNT_ID, Cloud
from local.deployer import DeploymentError, deploy
from local.email_templates import create_email_templates
from local.emulator import PROJECT_DIRECTORY, Emulator, free_port
from local.leftovers import remove_leftovers
from local.program import Project
from local.simulator import WABA_ID, Faults, ProviderSimulator

STATE_DIRECTORY = PROJECT_DIRECTORY / ".local"
STACK = "dev"
DEFAULT_REGION = "us-east-1"
# Of the phone number and the protect configuration that the documented requests name.
EXAMPLE_ID = "0123456789abcdef0123456789abcdef"

# An event without records for the functions behind queues and streams, and a request for a path
# that does not exist for the API.
NOTHING_TO_DO: dict[str, Any] = {
    "Records": [],
    "httpMethod": "GET",
    "resource": "/",
    "path": "/",
    "headers": {},
    "requestContext": {"stage": "", "requestId": "start"},
}


@dataclass(frozen=True)
class Deployment:
    """A running deployment; `/messages` is appended to `api_url`."""

    api_url: str
    api_key: str
    simulator_url: str
    outputs: dict[str, Any]
    cloud: Cloud
    log_file: Path
    emulator: Emulator


@contextlib.contextmanager
def running_deployment(
    overrides: dict[str, str] | None = None, faults: Faults | None = None
) -> Iterator[Deployment]:
    """Start everything and deploy; stop everything that was started at the end.

    `overrides` are parameters that count more than the project's own, as Pulumi configuration.
    `faults` are what the simulated providers do wrong, beside what their recipients stand for. The
    log goes when all went well or was interrupted; whoever wants to keep it moves it.
    """
    remove_leftovers(STATE_DIRECTORY)
    project = Project.read(PROJECT_DIRECTORY)
    region = project.config(STACK).get("aws:region", DEFAULT_REGION)
    emulator_url = f"http://127.0.0.1:{free_port()}"
    simulator = ProviderSimulator(emulator_url, region, ACCOUNT_ID, faults=faults)
    cloud = Cloud(emulator_url, simulator.url, region)
    log_file = STATE_DIRECTORY / f"emulator-{os.getpid()}.log"
    # The simulator stops first: what it publishes until then goes to the emulator.
    with _removed_unless_failed(log_file), Emulator(cloud, log_file) as emulator, simulator:
        parameters = {
            # An account comes from a sign-up with Meta, so the project's files can name none.
            "whatsAppBusinessAccountIds": json.dumps([WABA_ID]),
            # What the documented requests name.
            "whatsAppPhoneNumbers": json.dumps({"+12065550100": f"phone-number-id-{EXAMPLE_ID}"}),
            "allowedProtectConfigurations": json.dumps([f"protect-{EXAMPLE_ID}"]),
            # Each concurrent invocation is a process here: more of them than cores start slowly.
            "senderMaximumConcurrency": "2",
            # The simulator's recipients open mails and click links; none of them is a person.
            "sesEngagementEvents": "true",
            **(overrides or {}),
        }
        config = {f"{project.name}:{name}": value for name, value in parameters.items()}
        outputs = deploy(project, STACK, cloud, config)
        api_url = str(outputs["api_url"]).rstrip("/")
        tell_api_its_url(cloud, str(outputs["message_api_function"]), api_url)
        create_email_templates(cloud)
        start_functions(cloud, [outputs[name] for name in outputs if name.endswith("_function")])
        yield Deployment(
            api_url=api_url,
            api_key=str(outputs["api_key"]),
            simulator_url=simulator.url,
            outputs=outputs,
            cloud=cloud,
            log_file=log_file,
            emulator=emulator,
        )


@contextlib.contextmanager
def _removed_unless_failed(file: Path) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        file.unlink(missing_ok=True)
        raise
    file.unlink(missing_ok=True)


def tell_api_its_url(cloud: Cloud, function_name: str, api_url: str) -> None:
    """Tell the API's function the URL that it is called at.

    On AWS it finds the URL in the context of a request. The emulator's URLs have the API's id in
    the path, and the context does not say so. Only after the deployment, because the stage, whose
    URL it is, depends on the function.
    """
    client = cloud.client("lambda")
    configuration = client.get_function_configuration(FunctionName=function_name)
    variables = {**configuration["Environment"]["Variables"], "API_BASE_URL": api_url}
    client.update_function_configuration(
        FunctionName=function_name, Environment={"Variables": variables}
    )


def start_functions(cloud: Cloud, function_names: list[str]) -> None:
    """Invoke each function with nothing to do: one that cannot start shows now, not in a queue.

    The first requests then also find processes that run already.
    """

    def start(function_name: str) -> None:
        answer = cloud.client("lambda").invoke(
            FunctionName=function_name, Payload=json.dumps(NOTHING_TO_DO)
        )
        if "FunctionError" in answer:
            raise DeploymentError(f"{function_name}: {answer['Payload'].read().decode()}")

    with ThreadPoolExecutor(len(function_names)) as threads:
        list(threads.map(start, function_names))
