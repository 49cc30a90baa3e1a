"""`python -m local up`: keep a deployment running until Ctrl-C or SIGTERM."""

import contextlib
import json
import shlex
import threading

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
        try:
            print(_instructions(deployment, file), flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
        finally:
            file.remove()


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


def _instructions(deployment: Deployment, file: EndpointFile) -> str:
    return f"""
API       {deployment.api_url}
API key   {deployment.api_key}
outbox    {deployment.simulator_url}/outbox
logs      {deployment.log_file}
for tools {file.path}

An email that stays silent, and after 10 seconds an SMS instead of it:

{curl_command(deployment)}

The answer has a status_url; ask it with the same x-api-key header. Ctrl-C stops everything."""
