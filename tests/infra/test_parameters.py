"""config.params.json: what is read from it, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.parameter_layers import load_settings, settings_from_arguments, unknown_environment
from infra.settings import PARAMETERS, Settings, SettingsError

ROOT = Path(__file__).resolve().parents[2]

# The parameter file of the AWS sample, as it is documented.
DOCUMENTED = {
    "CdkBackendStack": "FallbackMessagingService",
    "SqsVisibilityTimeout": 300,
    "sesConfigSetName": "ses-config-set",
    "createSESConfigSet": "true",
    "smsConfigSetName": "sms-config-set",
    "createSMSConfigSet": "true",
    "tags": {
        "Application": "MyApp",
        "Environment": "Dev",
        "Owner": "YourName",
        "Project": "FallbackMessagingService",
    },
}
NUMBER_ID = "phone-number-id-" + "0" * 32


@pytest.fixture
def load(tmp_path: Path) -> Any:
    def loading(
        document: Any, stack: str = "dev", configuration: dict[str, str] | None = None
    ) -> Settings:
        path = tmp_path / "config.params.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return load_settings(path, stack, configuration)

    return loading


def problems_of(error: pytest.ExceptionInfo[SettingsError]) -> str:
    return "\n".join(error.value.problems)


def test_the_documented_file_works_as_it_is(load: Any) -> None:
    settings = load(DOCUMENTED)

    assert settings.name_prefix == "FallbackMessagingService"
    assert settings.visibility_timeout_seconds == 300
    assert (settings.ses_config_set_name, settings.create_ses_config_set) == (
        "ses-config-set",
        True,
    )
    assert (settings.sms_config_set_name, settings.create_sms_config_set) == (
        "sms-config-set",
        True,
    )
    assert settings.tags == DOCUMENTED["tags"]


def test_an_empty_file_gives_the_defaults(load: Any) -> None:
    assert load({}) == Settings()


def test_config_set_name_is_a_synonym(load: Any) -> None:
    assert load({"configSetName": "mails"}).ses_config_set_name == "mails"
    both = {"configSetName": "mails", "sesConfigSetName": "mails"}
    assert load(both).ses_config_set_name == "mails"


def test_two_names_of_one_parameter_that_differ_are_an_error(load: Any) -> None:
    with pytest.raises(SettingsError, match=r"sesConfigSetName and configSetName are two names"):
        load({"configSetName": "mails", "sesConfigSetName": "letters"})


@pytest.mark.parametrize("given", [False, "false", "False", "FALSE", " false "])
def test_false_is_understood_however_it_is_written(load: Any, given: object) -> None:
    assert load({"createSESConfigSet": given}).create_ses_config_set is False


@pytest.mark.parametrize("given", [True, "true", "True", "TRUE"])
def test_true_is_understood_however_it_is_written(load: Any, given: object) -> None:
    assert load({"tracing": given}).tracing is True


@pytest.mark.parametrize("given", ["yes", "1", 1, 0, None, ""])
def test_other_words_are_not_booleans(load: Any, given: object) -> None:
    with pytest.raises(SettingsError, match="tracing: expected true or false"):
        load({"tracing": given})


@pytest.mark.parametrize("given", [90, "90", 90.0, " 90 "])
def test_integers_are_numbers_or_numeric_texts(load: Any, given: object) -> None:
    assert load({"retentionDays": given}).retention_days == 90


@pytest.mark.parametrize("given", [True, "a month", 1.5, "1.5", [30], None, "nan", "inf", ""])
def test_other_values_are_not_integers(load: Any, given: object) -> None:
    with pytest.raises(SettingsError, match="retentionDays: expected an integer"):
        load({"retentionDays": given})


def test_an_entry_that_is_no_text_is_named_with_its_key(load: Any) -> None:
    with pytest.raises(SettingsError, match="tags: key 'owner': expected a string, got 5"):
        load({"tags": {"owner": 5}})


def test_an_environment_overrides_the_file_and_pulumi_configuration_overrides_both(
    load: Any,
) -> None:
    document = {
        "retentionDays": 10,
        "logLevel": "ERROR",
        "tags": {"Owner": "me", "Environment": "any"},
        "environments": {
            "dev": {"retentionDays": 20, "logRetentionDays": 7, "tags": {"Environment": "Dev"}},
            "prod": {"retentionDays": 30},
        },
    }
    settings = load(document, "dev", {"logRetentionDays": "14", "sesIdentities": '["a.example"]'})

    assert settings.log_level == "ERROR"
    assert settings.retention_days == 20
    assert settings.log_retention_days == 14
    assert settings.ses_identities == ("a.example",)
    assert settings.tags == {"Owner": "me", "Environment": "Dev"}


def test_an_environment_may_use_the_synonym_of_what_the_file_says(load: Any) -> None:
    document = {"sesConfigSetName": "all", "environments": {"dev": {"configSetName": "dev"}}}

    assert load(document, "dev").ses_config_set_name == "dev"


def test_a_stack_without_an_environment_uses_the_file(load: Any) -> None:
    assert load({"retentionDays": 9, "environments": {"dev": {}}}, "mine").retention_days == 9


@pytest.mark.parametrize(
    ("stack", "hint"),
    [
        ("production", "; did you mean prod?"),
        ("stagging", "; did you mean staging?"),
        ("mine", ""),
    ],
)
def test_a_stack_without_an_environment_is_warned_about(stack: str, hint: str) -> None:
    assert unknown_environment(ROOT / "config.params.json", stack) == (
        f"config.params.json: environments has no {stack} (dev, staging, prod): "
        f"the general values apply{hint}"
    )


def test_there_is_no_warning_where_there_is_nothing_to_mistake(tmp_path: Path) -> None:
    assert unknown_environment(ROOT / "config.params.json", "prod") == ""
    path = tmp_path / "config.params.json"
    path.write_text("{}")
    assert unknown_environment(path, "production") == ""


def test_unknown_keys_name_the_nearest_known_one(load: Any) -> None:
    with pytest.raises(SettingsError) as error:
        load({"retentiondays": 7, "createSesConfigSet": True, "zzzzzz": 1})

    assert "retentiondays is not a parameter; did you mean retentionDays?" in problems_of(error)
    assert "did you mean createSESConfigSet?" in problems_of(error)
    assert "zzzzzz is not a parameter" in error.value.problems[2]
    assert "did you mean" not in error.value.problems[2]


def test_every_fault_of_every_layer_is_reported_at_once(load: Any) -> None:
    document = {
        "SqsVisibilityTimeout": 100,
        "streamMode": "SOMETIMES",
        "environments": {"dev": {"logLevl": "INFO"}, "prod": {"retentionDays": "long"}},
    }
    with pytest.raises(SettingsError) as error:
        load(document, "dev", {"alarmEmail": "nobody"})

    text = problems_of(error)
    assert len(error.value.problems) == 5
    assert "config.params.json: SqsVisibilityTimeout: 100 is not in 180 to 43200" in text
    assert "six times the timeout" in text
    assert "'SOMETIMES' is not one of PROVISIONED, ON_DEMAND" in text
    assert "environments.dev: logLevl is not a parameter; did you mean logLevel?" in text
    assert "environments.prod: retentionDays: expected an integer" in text
    assert "Pulumi configuration: alarmEmail: 'nobody' is invalid: an e-mail address" in text
    assert str(error.value).startswith("5 problems in the parameters:")


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"claimLeaseSeconds": 300}, r"claimLeaseSeconds \(300\) must be below SqsVisibility"),
        ({"claimLeaseSeconds": 30}, "claimLeaseSeconds: 30 is not in 31"),
        ({"queueRetentionDays": 14}, "dead letter keeps its age"),
        (
            {"retentionDays": 7, "queueRetentionDays": 13},
            r"retentionDays \(7\) must be above queueRetentionDays \(13\)",
        ),
        ({"retentionDays": 7, "queueRetentionDays": 7}, "a message that still waits needs its row"),
        (
            {"retentionDays": 7, "streamRetentionHours": 400},
            r"streamRetentionHours \(400\) must not be above retentionDays",
        ),
        ({"relayBatchWindowSeconds": 0}, r"relayBatchWindowSeconds \(0\) must be at least 1"),
        ({"smsConfigSetName": "-texts"}, "starting with a letter or digit"),
        ({"sesTrackingDomain": "l.example.com"}, "only with sesEngagementEvents"),
        (
            {
                "createSESConfigSet": False,
                "sesEngagementEvents": True,
                "sesTrackingDomain": "l.example.com",
            },
            "set it on yours",
        ),
        (
            {
                "whatsAppPhoneNumberIds": ["phone-number-id-" + "1" * 32],
                "whatsAppPhoneNumbers": {"+14255550156": NUMBER_ID},
            },
            "whatsAppPhoneNumberIds does not allow to send",
        ),
        ({"apiThrottleRate": 2000, "apiThrottleBurst": 1}, "the rate could never be reached"),
        ({"apiClients": []}, "apiClients must name at least one client"),
        ({"apiClients": ["shop", "shop"]}, "names a client twice"),
        ({"apiClientThrottleRate": 5}, "belong together"),
        ({"apiClientThrottleBurst": 5}, "belong together"),
        ({"wafRateLimit": 5}, "5 is not in 0, or 10 to"),
        ({"alarmEmail": "ops@example.com"}, "not a placeholder at example.com"),
        ({"alarmEmail": "ops@mail.example.org"}, "not a placeholder"),
        ({"alarmEmail": "ops@company.example"}, "not a placeholder"),
        (
            {
                "createSESConfigSet": False,
                "sesConfigSetName": "",
                "attachSESEventDestination": True,
            },
            "sesConfigSetName must name the set that attachSESEventDestination adds to",
        ),
        ({"tags": {f"tag{number}": "x" for number in range(51)}}, "AWS allows 50"),
    ],
)
def test_parameters_that_contradict_each_other_are_an_error(
    load: Any, document: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        load(document)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("CdkBackendStack", "A" * 28),
        ("CdkBackendStack", "9lives"),
        ("sesConfigSetName", "has spaces"),
        ("smsConfigSetName", "x" * 65),
        ("smsConfigSetName", "-begins-with-a-hyphen"),
        ("smsConfigSetName", "_begins_with_an_underscore"),
        ("tags", {"aws:reserved": "x"}),
        ("tags", {"fine": 7}),
        ("apiBaseUrl", "https://api.example.com/"),
        ("apiBaseUrl", "api.example.com"),
        ("metaApiVersion", "v19.0"),
        ("metaApiVersion", "24"),
        ("whatsAppBusinessAccountIds", ["12345"]),
        ("whatsAppBusinessAccountIds", "waba-1"),
        ("whatsAppPhoneNumberIds", ["+14255550156"]),
        ("whatsAppPhoneNumbers", {"14255550156": NUMBER_ID}),
        ("smsOriginationIdentities", ["pool-1"]),
        ("smsOriginationIdentities", ["*"]),
        ("sesIdentities", ["*"]),
        ("allowedSenders", ["two words"]),
        ("allowedCountryPrefixes", ["1"]),
        ("allowedCountryPrefixes", ["+"]),
        ("messagesPerRecipientPerHour", -1),
        ("apiClients", ["Shop"]),
        ("allowedCidrs", ["203.0.113.1"]),
        ("allowedCidrs", ["203.0.113.300/24"]),
        ("kmsKeyArn", "alias/mine"),
        ("eventsTopicArn", "arn:aws:sqs:eu-west-1:123456789012:queue"),
        ("alarmTopicArn", "operations"),
        ("subnetIds", ["vpc-1"]),
        ("securityGroupIds", ["subnet-1"]),
        ("wafRateLimit", -1),
        ("smsMaxPrice", "5"),
        ("smsMaxPrice", "0.123456"),
        ("logRetentionDays", 8),
        ("powertoolsLayerArn", "powertools"),
        ("senderMaximumConcurrency", 1),
        ("senderBatchSize", 11),
        ("environments", []),
    ],
)
def test_values_that_aws_would_refuse_are_errors_that_name_the_key(
    load: Any, key: str, value: object
) -> None:
    with pytest.raises(SettingsError, match=key):
        load({key: value})


def test_a_set_that_exists_already_need_not_be_named(load: Any) -> None:
    assert load({"createSESConfigSet": False, "sesConfigSetName": ""}).ses_config_set_name == ""


def test_a_number_may_be_mapped_to_the_arn_of_an_allowed_phone_number_id(load: Any) -> None:
    arn = "arn:aws:social-messaging:eu-west-1:123456789012:phone-number-id/" + "0" * 32
    settings = load(
        {
            "whatsAppPhoneNumberIds": [NUMBER_ID],
            "whatsAppPhoneNumbers": {"+14255550156": arn},
        }
    )

    assert settings.whats_app_phone_numbers == {"+14255550156": arn}


@pytest.mark.parametrize("document", ["{", "[]"])
def test_a_file_that_is_no_json_object_is_an_error_that_names_it(load: Any, document: str) -> None:
    with pytest.raises(SettingsError, match=r"config\.params\.json"):
        load(document)


def test_a_file_that_is_missing_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.json cannot be read"):
        load_settings(tmp_path / "absent.json", "dev")


def test_the_schema_of_the_file_is_no_parameter(load: Any) -> None:
    assert load({"$schema": "./config.params.schema.json"}) == Settings()


@pytest.mark.parametrize("stack", ["dev", "staging", "prod", "another"])
def test_the_file_of_the_repository_is_valid_for_every_stack(stack: str) -> None:
    load_settings(ROOT / "config.params.json", stack)


def test_stacks_of_one_account_have_configuration_sets_of_their_own() -> None:
    stacks = [load_settings(ROOT / "config.params.json", s) for s in ("dev", "staging", "prod")]

    assert len({settings.ses_config_set_name for settings in stacks}) == 3
    assert len({settings.sms_config_set_name for settings in stacks}) == 3


def test_arguments_of_the_component_are_checked_like_the_file() -> None:
    with pytest.raises(SettingsError) as error:
        settings_from_arguments("Mine", {"retention_day": 7, "stream_mode": "NEVER"})

    assert "did you mean retention_days?" in problems_of(error)
    assert "stream_mode: 'NEVER' is not one of" in problems_of(error)


def test_arguments_from_other_languages_arrive_as_floats_and_nulls() -> None:
    settings = settings_from_arguments("Mine", {"retention_days": 12.0, "tracing": None})

    assert settings.retention_days == 12
    assert isinstance(settings.retention_days, int)
    assert settings.tracing is False
    assert settings.name_prefix == "Mine"


def test_the_name_of_the_component_must_fit_the_names_that_it_prefixes() -> None:
    with pytest.raises(SettingsError) as error:
        settings_from_arguments("x" * 40, {})

    assert problems_of(error).startswith("name of the component: 'xxx")
    assert "IAM role's name has at most 64" in problems_of(error)


def test_every_parameter_says_what_it_is_for() -> None:
    assert all(parameter.description.endswith(".") for parameter in PARAMETERS.values())
    assert len({parameter.name for parameter in PARAMETERS.values()}) == len(PARAMETERS)


def test_every_default_is_a_value_that_the_table_allows() -> None:
    defaults = Settings()
    for field_name, parameter in PARAMETERS.items():
        assert parameter.read(getattr(defaults, field_name)) == getattr(defaults, field_name)
