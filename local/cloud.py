"""Where AWS is on this machine: the emulator, and the simulator for what the emulator lacks."""

import threading
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

ACCOUNT_ID = "123456789012"
ACCESS_KEY_ID = "local"
SECRET_ACCESS_KEY = "local"  # noqa: S105 -- the emulator checks no signatures

SIMULATED_SERVICES = ("sesv2", "pinpoint-sms-voice-v2", "socialmessaging")


@dataclass(frozen=True)
class Cloud:
    """Endpoints, region and account of one local deployment, and boto3 clients for them."""

    emulator_url: str
    simulator_url: str
    region: str
    account_id: str = ACCOUNT_ID
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def environment(self) -> dict[str, str]:
        """Return the variables that point any AWS SDK at this machine, and at nothing else."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": self.emulator_url,
            "AWS_ENDPOINT_URL_SESV2": self.simulator_url,
            "AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2": self.simulator_url,
            "AWS_ENDPOINT_URL_SOCIALMESSAGING": self.simulator_url,
            # A profile of the user's own must neither be read nor break anything.
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:  # noqa: ANN401 -- a boto3 client of any service
        """Return the one client of a service; clients, unlike sessions, are thread-safe."""
        with self._lock:
            if service not in self._clients:
                simulated = service in SIMULATED_SERVICES
                self._clients[service] = boto3.Session().client(
                    service,  # type: ignore[call-overload]  # any service, not a literal
                    endpoint_url=self.simulator_url if simulated else self.emulator_url,
                    region_name=self.region,
                    aws_access_key_id=ACCESS_KEY_ID,
                    aws_secret_access_key=SECRET_ACCESS_KEY,
                    config=Config(retries={"total_max_attempts": 2}, max_pool_connections=32),
                )
            return self._clients[service]
