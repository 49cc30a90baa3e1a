"""The AWS clients, each made once, when it is first used."""

from functools import cache
from threading import Lock
from typing import Any, Final

import boto3
from botocore.config import Config

# Calls that may be repeated: short timeouts, so that retries fit into the function's own.
_DATA: Final = Config(
    connect_timeout=2,
    read_timeout=4,
    retries={"total_max_attempts": 3, "mode": "standard"},
    max_pool_connections=32,
    # Walking through every attribute of every row was a third of the normalizer's CPU, and what it
    # would find the service finds too.
    parameter_validation=False,
)
# No provider takes an idempotency token, and botocore repeats a timed-out call four times by
# default: that would be five texts.
_SEND: Final = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"total_max_attempts": 1},
    max_pool_connections=32,
)
# Makes each client once, and boto3's default session may not be used by two threads at a time.
_making: Final = Lock()


def data_client(service: str) -> Any:  # noqa: ANN401  boto3 makes the client's class at run time
    """Return the client of a service whose calls may be repeated."""
    with _making:
        return _client(service, _DATA)


def send_client(service: str) -> Any:  # noqa: ANN401  boto3 makes the client's class at run time
    """Return the client of a provider: one attempt, because a repeated send is a second message."""
    with _making:
        return _client(service, _SEND)


@cache
def _client(service: str, config: Config) -> Any:  # noqa: ANN401
    return boto3.client(service, config=config)  # type: ignore[call-overload]
