"""`python -m local up`: keep a deployment running until Ctrl-C or SIGTERM."""

import contextlib
import json
import shlex
import time
from pathlib import Path

from local.cloud import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from local.deployment import STATE_DIRECTORY, Deployment, running_deployment
from local.emulator import EmulatorError
from local.endpoint_file import EndpointFile
from local.requests import chain, email, sms

EXAMPLE = chain(email("silent@example.com"), sms("+14254147755"), wait=10)
_LOOK_SECONDS = 0.5


def up() -> None:
    """Deploy, say how to use it, and wait for the signal that ends it.

    Raises EmulatorError when the emulator ends before that.
    """
    print("Deploying on this machine ...", flush=True)
    with running_deployment() as deployment:
        file = EndpointFile(deployment)
        file.write()
        outputs = write_outputs(deployment, file.path)
        try:
            print(instructions(deployment, file.path, outputs), flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                _watch(deployment)
        finally:
            file.remove()
            outputs.unlink(missing_ok=True)
        log_file = deployment.log_file.rename(STATE_DIRECTORY / "local.log")
    print(f"Stopped. What the functions logged: {log_file}", flush=True)


def _watch(deployment: Deployment) -> None:
    while deployment.emulator.is_running:
        time.sleep(_LOOK_SECONDS)
    raise EmulatorError(
        f"The emulator has ended, and all messages with it: run `make local` again. "
        f"What it logged: {deployment.log_file}"
    )


def write_outputs(deployment: Deployment, endpoint_file: Path) -> Path:
    """Write what the operator's commands take, next to the endpoint file and named like it."""
    path = endpoint_file.with_name(endpoint_file.name.replace("endpoint", "outputs"))
    # A key is in it. `touch` would leave the mode of a file that is there already as it is.
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    outputs = {
        **deployment.outputs,
        "aws_endpoint_url": deployment.cloud.emulator_url,
        "provider_endpoint_url": deployment.simulator_url,
    }
    path.write_text(json.dumps(outputs, indent=2) + "\n", encoding="utf-8")
    return path


def curl_command(deployment: Deployment) -> str:
    """Return a command that sends an example message, as it can be pasted into a shell."""
    return shlex.join(
        [
            *("curl", "-sS", f"{deployment.api_url}/messages"),
            *_credentials(deployment),
            *("-H", "content-type: application/json"),
            *("-d", json.dumps(EXAMPLE)),
        ]
    )


def _credentials(deployment: Deployment) -> list[str]:
    if deployment.api_key:
        return ["-H", f"x-api-key: {deployment.api_key}"]
    # With `authorization: IAM` there is no key. `curl` signs since 7.75.
    provider = f"aws:amz:{deployment.cloud.region}:execute-api"
    return ["--aws-sigv4", provider, "--user", f"{ACCESS_KEY_ID}:{SECRET_ACCESS_KEY}"]


def instructions(deployment: Deployment, endpoint_file: Path, outputs: Path) -> str:
    """Return what to do with a deployment, for people."""
    credentials = shlex.join(_credentials(deployment))
    return f"""
API       {deployment.api_url}
API key   {deployment.api_key or "none: calls are signed (authorization is IAM)"}
outbox    {deployment.simulator_url}/outbox
logs      {deployment.log_file}
for tools {endpoint_file}
outputs   {outputs}, for the operator's commands: make explain OUTPUTS=... ID=...

An email that stays silent, and after 10 seconds an SMS instead of it:

{curl_command(deployment)}

The answer has a status_url; ask it with the same credentials: curl -sS {credentials} STATUS_URL
Ctrl-C stops everything."""
