"""Documents that lists of parameters go into stay within AWS's limits, or are refused first."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from infra.parameter_layers import settings_from_arguments
from infra.settings import Settings, SettingsError
from infra.sizes import LIMITS

LONGEST_PREFIX = "P" * 27
LONGEST_STACK = "s" * 100
SMS = "arn:aws:sms-voice:ap-southeast-1:123456789012"
LISTS: dict[str, Callable[[int], str]] = {
    "smsOriginationIdentities": lambda n: f"{SMS}:phone-number/phone-{n:032x}",
    "sesIdentities": lambda n: f"mail-{n}.customers.example.com",
    "whatsAppPhoneNumberIds": lambda n: f"phone-number-id-{n:032x}",
    "allowedSenders": lambda n: f"shop-{n}@customers.example.com",
    "allowedCountryPrefixes": lambda n: f"+{1_000_000 + n}",
    "allowedCidrs": lambda n: f"203.0.{n % 256}.0/24",
    "allowedConfigurationSets": lambda n: f"a-configuration-set-of-another-{n:033}",
    "allowedProtectConfigurations": lambda n: f"{SMS}:protect-configuration/protect-{n:032x}",
}
# AWS's own numbers, apart from the code's.
MOST_POLICY, MOST_ENVIRONMENT, MOST_API_POLICY = 10_240, 4_096, 8_192


def configuration(lengths: dict[str, int]) -> dict[str, str]:
    lists = {name: [LISTS[name](n) for n in range(length)] for name, length in lengths.items()}
    numbers = lists.get("whatsAppPhoneNumberIds", [])
    # Each of the numbers has a name of its own to be asked for by.
    mapped = {f"+1425555{n:04}": number for n, number in enumerate(numbers)}
    texts = {name: json.dumps(values) for name, values in lists.items()}
    return {
        "CdkBackendStack": LONGEST_PREFIX,
        "tracing": "true",
        "subnetIds": '["subnet-0a1"]',
        "securityGroupIds": '["sg-0b2"]',
        **texts,
        "whatsAppPhoneNumbers": json.dumps(mapped),
    }


def compact(document: Any) -> int:
    return len(json.dumps(document, separators=(",", ":")))


def sizes(recording: Any) -> Iterator[tuple[str, int, int]]:
    for policy in recording.all("RolePolicy"):
        yield policy.name, compact(policy.document()), MOST_POLICY
    for function in recording.all("Function"):
        variables = function.inputs["environment"]["variables"]
        yield function.name, compact(variables), MOST_ENVIRONMENT
    yield "API", compact(recording.one("RestApiPolicy").document()), MOST_API_POLICY


@hypothesis_settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    lengths=st.fixed_dictionaries(
        {}, optional={name: st.integers(min_value=0, max_value=150) for name in LISTS}
    )
)
def test_what_is_not_refused_fits(deploy: Callable[..., Any], lengths: dict[str, int]) -> None:
    problems: tuple[str, ...] = ()
    recorded: list[tuple[str, int, int]] = []
    try:
        recorded += sizes(deploy(LONGEST_STACK, **configuration(lengths)))
    except SettingsError as error:
        problems = error.problems
    assert recorded or problems
    assert all("are too many" in problem for problem in problems)
    for name, size, most in recorded:
        assert size <= most, name


@pytest.mark.parametrize("name", LISTS)
def test_the_number_that_fits_is_said_and_fits(deploy: Callable[..., Any], name: str) -> None:
    parameters = configuration({name: 700})
    with pytest.raises(SettingsError, match="are too many") as refused:
        deploy(LONGEST_STACK, **parameters)
    # One for each document that the list goes into.
    sentences = [each for each in refused.value.problems if each.startswith(name)]
    fitting = min(int(each.rsplit(". ", 1)[1].removesuffix(" fit")) for each in sentences)
    assert fitting > 10
    parameters |= {name: json.dumps([LISTS[name](n) for n in range(fitting)])}
    parameters |= {"whatsAppPhoneNumbers": "{}"}

    recorded = list(sizes(deploy(LONGEST_STACK, **parameters)))
    assert all(size <= most for _, size, most in recorded)
    # And not so few that the limit is nowhere near.
    assert any(size > 0.65 * most for _, size, most in recorded)
    with pytest.raises(SettingsError, match=f"{name}: {fitting + 1} are too many"):
        deploy(
            LONGEST_STACK,
            **parameters | {name: json.dumps([LISTS[name](n) for n in range(fitting + 1)])},
        )


def test_a_sender_is_named_in_one_statement_only(deploy: Callable[..., Any]) -> None:
    numbers = [LISTS["smsOriginationIdentities"](n) for n in range(60)]
    recording = deploy(smsOriginationIdentities=json.dumps(numbers))

    policy = json.dumps(recording.one("RolePolicy", "-send-fallback-policy").document())
    assert [policy.count(f'"{number}"') for number in numbers] == [1] * 60


def test_the_measures_are_not_below_what_is_created(deploy: Callable[..., Any]) -> None:
    lengths = dict.fromkeys(LISTS, 3)
    parameters = configuration(lengths)
    base_url = "https://" + "a" * 300
    recording = deploy(LONGEST_STACK, apiBaseUrl=base_url, **parameters)
    ours = settings_from_arguments(
        LONGEST_PREFIX,
        {
            "ses_identities": json.loads(parameters["sesIdentities"]),
            "sms_origination_identities": json.loads(parameters["smsOriginationIdentities"]),
            "whats_app_phone_number_ids": json.loads(parameters["whatsAppPhoneNumberIds"]),
            "whats_app_phone_numbers": json.loads(parameters["whatsAppPhoneNumbers"]),
            "allowed_senders": json.loads(parameters["allowedSenders"]),
            "allowed_country_prefixes": json.loads(parameters["allowedCountryPrefixes"]),
            "allowed_cidrs": json.loads(parameters["allowedCidrs"]),
            "allowed_configuration_sets": json.loads(parameters["allowedConfigurationSets"]),
            "allowed_protect_configurations": json.loads(
                parameters["allowedProtectConfigurations"]
            ),
            "api_base_url": base_url,
        },
    )
    assert isinstance(ours, Settings)
    measured = {limit.document: limit.measure(ours) for limit in LIMITS}
    created = {name.rpartition("P-")[2]: size for name, size, _ in sizes(recording)}
    # AWS's own names are 8 characters longer than those of the recording, in a dozen places.
    slack = 100

    assert created["senders-send-fallback-policy"] + slack <= measured[LIMITS[0].document]
    assert created["senders-send-fallback"] + slack <= measured[LIMITS[1].document]
    assert created["api-message-api"] + slack <= measured[LIMITS[2].document]
    assert created["API"] <= measured[LIMITS[3].document]


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        (
            {"subnetIds": [f"subnet-{n:08x}" for n in range(17)], "securityGroupIds": ["sg-1"]},
            "subnetIds: 17 are too many: Lambda allows a function 16",
        ),
        (
            {"subnetIds": ["subnet-1"], "securityGroupIds": [f"sg-{n}" for n in range(6)]},
            "securityGroupIds: 6 are too many: Lambda allows a function 5",
        ),
    ],
)
def test_a_function_has_few_subnets_and_security_groups(
    deploy: Callable[..., Any], parameters: dict[str, list[str]], sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        deploy(**{name: json.dumps(values) for name, values in parameters.items()})
