"""The demo's scenarios through HTTP, the deployed functions and the simulated providers."""

import pytest

from local.api_client import ApiClient, fetch_outbox
from local.deployment import Deployment
from local.scenario_run import Run
from local.scenarios import SCENARIOS, Scenario


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_scenario_ends_as_expected(scenario: Scenario, runs: dict[str, Run]) -> None:
    assert runs[scenario.name].faults == []


@pytest.mark.usefixtures("runs")
def test_providers_got_nothing_that_no_scenario_accounts_for(deployment: Deployment) -> None:
    expected = sum(len(scenario.expected.sends) for scenario in SCENARIOS if scenario.expected)
    assert len(fetch_outbox(deployment.simulator_url)) == expected


def test_expectation_notices_a_wrong_outcome(runs: dict[str, Run]) -> None:
    silent = next(scenario for scenario in SCENARIOS if scenario.name == "silent")
    assert silent.faults(runs["delivered"].seen)
    delivered = next(scenario for scenario in SCENARIOS if scenario.name == "delivered")
    assert delivered.faults(runs["silent"].seen)


def test_request_without_the_key_is_refused(deployment: Deployment) -> None:
    answer = ApiClient(deployment.api_url, "wrong").post({"use_case": "fallback"})
    assert (answer.status, answer.content_type) == (403, "application/problem+json")
    assert answer.document["title"] == "Missing or unknown API key"
    assert answer.document["status"] == 403


def test_unknown_message_is_not_found(api: ApiClient) -> None:
    answer = api.status("00000000-0000-4000-8000-000000000000")
    assert (answer.status, answer.content_type) == (404, "application/problem+json")


def test_status_url_can_be_asked_and_shows_no_content(
    api: ApiClient, deployment: Deployment, runs: dict[str, Run]
) -> None:
    run = runs["delivered"]
    message_id = run.seen.message_id
    assert message_id is not None
    assert run.seen.answers[0].document["message"] == "Message sent to the queue"
    assert (
        run.seen.answers[0].document["status_url"] == f"{deployment.api_url}/messages/{message_id}"
    )
    assert "simulator.amazonses.com" not in str(api.status(message_id).document)


def test_every_deployed_event_destination_names_the_stack_topic(deployment: Deployment) -> None:
    whatsapp = deployment.cloud.client("socialmessaging")
    account = whatsapp.list_linked_whatsapp_business_accounts()["linkedAccounts"][0]
    topics = {item["eventDestinationArn"] for item in account["eventDestinations"]}
    assert len(topics) == 1
    assert topics.pop().startswith("arn:aws:sns:")
