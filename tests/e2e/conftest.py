from collections.abc import Iterator

import pytest

from local.api_client import ApiClient
from local.deployment import STATE_DIRECTORY, Deployment, running_deployment


@pytest.fixture(scope="session")
def deployment() -> Iterator[Deployment]:
    with running_deployment() as deployment:
        deployment.log_file.rename(STATE_DIRECTORY / "e2e.log")  # kept, to explain failures
        yield deployment


@pytest.fixture(scope="session")
def api(deployment: Deployment) -> ApiClient:
    return ApiClient(deployment.api_url, deployment.api_key)
