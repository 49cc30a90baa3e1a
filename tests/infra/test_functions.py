"""What the five functions are made with, and exactly what each may do."""

import importlib.metadata
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra import Location, SettingsError, functions

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = {
    "message-api": 20,
    "send-primary": 30,
    "send-fallback": 30,
    "relay-events": 30,
    "normalize-events": 60,
}
P = "FallbackMessagingService"
TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:FallbackMessagingService-store"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:FallbackMessagingService"
STREAM = "arn:aws:kinesis:eu-west-1:123456789012:FallbackMessagingService-events-stream"
KEY = "arn:aws:kms:eu-west-1:123456789012:FallbackMessagingService-key"
SES = "arn:aws:ses:eu-west-1:123456789012"
SMS = "arn:aws:sms-voice:eu-west-1:123456789012"
SOCIAL = "arn:aws:social-messaging:eu-west-1:123456789012"
TEXT_SENDERS = {
    "SendTextMessage": ("phone-number", "pool", "sender-id", "rcs-agent"),
    "SendMediaMessage": ("phone-number", "pool", "sender-id"),
    "SendRcsMessage": ("phone-number", "pool", "sender-id", "rcs-agent"),
}
USE_KEY = {("kms:Decrypt", KEY), ("kms:GenerateDataKey", KEY)}


def consume(queue: str) -> set[tuple[str, str]]:
    actions = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
    return {(action, f"{QUEUE}-{queue}") for action in actions}


def sender(source: str) -> set[tuple[str, str]]:
    own = "configuration-set/ses-config-set-dev"
    mail = (f"{SES}:identity/*", f"{SES}:{own}", f"{SES}:template/*")
    return {
        *consume(f"senders-{source}"),
        ("dynamodb:GetItem", f"{TABLE}-messages"),
        ("dynamodb:UpdateItem", f"{TABLE}-messages"),
        ("dynamodb:GetItem", f"{TABLE}-payloads"),
        ("dynamodb:DeleteItem", f"{TABLE}-payloads"),
        ("dynamodb:UpdateItem", f"{TABLE}-provider-message-ids"),
        ("sqs:SendMessage", f"{QUEUE}-senders-timers"),
        *(
            (action, resource)
            for action in ("ses:SendEmail", "ses:SendTemplatedEmail")
            for resource in mail
        ),
        *(
            (f"sms-voice:{action}", f"{SMS}:{resource}")
            for action, kinds in TEXT_SENDERS.items()
            for resource in (
                *(f"{kind}/*" for kind in kinds),
                "configuration-set/sms-config-set-dev",
            )
        ),
        ("social-messaging:SendWhatsAppMessage", f"{SOCIAL}:phone-number-id/*"),
        *USE_KEY,
    }


ALLOWED: dict[str, set[tuple[str, str]]] = {
    "message-api": {
        ("dynamodb:GetItem", f"{TABLE}-messages"),
        ("dynamodb:PutItem", f"{TABLE}-messages"),
        ("dynamodb:UpdateItem", f"{TABLE}-messages"),
        ("dynamodb:PutItem", f"{TABLE}-payloads"),
        ("dynamodb:DeleteItem", f"{TABLE}-payloads"),
        ("sqs:SendMessage", f"{QUEUE}-senders-intake"),
        *USE_KEY,
    },
    "send-primary": sender("intake"),
    "send-fallback": sender("timers"),
    "relay-events": {
        *consume("events-events"),
        ("kinesis:PutRecords", STREAM),
        *USE_KEY,
    },
    "normalize-events": {
        ("kinesis:DescribeStream", STREAM),
        ("kinesis:DescribeStreamSummary", STREAM),
        ("kinesis:GetRecords", STREAM),
        ("kinesis:GetShardIterator", STREAM),
        ("kinesis:ListShards", STREAM),
        ("dynamodb:BatchGetItem", f"{TABLE}-messages"),
        ("dynamodb:PartiQLUpdate", f"{TABLE}-messages"),
        ("dynamodb:PartiQLDelete", f"{TABLE}-payloads"),
        ("dynamodb:BatchGetItem", f"{TABLE}-provider-message-ids"),
        ("dynamodb:UpdateItem", f"{TABLE}-provider-message-ids"),
        ("sqs:SendMessage", f"{QUEUE}-senders-timers"),
        ("sqs:SendMessage", f"{QUEUE}-status-quarantine"),
        ("sqs:SendMessage", f"{QUEUE}-status-stream-failures"),
        *USE_KEY,
    },
}


def grants(statements: list[dict[str, Any]]) -> set[tuple[str, str]]:
    assert all(statement["Effect"] == "Allow" for statement in statements)
    return {
        (action, resource)
        for statement in statements
        for action in statement["Action"]
        for resource in statement["Resource"]
    }


def test_there_are_five_functions_and_each_has_a_role_of_its_own(dev: Any) -> None:
    functions = dev.all("Function")

    assert {function.name.rpartition(f"{P}-")[2].split("-", 1)[1] for function in functions} == set(
        FUNCTIONS
    )
    assert len({function.inputs["role"] for function in functions}) == 5


@pytest.mark.parametrize("noun", FUNCTIONS)
def test_a_function_may_do_what_it_calls_and_nothing_else(dev: Any, noun: str) -> None:
    logs = dev.one("LogGroup", f"-{noun}-logs").arn
    own = {("logs:CreateLogStream", f"{logs}:*"), ("logs:PutLogEvents", f"{logs}:*")}

    assert grants(dev.statements(noun)) == ALLOWED[noun] | own


def test_a_policy_is_attached_to_the_role_of_its_function(dev: Any) -> None:
    for noun in FUNCTIONS:
        role = dev.one("Role", f"-{noun}-role")
        assert dev.one("RolePolicy", f"-{noun}-policy").inputs["role"] == f"{role.name}-id"
        assert dev.one("Function", f"-{noun}").inputs["role"] == role.arn
        trust = role.document("assumeRolePolicy")["Statement"]
        assert [statement["Principal"] for statement in trust] == [
            {"Service": "lambda.amazonaws.com"}
        ]


def test_no_role_has_a_wildcard_action_or_every_resource(dev: Any) -> None:
    for policy in dev.all("RolePolicy"):
        for action, resource in grants(policy.document()["Statement"]):
            assert "*" not in action
            assert resource != "*"


def test_traces_are_the_one_thing_without_a_resource(deploy: Callable[..., Any]) -> None:
    traced = deploy(tracing="true")

    for noun in FUNCTIONS:
        everywhere = {
            action for action, resource in grants(traced.statements(noun)) if resource == "*"
        }
        assert everywhere == {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
        assert traced.one("Function", f"-{noun}").inputs["tracingConfig"] == {"mode": "Active"}
        assert traced.environment(noun)["POWERTOOLS_TRACE_DISABLED"] == "false"
    assert traced.one("Stage").inputs["xrayTracingEnabled"] is True


def test_senders_send_only_from_the_identities_that_are_configured(
    deploy: Callable[..., Any],
) -> None:
    pool = f"{SMS}:pool/pool-1"
    recording = deploy(
        sesIdentities='["example.com", "a@example.org"]',
        smsOriginationIdentities=f'["{pool}"]',
        whatsAppPhoneNumberIds=f'["phone-number-id-{"a" * 32}", "{SOCIAL}:phone-number-id/b"]',
    )

    for noun in ("send-primary", "send-fallback"):
        granted = grants(recording.statements(noun))
        assert {resource for action, resource in granted if action == "ses:SendEmail"} == {
            f"{SES}:identity/example.com",
            f"{SES}:identity/a@example.org",
            f"{SES}:configuration-set/ses-config-set-dev",
            f"{SES}:template/*",
        }
        texts = {resource for action, resource in granted if action.startswith("sms-voice:")}
        assert {resource for resource in texts if "configuration" not in resource} == {pool}
        chats = {resource for action, resource in granted if action.startswith("social-messaging:")}
        assert chats == {f"{SOCIAL}:phone-number-id/{'a' * 32}", f"{SOCIAL}:phone-number-id/b"}


def test_senders_may_name_what_requests_may_name(deploy: Callable[..., Any]) -> None:
    shared = "arn:aws:sms-voice:eu-west-1:210987654321:protect-configuration/protect-2"
    recording = deploy(
        sesConfigSetName="",
        createSESConfigSet="false",
        allowedConfigurationSets='["others"]',
        allowedProtectConfigurations=json.dumps(["protect-1", shared]),
    )
    for noun in ("send-primary", "send-fallback"):
        granted = grants(recording.statements(noun))
        sets = {r for action, r in granted if action == "ses:SendEmail" and "configuration" in r}
        assert sets == {f"{SES}:configuration-set/others"}
        for action in TEXT_SENDERS:
            named = {r for a, r in granted if a == f"sms-voice:{action}" and "configuration" in r}
            assert named == {
                f"{SMS}:configuration-set/others",
                f"{SMS}:configuration-set/sms-config-set-dev",
                f"{SMS}:protect-configuration/protect-1",
                shared,
            }
    api = recording.environment("message-api")
    assert api["ALLOWED_CONFIGURATION_SETS"] == '["others"]'
    assert json.loads(api["ALLOWED_PROTECT_CONFIGURATIONS"]) == ["protect-1", shared]


def test_the_secret_of_the_digests_is_kept_secret(dev: Any) -> None:
    secret = dev.one("RandomBytes")
    assert secret.inputs["length"] == 32
    environments = {noun: dev.environment(noun) for noun in FUNCTIONS}
    told = {noun for noun, variables in environments.items() if "DIGEST_KEY" in variables}
    assert told == {"message-api", "send-primary", "send-fallback"}
    for function in dev.all("Function"):
        assert function.inputs["kmsKeyArn"] == KEY
    assert "DIGEST_KEY" not in str(dev.outputs)


def test_a_sender_is_allowed_only_what_it_can_carry(deploy: Callable[..., Any]) -> None:
    number, agent = f"{SMS}:phone-number/phone-1", f"{SMS}:rcs-agent/rcs-1"

    def allowed(identity: str) -> set[str]:
        recording = deploy(smsOriginationIdentities=json.dumps([identity]))
        return {
            action
            for action, resource in grants(recording.statements("send-fallback"))
            if resource == identity
        }

    assert allowed(number) == {f"sms-voice:{action}" for action in TEXT_SENDERS}
    assert allowed(agent) == {"sms-voice:SendRcsMessage", "sms-voice:SendTextMessage"}
    # Nor anything on configuration sets, without a sender to use them with.
    assert "sms-voice:SendMediaMessage" not in str(
        deploy(smsOriginationIdentities=json.dumps([agent])).statements("send-fallback")
    )


def test_without_a_configuration_set_the_senders_are_told_none(deploy: Callable[..., Any]) -> None:
    recording = deploy(createSESConfigSet="false", sesConfigSetName="")

    assert recording.environment("send-primary")["SES_CONFIGURATION_SET"] == ""


@pytest.mark.parametrize(("noun", "timeout"), FUNCTIONS.items())
def test_a_function_runs_its_handler_on_arm_with_powertools(
    dev: Any, noun: str, timeout: int
) -> None:
    inputs = dev.one("Function", f"-{noun}").inputs

    assert inputs["handler"] == f"runtime.handlers.{noun.replace('-', '_')}.handler"
    assert (inputs["runtime"], inputs["architectures"]) == ("python3.13", ["arm64"])
    assert inputs["timeout"] == timeout
    assert inputs["layers"] == [
        "arn:aws:lambda:eu-west-1:017000801446:layer:AWSLambdaPowertoolsPythonV3-python313-arm64:27"
    ]
    assert inputs["loggingConfig"]["logGroup"] == dev.one("LogGroup", f"-{noun}-logs").name
    assert inputs["tracingConfig"] == {"mode": "PassThrough"}


def test_the_layer_can_be_another_one(deploy: Callable[..., Any]) -> None:
    layer = "arn:aws:lambda:eu-west-1:123456789012:layer:mine:3"
    recording = deploy(powertoolsLayerArn=layer)

    assert [function.inputs["layers"] for function in recording.all("Function")] == [[layer]] * 5


@pytest.mark.parametrize(
    ("place", "layer"),
    [
        (Location("aws", "us-east-1", "1" * 12), "arn:aws:lambda:us-east-1:017000801446"),
        (Location("aws-cn", "cn-north-1", "1" * 12), "arn:aws-cn:lambda:cn-north-1:498634801083"),
        (
            Location("aws-us-gov", "us-gov-east-1", "1" * 12),
            "arn:aws-us-gov:lambda:us-gov-east-1:165087284144",
        ),
        (
            Location("aws-us-gov", "us-gov-west-1", "1" * 12),
            "arn:aws-us-gov:lambda:us-gov-west-1:165093116878",
        ),
    ],
)
def test_the_layer_is_that_of_the_region(place: Location, layer: str) -> None:
    name = "layer:AWSLambdaPowertoolsPythonV3-python313-arm64:27"

    assert functions._published_layer(place) == f"{layer}:{name}"


def test_a_region_without_a_layer_needs_one_of_its_own() -> None:
    with pytest.raises(SettingsError, match=r"powertoolsLayerArn .*: needed in cn-northwest-1"):
        functions._published_layer(Location("aws-cn", "cn-northwest-1", "1" * 12))


# As Powertools publishes it: the documentation of each version names the layer, and says that 27 is
# the last one for Python 3.9, which 3.24.0 does not run on.
# https://docs.aws.amazon.com/powertools/python/latest/getting-started/install/
POWERTOOLS_BY_LAYER = {26: "3.22.1", 27: "3.23.0"}


def test_the_powertools_that_are_tested_are_those_of_the_layer(dev: Any) -> None:
    layer = dev.one("Function", "-message-api").inputs["layers"][0]

    version = POWERTOOLS_BY_LAYER[int(layer.rpartition(":")[2])]
    assert importlib.metadata.version("aws-lambda-powertools") == version
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert f"aws-lambda-powertools=={version} " in lock


def test_every_function_is_told_its_name_and_stack(dev: Any) -> None:
    for noun in FUNCTIONS:
        environment = dev.environment(noun)
        assert environment["POWERTOOLS_SERVICE_NAME"] == noun
        assert environment["POWERTOOLS_METRICS_NAMESPACE"] == "FallbackMessaging"
        assert environment["POWERTOOLS_LOG_LEVEL"] == "INFO"
        assert environment["POWERTOOLS_TRACE_DISABLED"] == "true"
        assert environment["STACK_NAME"] == f"{P}-dev"


def own_environment(recording: Any, noun: str) -> dict[str, str]:
    return {
        key: value
        for key, value in recording.environment(noun).items()
        if not key.startswith("POWERTOOLS_") and key != "STACK_NAME"
    }


def test_the_api_is_told_where_messages_go(dev: Any) -> None:
    assert own_environment(dev, "message-api") == {
        "MESSAGES_TABLE": f"{P}-store-messages",
        "PAYLOADS_TABLE": f"{P}-store-payloads",
        "INTAKE_QUEUE_URL": dev.one("Queue", "-intake").url,
        "ALLOWED_SENDERS": "[]",
        "ALLOWED_COUNTRY_PREFIXES": "[]",
        "ALLOWED_CONFIGURATION_SETS": "[]",
        "ALLOWED_PROTECT_CONFIGURATIONS": "[]",
        "DIGEST_KEY": "0123456789abcdef" * 4,
        "SES_CONFIGURATION_SET": "ses-config-set-dev",
        "SMS_CONFIGURATION_SET": "sms-config-set-dev",
        "SMS_MAX_PRICE": "",
        "WHATSAPP_PHONE_NUMBERS": "{}",
        "MESSAGES_PER_RECIPIENT_PER_HOUR": "0",
        "DEFAULT_FALLBACK_SECONDS": "300",
        "OUTCOME_WAIT_SECONDS": "3600",
        "RETENTION_DAYS": "7",
        "MAIL_MAY_BE_READ": "false",
    }


def test_both_senders_are_told_the_same(dev: Any) -> None:
    expected = {
        "MESSAGES_TABLE": f"{P}-store-messages",
        "PAYLOADS_TABLE": f"{P}-store-payloads",
        "PROVIDER_MESSAGE_IDS_TABLE": f"{P}-store-provider-message-ids",
        "TIMERS_QUEUE_URL": dev.one("Queue", "-timers").url,
        "OUTCOME_WAIT_SECONDS": "3600",
        "DIGEST_KEY": "0123456789abcdef" * 4,
        "MESSAGES_PER_RECIPIENT_PER_HOUR": "0",
        "SES_CONFIGURATION_SET": "ses-config-set-dev",
        "SMS_CONFIGURATION_SET": "sms-config-set-dev",
        "SMS_MAX_PRICE": "",
        "META_API_VERSION": "v24.0",
        "WHATSAPP_PHONE_NUMBERS": "{}",
        "CLAIM_LEASE_SECONDS": "60",
        "SEND_CONCURRENCY": "10",
        "AWS_DATA_PATH": "/var/task/aws_models",
    }
    assert own_environment(dev, "send-primary") == expected
    assert own_environment(dev, "send-fallback") == expected


def test_the_relay_is_told_the_stream(dev: Any) -> None:
    assert own_environment(dev, "relay-events") == {"EVENT_STREAM_NAME": f"{P}-events-stream"}


def test_the_normalizer_is_told_tables_and_queues(dev: Any) -> None:
    assert own_environment(dev, "normalize-events") == {
        "MESSAGES_TABLE": f"{P}-store-messages",
        "PAYLOADS_TABLE": f"{P}-store-payloads",
        "PROVIDER_MESSAGE_IDS_TABLE": f"{P}-store-provider-message-ids",
        "TIMERS_QUEUE_URL": dev.one("Queue", "-timers").url,
        "QUARANTINE_QUEUE_URL": dev.one("Queue", "-quarantine").url,
        "SMS_REQUIRE_HANDSET_RECEIPT": "false",
        "WRITE_CONCURRENCY": "8",
    }


def test_parameters_of_the_functions_reach_them(deploy: Callable[..., Any]) -> None:
    numbers = '{"+14255550156": "phone-number-id-00000000000000000000000000000000"}'
    recording = deploy(
        whatsAppPhoneNumbers=numbers,
        smsRequireHandsetReceipt="true",
        apiBaseUrl="https://messages.example.com/v2",
        senderBatchSize="4",
        claimLeaseSeconds="45",
        logLevel="DEBUG",
        allowedSenders='["a@example.com", "+12065550100"]',
        allowedCountryPrefixes='["+1"]',
        messagesPerRecipientPerHour="3",
        smsMaxPrice="0.05",
    )

    for noun in ("message-api", "send-primary"):
        assert recording.environment(noun)["WHATSAPP_PHONE_NUMBERS"] == numbers
        assert recording.environment(noun)["SMS_MAX_PRICE"] == "0.05"
        assert recording.environment(noun)["MESSAGES_PER_RECIPIENT_PER_HOUR"] == "3"
    assert recording.environment("send-fallback")["SEND_CONCURRENCY"] == "4"
    assert recording.environment("send-fallback")["CLAIM_LEASE_SECONDS"] == "45"
    assert recording.environment("normalize-events")["SMS_REQUIRE_HANDSET_RECEIPT"] == "true"
    api = recording.environment("message-api")
    assert api["ALLOWED_SENDERS"] == '["a@example.com", "+12065550100"]'
    assert api["ALLOWED_COUNTRY_PREFIXES"] == '["+1"]'
    base = recording.environment("message-api")["API_BASE_URL"]
    assert base == recording.outputs["api_url"] == "https://messages.example.com/v2"
    assert recording.environment("relay-events")["POWERTOOLS_LOG_LEVEL"] == "DEBUG"


def test_in_a_network_only_lambda_itself_handles_interfaces(deploy: Callable[..., Any]) -> None:
    recording = deploy(subnetIds='["subnet-0a1"]', securityGroupIds='["sg-0b2"]')
    for policy in recording.all("RolePolicy"):
        (denied,) = (s for s in policy.document()["Statement"] if s["Effect"] == "Deny")
        assert "ec2:DeleteNetworkInterface" in denied["Action"]
        function = policy.name.removesuffix("-policy")
        assert denied["Condition"] == {
            "ArnLike": {
                "lambda:SourceFunctionArn": (
                    f"arn:aws:lambda:eu-west-1:123456789012:function:{function}-*"
                )
            }
        }
