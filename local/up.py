"""`python -m local up`: keep a deployment running until Ctrl-C or SIGTERM."""

import contextlib
import json
import shlex
import threading
from pathlib import Path

from local.deployment import Deployment, running_deployment
from local.endpoint_file import EndpointFile
from local.requests import chain, email, sms

EXAMPLE = chain(email("silent@example.com"), sms("+14254147755"), wait=10)


def up() -> None:
    """Deploy, say how to use it, and wait for the signal that ends it."""
    print("Deploying on this machine ...", flush=True)
    with running_deployment() as deployment:
        file = EndpointFile(deployment)
        file.write()
        outputs = write_outputs(deployment, file.path)
        try:
            print(_instructions(deployment, file, outputs), flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
        finally:
            file.remove()
            outputs.unlink(missing_ok=True)


def write_outputs(deployment: Deployment, endpoint_file: Path) -> Path:
    """Write what the operator's commands take, next to the endpoint file and named like it."""
    path = endpoint_file.with_name(endpoint_file.name.replace("endpoint", "outputs"))
    # A key is in it. `touch` would leave the mode of a file that is there already as it is.
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    outputs = {**deployment.outputs, "aws_endpoint_url": deployment.cloud.emulator_url}
    path.write_text(json.dumps(outputs, indent=2) + "\n", encoding="utf-8")
    return path


def curl_command(deployment: Deployment) -> str:
    """Return a command that sends an example message, as it can be pasted into a shell."""
    return shlex.join(
        [
            *("curl", "-sS", f"{deployment.api_url}/messages"),
            *("-H", f"x-api-key: {deployment.api_key}"),
            *("-H", "content-type: application/json"),
            *("-d", json.dumps(EXAMPLE)),
        ]
    )


def _instructions(deployment: Deployment, file: EndpointFile, outputs: Path) -> str:
    return f"""
API       {deployment.api_url}
API key   {deployment.api_key}
outbox    {deployment.simulator_url}/outbox
logs      {deployment.log_file}
for tools {file.path}
outputs   {outputs}, for the operator's commands: make explain OUTPUTS=... ID=...

An email that stays silent, and after 10 seconds an SMS instead of it:

{curl_command(deployment)}

The answer has a status_url; ask it with the same x-api-key header. Ctrl-C stops everything."""
