"""The AWS clients, each made once, when it is first used.

By botocore, without boto3: importing boto3 loads the transfer manager of S3 as well.
"""

from functools import cache
from threading import Lock
from typing import Any, Final

from botocore.config import Config
from botocore.session import Session, get_session

# Calls that may be repeated: short timeouts, so that retries fit into the function's own.
_DATA: Final = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"total_max_attempts": 2, "mode": "standard"},
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
# Makes each client once, and one session may not make two at a time.
_making: Final = Lock()


def data_client(service: str) -> Any:  # noqa: ANN401  botocore makes the client's class at run time
    """Return the client of a service whose calls may be repeated."""
    with _making:
        return _client(service, _DATA)


def send_client(service: str) -> Any:  # noqa: ANN401  botocore makes the client's class at run time
    """Return the client of a provider: one attempt, because a repeated send is a second message."""
    with _making:
        return _client(service, _SEND)


@cache
def _client(service: str, config: Config) -> Any:  # noqa: ANN401
    return _session().create_client(service, config=config)


@cache
def _session() -> Session:
    return get_session()
