"""All that the demo's scenarios leave behind: nobody is named but where it has to be."""

import json
from pathlib import Path

import pytest

from local.api_client import fetch_outbox
from local.deployment import STATE_DIRECTORY, Deployment
from local.scenario_run import Run
from tests.support.redaction import places_that_name, private_words, stream_records

LOG_FILE = STATE_DIRECTORY / "e2e.log"


@pytest.fixture(scope="module")
def words(deployment: Deployment, runs: dict[str, Run]) -> set[str]:
    """What the scenarios have sent, and to whom."""
    assert runs
    # Meta's ids have the recipient's number in them.
    return private_words(fetch_outbox(deployment.simulator_url)) | {"wamid."}


def test_logs_queues_stream_and_rows_name_nobody(
    deployment: Deployment, calls_file: Path, words: set[str]
) -> None:
    assert list(places_that_name(words, deployment, LOG_FILE, calls_file)) == []


@pytest.mark.usefixtures("runs")
def test_all_of_it_was_looked_at(deployment: Deployment, calls_file: Path) -> None:
    assert "step sent" in LOG_FILE.read_text(errors="replace")
    assert '"service": "sqs"' in calls_file.read_text()
    assert list(stream_records(deployment))


def test_a_name_would_be_noticed(
    deployment: Deployment, calls_file: Path, words: set[str], tmp_path: Path
) -> None:
    assert {"silent@example.com", "+14254147755", "Third time lucky."} <= words
    log_file, calls = tmp_path / "log", tmp_path / "calls"
    log_file.write_text("to silent@example.com\n")
    body = json.dumps({"text": "Third time lucky."})
    call = {"service": "sqs", "parameters": {"MessageBody": body}}
    calls.write_text(json.dumps(call) + "\n")
    found = list(places_that_name(words, deployment, log_file, calls))
    assert [place.split(":")[0] for place in found] == ["log", "queue"]
