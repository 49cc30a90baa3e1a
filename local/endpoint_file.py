"""`.local/endpoint.json`: where tools find the deployment that is running."""

import json
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

from local.deployment import STATE_DIRECTORY, Deployment


class EndpointFile:
    """The file of one deployment. Whoever wrote it removes it, nobody else.

    While another deployment is running and has the usual name, this one's name has the process id.
    """

    def __init__(self, deployment: Deployment, directory: Path = STATE_DIRECTORY) -> None:
        self._directory = directory
        self._text = json.dumps(
            {
                "api_url": deployment.api_url,
                "api_key": deployment.api_key,
                "simulator_url": deployment.simulator_url,
            },
            indent=2,
        )
        self.path = directory / "endpoint.json"

    def write(self) -> None:
        """Write the file at once: a reader never sees half of it."""
        if _is_alive(self.path):
            self.path = self._directory / f"endpoint-{os.getpid()}.json"
        self._directory.mkdir(parents=True, exist_ok=True)
        draft = self._directory / f".endpoint-{os.getpid()}"
        # It holds a key, though only one that opens this machine's deployment.
        draft.touch(mode=0o600)
        draft.write_text(self._text + "\n")
        draft.replace(self.path)

    def remove(self) -> None:
        """Remove the file, unless another deployment's has taken its place."""
        try:
            if self.path.read_text().strip() == self._text:
                self.path.unlink()
        except FileNotFoundError:
            pass


def _is_alive(path: Path) -> bool:
    try:
        address = urlsplit(json.loads(path.read_text())["api_url"])
        with socket.create_connection((address.hostname, address.port), timeout=1):
            return True
    except (OSError, ValueError, KeyError):
        return False
