"""What `verify` finds out, for each place where a message or its events can stop."""

import json
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from operations import __main__ as commands
from operations import api, verification
from operations.account import allowances
from operations.api import Answer, caller
from operations.stack import Stack, StackError
from operations.verification import MAIL_RECIPIENT, TEXT_RECIPIENT, Finding, Probe, verify
from tests.support.events import ses, sms
from tests.support.runtime_world import World, client_error

TOPIC = "arn:aws:sns:us-east-1:123456789012:events"
MAIL = Probe("email", "shop@example.com", MAIL_RECIPIENT)
TEXT = Probe("sms", "+12065550100", TEXT_RECIPIENT)
Step = Callable[[str], None]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "_PAUSE_SECONDS", 0)


@pytest.fixture
def probe_with(world: World, stack: Stack) -> Callable[..., Finding]:
    """Verify with an API that does `happens` with the message before each answer."""

    def verifying(happens: Step, probe: Probe = MAIL) -> Finding:
        todo = [happens]

        def call(method: str, path: str, body: dict[str, Any] | None) -> Answer:
            if path == "/messages":
                taken = world.post(body)
                return Answer(taken.status, taken.body)
            message_id = path.split("/")[2]
            if method == "POST":
                assert path == f"/messages/{message_id}/cancel"
                cancelled = world.cancel(message_id)
                return Answer(cancelled.status, cancelled.body)
            if todo:
                todo.pop()(message_id)
            return Answer(200, world.document(message_id))

        return verify(stack, call, probe, wait_seconds=0)

    return verifying


@pytest.fixture
def destinations(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give the configuration sets these event destinations."""

    def having(*found: dict[str, Any]) -> None:
        listed = list(found)
        clients = {
            "sesv2": SimpleNamespace(
                get_configuration_set_event_destinations=lambda **_: {"EventDestinations": listed}
            ),
            "pinpoint-sms-voice-v2": SimpleNamespace(
                describe_configuration_sets=lambda **_: {
                    "ConfigurationSets": [{"EventDestinations": listed}]
                }
            ),
        }
        make = Stack.client

        def client(of: Stack, service: str) -> Any:
            return clients[service] if service in clients else make(of, service)

        monkeypatch.setattr(Stack, "client", client)
        stack.outputs.update({"ses_configuration_set": "mails", "sms_configuration_set": "texts"})

    return having


def destination(topic: str = TOPIC, *, enabled: bool = True) -> dict[str, Any]:
    return {"Enabled": enabled, "SnsDestination": {"TopicArn": topic}}


@pytest.mark.parametrize(
    ("probe", "receipt"),
    [
        (MAIL, lambda id_: ses("Delivery", id_, 0)),
        (MAIL, lambda id_: ses("Send", id_, 0)),
        (TEXT, lambda id_: sms("TEXT_SUCCESSFUL", id_, 0)),
    ],
)
def test_a_receipt_in_the_row_is_the_proof(world, probe_with, probe, receipt) -> None:
    def happens(message_id: str) -> None:
        world.start(message_id)
        world.normalize(receipt(message_id))

    finding = probe_with(happens, probe)

    assert finding.arrived
    assert str(finding).startswith(f"{probe.channel} to {probe.recipient}: a receipt says ")


def test_the_probe_is_sent_once_whatever_comes_of_it(world, probe_with, destinations) -> None:
    destinations(destination())
    finding = probe_with(world.start)
    assert not finding.arrived
    (message_id,) = [p.removeprefix("id ") for p in finding.places if p.startswith("id ")]
    world.now += 7_200_000
    world.fire({"message_id": message_id, "step": 1, "due_at": world.now})
    assert len(world.providers["email"].requests) == 1


def test_what_nobody_sends_is_looked_for_at_the_sender(probe_with) -> None:
    finding = probe_with(lambda _: None)

    assert finding.text == "not sent within 0 s"
    assert "send-primary" in str(finding)
    assert "intake has grown" in str(finding)


def test_what_the_provider_refuses_is_said_with_its_reason(world, probe_with) -> None:
    world.providers["email"].answers.append(client_error("AccessDeniedException"))
    finding = probe_with(world.start)

    assert finding.text.startswith("refused by the provider: configuration")
    assert "sesIdentities" in finding.places[0]


def test_what_the_api_refuses_is_said_with_its_faults(world, probe_with, monkeypatch) -> None:
    monkeypatch.setenv("ALLOWED_SENDERS", '["@other.example.com"]')
    finding = probe_with(lambda _: None)

    assert finding.text == "not accepted"
    assert "403" in finding.places[0]
    assert any("/pc/sender: the sender is not one of" in place for place in finding.places)


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ([], f"has none to {TOPIC}"),
        ([destination(f"{TOPIC}-of-another")], f"has none to {TOPIC}"),
        ([destination(enabled=False)], "is disabled"),
        ([destination()], "amazonaws.com publish"),
        ([destination(enabled=False), destination()], "amazonaws.com publish"),
    ],
)
@pytest.mark.parametrize("probe", [MAIL, TEXT])
def test_silence_is_looked_for_at_the_destination_then_at_the_policies(
    world, probe_with, destinations, found, sentence, probe
) -> None:
    destinations(*found)
    finding = probe_with(world.start, probe)

    assert finding.text == "sent, but no event has changed the row within 0 s"
    assert sentence in str(finding)


@pytest.mark.parametrize("output", ["ses_configuration_set", "ses_config_set_name"])
def test_a_stack_without_a_set_is_told_so(world, stack, probe_with, output) -> None:
    # A program that exports neither says nothing about its set.
    assert "without a configuration set" not in str(probe_with(world.start))
    stack.outputs.update({output: ""})
    assert "without a configuration set" in str(probe_with(world.start))


@pytest.mark.parametrize(
    ("queue", "sentence"),
    [
        ("quarantine", "make quarantine: the event could not be read"),
        ("stream-failures", "make quarantine: the normalizer could not apply"),
        ("events-dead-letters", "SNS could not deliver"),
        ("events", "relay-events does not take"),
    ],
)
def test_an_event_that_stopped_on_the_way_is_found(world, probe_with, queue, sentence) -> None:
    url = world.sqs.get_queue_url(QueueName=queue)["QueueUrl"]

    def happens(message_id: str) -> None:
        world.start(message_id)
        world.sqs.send_message(QueueUrl=url, MessageBody="{}")

    # One that was there before says nothing.
    world.sqs.send_message(
        QueueUrl=world.sqs.get_queue_url(QueueName="intake-dead-letters")["QueueUrl"],
        MessageBody="{}",
    )
    finding = probe_with(happens)

    assert sentence in str(finding)
    assert "intake dead letters" not in str(finding)


def stubbed(service: str, operation: str, answer: dict[str, Any] | None) -> tuple[Any, Stubber]:
    client = boto3.client(
        service, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    stubber = Stubber(client)
    if answer is None:
        stubber.add_client_error(operation, "AccessDeniedException")
    else:
        stubber.add_response(operation, answer)
    stubber.activate()
    return client, stubber


def limits(concurrency: int) -> dict[str, Any]:
    return {"AccountLimit": {"ConcurrentExecutions": concurrency}}


def account(*, production: bool, sending: bool = True) -> dict[str, Any]:
    quota = {"MaxSendRate": 1.0, "Max24HourSend": 200.0, "SentLast24Hours": 0.0}
    return {
        "ProductionAccessEnabled": production,
        "SendingEnabled": sending,
        "EnforcementStatus": "HEALTHY" if sending else "SHUTDOWN",
        "SendQuota": quota,
    }


def spending(dollars: int) -> dict[str, Any]:
    limit = {"Name": "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT", "EnforcedLimit": dollars}
    return {"SpendLimits": [{**limit, "MaxLimit": dollars, "Overridden": False}]}


def tier(name: str) -> dict[str, Any]:
    return {"AccountAttributes": [{"Name": "ACCOUNT_TIER", "Value": name}]}


@pytest.fixture
def account_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Read the allowances of an account that answers so; None refuses the operator."""

    def reading(stack: Stack, **answers: dict[str, Any] | None) -> list[str]:
        services = {
            "get_account_settings": "lambda",
            "get_account": "sesv2",
            "describe_account_attributes": "pinpoint-sms-voice-v2",
            "describe_spend_limits": "pinpoint-sms-voice-v2",
        }
        clients: dict[str, Iterator[Any]] = {}
        for service in services.values():
            clients[service] = iter(
                [
                    stubbed(service, operation, answers[operation])[0]
                    for operation, of in services.items()
                    if of == service
                ]
            )
        monkeypatch.setattr(Stack, "client", lambda _stack, service: next(clients[service]))
        return [str(allowance) for allowance in allowances(stack)]

    return reading


def test_a_new_account_is_low_in_everything(stack, account_of) -> None:
    found = account_of(
        stack,
        get_account_settings=limits(10),
        get_account=account(production=False),
        describe_account_attributes=tier("SANDBOX"),
        describe_spend_limits=spending(1),
    )

    assert found == [
        "low  Lambda: 10 executions at once in the Region (quota L-B99A9384)",
        "low  SES: sandbox, verified recipients only, 1 mails a second, 200 a day",
        "low  SMS: sandbox, verified and simulator recipients only",
        "low  TEXT spending: $1 a month",
    ]


def test_an_account_in_production_is_low_in_nothing(stack, account_of) -> None:
    found = account_of(
        stack,
        get_account_settings=limits(1000),
        get_account=account(production=True),
        describe_account_attributes=tier("PRODUCTION"),
        describe_spend_limits=spending(500),
    )

    assert len(found) == 4
    assert all(line.startswith("ok ") for line in found)


def test_an_account_that_may_not_send_is_told_so(stack, account_of) -> None:
    found = account_of(
        stack,
        get_account_settings=limits(1000),
        get_account=account(production=True, sending=False),
        describe_account_attributes=tier("PRODUCTION"),
        describe_spend_limits=spending(500),
    )

    assert "low  SES: sending is switched off for the account (SHUTDOWN)" in found


def test_what_the_operator_may_not_read_is_no_fault(stack, account_of) -> None:
    found = account_of(
        stack,
        get_account_settings=None,
        get_account=None,
        describe_account_attributes=None,
        describe_spend_limits=None,
    )

    assert len(found) == 4
    assert all("not readable (AccessDeniedException)" in line for line in found)


class Sent:
    """Catches requests instead of sending them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.requests: list[Any] = []
        monkeypatch.setattr(api.urllib.request, "urlopen", self._open)

    def _open(self, request: Any, **_: object) -> Any:
        self.requests.append(request)
        raise urllib.error.URLError("no network in tests")


def test_the_key_that_pulumi_hides_is_read_from_aws(stack, monkeypatch) -> None:
    client, _ = stubbed("apigateway", "get_api_key", {"id": "k", "value": "the-key"})
    monkeypatch.setattr(Stack, "client", lambda *_: client)
    stack.outputs.update(
        {"api_url": "https://a.example/v1", "api_key": "[secret]", "api_key_id": "k"}
    )
    sent = Sent(monkeypatch)
    with pytest.raises(StackError, match="does not answer"):
        caller(stack)("GET", "/messages/1", None)
    assert sent.requests[0].get_header("X-api-key") == "the-key"


def test_without_a_key_requests_are_signed(stack, monkeypatch) -> None:
    stack.outputs.update({"api_url": "https://a.example/v1", "api_key": ""})
    sent = Sent(monkeypatch)
    with pytest.raises(StackError, match="does not answer"):
        caller(stack)("POST", "/messages", {"use_case": "fallback"})
    (request,) = sent.requests
    assert request.full_url == "https://a.example/v1/messages"
    assert "/us-east-1/execute-api/aws4_request" in request.get_header("Authorization")
    assert json.loads(request.data) == {"use_case": "fallback"}


@pytest.mark.parametrize("url", [None, "file:///etc/passwd"])
def test_a_stack_without_an_api_is_an_error_and_nothing_is_done(stack, outputs, run, url) -> None:
    if url:
        document = stack.outputs | {"api_url": url}
        Path(outputs).write_text(json.dumps(document))
    result = run("verify", "--mail-sender", "shop@example.com")

    assert result.status == 2
    assert result.error.startswith("error: ")
    assert result.error.count("\n") == 1


def test_the_status_says_whether_a_receipt_came(stack, outputs, run, monkeypatch) -> None:
    asked: list[Probe] = []

    def found(_stack: Stack, _call: Any, probe: Probe, _wait: int) -> Finding:
        asked.append(probe)
        return Finding(probe, arrived=probe.channel == "email", text="…")

    monkeypatch.setattr(commands, "verify", found)
    monkeypatch.setattr(commands, "caller", lambda _: None)
    monkeypatch.setattr(commands, "allowances", lambda _: iter(()))
    assert run("verify", "--mail-sender", "a@example.com").status == 0
    assert run("verify", "--text-sender", "ME", "--text-recipient", "+491").status == 1
    assert asked == [Probe("email", "a@example.com", MAIL_RECIPIENT), Probe("sms", "ME", "+491")]
    assert run("verify").text.startswith("nothing sent")
