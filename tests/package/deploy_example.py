"""Deploys examples/python on the emulator and sends a message; run where the wheel is installed."""

import json
import sys
import tempfile
import time
from pathlib import Path

import fallback_messaging

from local.api_client import ApiClient, fetch_outbox
from local.cloud import ACCOUNT_ID, Cloud
from local.deployer import deploy
from local.deployment import start_functions, tell_api_its_url
from local.emulator import PROJECT_DIRECTORY, Emulator, free_port
from local.program import Project
from local.requests import chain, email, sms
from local.simulator import ProviderSimulator

REGION = "us-east-1"
ACCEPTED = 202


def main() -> None:
    project = Project.read(PROJECT_DIRECTORY / "examples" / "python")
    emulator_url = f"http://127.0.0.1:{free_port()}"
    simulator = ProviderSimulator(emulator_url, REGION, ACCOUNT_ID)
    cloud = Cloud(emulator_url, simulator.url, REGION)
    with (
        tempfile.TemporaryDirectory() as directory,
        Emulator(cloud, Path(directory) / "emulator.log"),
        simulator,
    ):
        outputs = deploy(project, "dev", cloud)
        url = str(outputs["messages_url"]).removesuffix("/messages")
        functions = cloud.client("lambda").list_functions()["Functions"]
        names = [function["FunctionName"] for function in functions]
        tell_api_its_url(cloud, next(n for n in names if n.endswith("-message-api")), url)
        start_functions(cloud, names)
        shop = ApiClient(url, str(outputs["shop_key"]))
        answer = shop.post(chain(email("bounce@example.com"), sms("+14254147755"), wait=60))
        if answer.status != ACCEPTED:
            raise SystemExit(f"{answer.status}: {answer.document}")
        support = ApiClient(url, str(outputs["support_key"]))
        result = {
            "package": fallback_messaging.__file__,
            "status": _final_status(support, str(answer.document["message_id"])),
            "without_key": ApiClient(url, "wrong").post({}).status,
            "sends": [send["provider"] for send in fetch_outbox(simulator.url)],
        }
    sys.stdout.write(json.dumps(result) + "\n")


def _final_status(support: ApiClient, message_id: str) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        status = str(support.status(message_id).document["status"])
        if status == "delivered":
            break
        time.sleep(0.3)
    return status


if __name__ == "__main__":
    main()
