from collections.abc import Iterator
from pathlib import Path

import pytest

from local.api_client import ApiClient
from local.deployment import STATE_DIRECTORY, Deployment, running_deployment
from local.scenario_run import Run, ScenarioRunner
from local.scenarios import SCENARIOS
from tests.support.calls import note_calls


@pytest.fixture(scope="session")
def calls_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the deployed functions note what they call."""
    return tmp_path_factory.mktemp("calls") / "calls.jsonl"


@pytest.fixture(scope="session")
def deployment(calls_file: Path) -> Iterator[Deployment]:
    with running_deployment() as deployment:
        deployment.log_file.rename(STATE_DIRECTORY / "e2e.log")  # kept, to explain failures
        note_calls(deployment, calls_file)
        yield deployment


@pytest.fixture(scope="session")
def api(deployment: Deployment) -> ApiClient:
    return ApiClient(deployment.api_url, deployment.api_key)


@pytest.fixture(scope="session")
def runs(deployment: Deployment, api: ApiClient) -> dict[str, Run]:
    # All at once: one after another their waits would add up to minutes.
    runner = ScenarioRunner(api, deployment.simulator_url, SCENARIOS)
    runner.start()
    assert runner.wait(90), "the scenarios were not decided in time"
    return {run.scenario.name: run for run in runner.runs}
