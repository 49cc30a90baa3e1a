"""The dynamic resource: an account has room for one destination, and it may be somebody else's."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from pulumi.dynamic import ConfigureRequest
from pulumi.dynamic.config import Config
from pulumi.runtime.rpc import UNKNOWN

from infra.whatsapp_event_destination import (
    DestinationTakenError,
    WhatsAppEventDestinationProvider,
    WrongAccountError,
)

WABA = "waba-" + "0" * 32
OURS = "arn:aws:sns:eu-west-1:123456789012:ours"
OLD = "arn:aws:sns:eu-west-1:123456789012:old"
THEIRS = "arn:aws:sns:eu-west-1:123456789012:theirs"
STACK_ACCOUNT = "123456789012"
PROPS = {
    "business_account_id": WABA,
    "topic_arn": OURS,
    "region": "eu-west-1",
    "account_id": STACK_ACCOUNT,
}


class Account:
    """An account at AWS; botocore's own model checks what it is asked and what it says."""

    def __init__(self) -> None:
        self.profiles: list[str | None] = []
        self.regions: list[str] = []
        self._client = boto3.client(
            "socialmessaging",
            region_name="eu-west-1",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
        )
        self.stub = Stubber(self._client)
        self.credentials_of = STACK_ACCOUNT

    def session(self, profile_name: str | None = None) -> "Account":
        self.profiles.append(profile_name)
        return self

    def client(self, service: str, region_name: str) -> Any:
        self.regions.append(region_name)
        if service == "sts":
            return self
        assert service == "socialmessaging"
        return self._client

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": self.credentials_of}

    def is_not_linked(self) -> None:
        self.stub.add_client_error(
            "get_linked_whatsapp_business_account", "ResourceNotFoundException"
        )

    def sends_to(self, *destinations: str) -> None:
        account = {
            "arn": f"arn:aws:social-messaging:eu-west-1:123456789012:waba/{'0' * 32}",
            "id": WABA,
            "wabaId": "1",
            "registrationStatus": "COMPLETE",
            "linkDate": 0,
            "wabaName": "ours",
            "eventDestinations": [{"eventDestinationArn": arn} for arn in destinations],
            "phoneNumbers": [],
        }
        self.stub.add_response(
            "get_linked_whatsapp_business_account", {"account": account}, {"id": WABA}
        )

    def will_be_set_to(self, *destinations: str) -> None:
        self.stub.add_response(
            "put_whatsapp_business_account_event_destinations",
            {},
            {
                "id": WABA,
                "eventDestinations": [{"eventDestinationArn": arn} for arn in destinations],
            },
        )


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    account = Account()
    monkeypatch.setattr(boto3, "Session", account.session)
    with account.stub:
        yield account
        account.stub.assert_no_pending_responses()


@pytest.fixture
def provider() -> WhatsAppEventDestinationProvider:
    return WhatsAppEventDestinationProvider()


def test_an_account_without_a_destination_gets_ours(account: Account, provider: Any) -> None:
    account.sends_to()
    account.will_be_set_to(OURS)

    created = provider.create(PROPS)

    assert (created.id, created.outs) == (WABA, PROPS)
    assert set(account.regions) == {"eu-west-1"}


def test_a_destination_that_is_ours_already_is_left_as_it_is(
    account: Account, provider: Any
) -> None:
    account.sends_to(OURS)

    assert provider.create(PROPS).id == WABA


def test_somebody_elses_destination_is_never_replaced(account: Account, provider: Any) -> None:
    account.sends_to(THEIRS)

    with pytest.raises(DestinationTakenError) as error:
        provider.create(PROPS)

    assert THEIRS in str(error.value)
    assert WABA in str(error.value)
    assert "whatsAppBusinessAccountIds" in str(error.value)


@pytest.mark.parametrize("topic", [OURS, UNKNOWN])
def test_somebody_elses_destination_is_refused_before_anything_is_created(
    account: Account, provider: Any, topic: str
) -> None:
    account.sends_to(THEIRS)

    (failure,) = provider.check({}, {**PROPS, "topic_arn": topic}).failures

    assert failure.property == "business_account_id"
    assert THEIRS in failure.reason


def test_credentials_of_another_account_are_refused_before_anything_is_created(
    account: Account, provider: Any
) -> None:
    account.credentials_of = "999999999999"

    (failure,) = provider.check({}, PROPS).failures

    assert "999999999999" in failure.reason


def test_a_preview_takes_what_an_update_takes(account: Account, provider: Any) -> None:
    for current in ((), (OLD,), (OURS,)):
        account.sends_to(*current)
        assert provider.check({**PROPS, "topic_arn": OLD}, PROPS).failures == []


def test_a_preview_needs_no_access(account: Account, provider: Any) -> None:
    account.is_not_linked()

    checked = provider.check({}, PROPS)

    assert (checked.inputs, checked.failures) == (PROPS, [])
    assert provider.check({}, {**PROPS, "region": UNKNOWN}).failures == []


def test_credentials_of_another_account_change_nothing(account: Account, provider: Any) -> None:
    account.credentials_of = "999999999999"

    with pytest.raises(WrongAccountError, match=r"999999999999.*123456789012"):
        provider.create(PROPS)


def test_an_account_that_is_no_longer_linked_is_gone(account: Account, provider: Any) -> None:
    account.is_not_linked()
    account.is_not_linked()

    assert provider.read(WABA, PROPS).id == ""
    provider.delete(WABA, PROPS)


def test_the_destination_moves_with_the_topic(account: Account, provider: Any) -> None:
    account.sends_to(OLD)
    account.will_be_set_to(OURS)

    updated = provider.update(WABA, {**PROPS, "topic_arn": OLD}, PROPS)

    assert updated.outs == PROPS


def test_a_move_does_not_replace_what_somebody_else_has_set_meanwhile(
    account: Account, provider: Any
) -> None:
    account.sends_to(THEIRS)

    with pytest.raises(DestinationTakenError):
        provider.update(WABA, {**PROPS, "topic_arn": OLD}, PROPS)


def test_removal_takes_away_what_is_ours(account: Account, provider: Any) -> None:
    account.sends_to(OURS)
    account.will_be_set_to()

    provider.delete(WABA, PROPS)


@pytest.mark.parametrize("destinations", [(), (THEIRS,)])
def test_removal_leaves_what_is_not_ours(
    account: Account, provider: Any, destinations: tuple[str, ...]
) -> None:
    account.sends_to(*destinations)

    provider.delete(WABA, PROPS)


def test_a_refresh_finds_ours_and_reports_another_as_gone(account: Account, provider: Any) -> None:
    account.sends_to(OURS)
    account.sends_to(THEIRS)

    assert provider.read(WABA, PROPS).id == WABA
    assert provider.read(WABA, PROPS).id == ""


@pytest.mark.parametrize(
    ("changed", "replaces"),
    [
        ({}, []),
        ({"topic_arn": OLD}, []),
        ({"business_account_id": "waba-" + "1" * 32}, ["business_account_id"]),
        ({"region": "us-east-1"}, ["region"]),
        ({"account_id": "999999999999"}, ["account_id"]),
    ],
)
def test_another_account_is_another_destination_and_another_topic_is_not(
    provider: Any, changed: dict[str, str], replaces: list[str]
) -> None:
    diff = provider.diff(WABA, PROPS, {**PROPS, **changed})

    assert diff.changes is bool(changed)
    assert diff.replaces == replaces
    assert diff.delete_before_replace is True


def test_the_profile_of_the_stack_is_used(account: Account, provider: Any) -> None:
    provider.configure(ConfigureRequest(Config({"aws:profile": "production"}, "any")))
    account.sends_to(OURS)

    provider.create(PROPS)

    assert set(account.profiles) == {"production"}
