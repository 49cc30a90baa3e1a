"""The product as a whole: names, tags, outputs, and use from another program."""

import inspect
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from pulumi.provider.experimental.analyzer import Analyzer
from pulumi.runtime.stack import Stack

import infra
from infra import FallbackMessaging, FallbackMessagingArgs, SettingsError
from infra.settings import PARAMETERS

# Names that a user gives, or that AWS has no other way to tell apart.
NAMED = {"Alias", "ConfigurationSet", "Smsvoicev2ConfigurationSet", "Dashboard", "QueryDefinition"}
PHYSICAL_NAMES = ("name", "configurationSetName", "dashboardName", "bucket")
STACKS = ("dev", "staging", "prod")
PREFIX = "FallbackMessagingService"


def taggable() -> set[str]:
    kinds = set()
    for module in (
        *(aws.apigateway, aws.cloudwatch, aws.dynamodb, aws.iam, aws.kinesis, aws.kms),
        *(aws.lambda_, aws.pinpoint, aws.sesv2, aws.sns, aws.sqs, aws.wafv2),
    ):
        for name, member in inspect.getmembers(module, inspect.isclass):
            if (
                issubclass(member, pulumi.CustomResource)
                and "tags" in inspect.signature(member._internal_init).parameters
            ):
                kinds.add(name)
    return kinds


def test_everything_that_can_be_tagged_is(deploy: Callable[..., Any]) -> None:
    recording = deploy(alarmEmail="ops@company.test", accessLogs="true", wafRateLimit="100")
    kinds = taggable()
    tagged = [r for r in recording.resources if r.type.startswith("aws:") and r.kind in kinds]

    assert len(tagged) > 60
    for resource in tagged:
        assert resource.inputs["tags"] == {
            "Application": "MyApp",
            "Environment": "Dev",
            "Owner": "YourName",
            "Project": "FallbackMessagingService",
        }, resource.name


def test_stacks_of_one_account_and_region_do_not_clash(deploy: Callable[..., Any]) -> None:
    given = [
        (resource.kind, resource.inputs[key])
        for stack in STACKS
        for resource in deploy(stack).resources
        for key in PHYSICAL_NAMES
        if key in resource.inputs and resource.type.startswith("aws:")
    ]

    # Event destinations name the set that they belong to.
    own = [name for name in given if not name[0].endswith("EventDestination")]
    assert len(set(own)) == len(own)
    assert {kind for kind, _ in own} == NAMED


def test_every_name_is_prefixed_and_none_is_too_long(deploy: Callable[..., Any]) -> None:
    longest = deploy(CdkBackendStack="A" * 27)

    for resource in longest.resources:
        if resource.kind == "Stack":
            continue
        assert resource.name.startswith("A" * 27)
        # Roles and functions have at most 64 characters, of which Pulumi adds 8.
        if resource.kind in ("Role", "Function"):
            assert len(resource.name) <= 64 - 8


def test_logs_are_kept_as_long_as_the_parameter_says(dev: Any, prod: Any) -> None:
    assert [group.inputs["retentionInDays"] for group in dev.all("LogGroup")] == [7] * 5
    assert [group.inputs["retentionInDays"] for group in prod.all("LogGroup")] == [365] * 6


def test_the_program_exports_what_a_caller_needs(dev: Any) -> None:
    assert set(dev.outputs) == {
        *("api_url", "api_key_id", "api_key", "api_keys", "dashboard_url"),
        *("send_policy", "status_policy", "cancel_policy"),
        *("messages_table", "payloads_table", "provider_message_ids_table"),
        *("events_topic", "events_topic_arn", "events_stream"),
        *("intake_queue", "timers_queue", "events_queue"),
        *("quarantine_queue", "stream_failures_queue"),
        *("ses_configuration_set", "sms_configuration_set"),
        *("message_api_function", "send_primary_function", "send_fallback_function"),
        *("relay_events_function", "normalize_events_function"),
    }
    assert all(dev.outputs.values())


def test_the_key_is_a_secret(run_program: Callable[..., Any]) -> None:
    def program() -> None:
        messaging = FallbackMessaging("Mine", {})
        pulumi.export("secret", pulumi.Output.from_input(messaging.api_key.is_secret()))
        pulumi.export("not_secret", pulumi.Output.from_input(messaging.api_key_id.is_secret()))

    outputs = run_program(program).outputs

    assert (outputs["secret"], outputs["not_secret"]) == (True, False)


def test_roles_may_be_let_in_with_iam_authorization(run_program: Callable[..., Any]) -> None:
    def program() -> None:
        messaging = FallbackMessaging("Mine", {"authorization": "IAM"})
        messaging.grant_send("shop-may-send", "shop")
        messaging.grant_status("support-may-look-up", "support")
        messaging.grant_cancel("support-may-cancel", "support")

    recording = run_program(program)

    for name, resource in (
        ("shop-may-send", "/POST/messages"),
        ("support-may-look-up", "/GET/messages/*"),
        ("support-may-cancel", "/POST/messages/*/cancel"),
    ):
        grant = recording.one("RolePolicy", name)
        (statement,) = grant.document()["Statement"]
        assert grant.inputs["role"] == name.partition("-")[0]
        assert statement["Action"] == ["execute-api:Invoke"]
        assert statement["Resource"][0].endswith(resource)


def test_a_grant_that_would_have_no_effect_is_an_error(run_program: Callable[..., Any]) -> None:
    def program() -> None:
        FallbackMessaging("Mine", {}).grant_send("shop-may-send", "shop")

    with pytest.raises(
        SettingsError, match=r"grant_send\('shop-may-send'\): a policy has no effect"
    ):
        run_program(program)


def test_only_three_things_are_asked_of_aws(dev: Any) -> None:
    assert set(dev.invokes) == {
        "aws:index/getCallerIdentity:getCallerIdentity",
        "aws:index/getPartition:getPartition",
        "aws:index/getRegion:getRegion",
    }


def test_another_program_can_use_the_component(run_program: Callable[..., Any]) -> None:
    def program() -> None:
        messaging = FallbackMessaging(
            "Orders",
            {
                "tags": {"Team": "orders"},
                "ses_config_set_name": "orders-mail",
                "sms_config_set_name": "orders-text",
                "stream_shard_count": 2,
            },
        )
        pulumi.export("url", messaging.api_url)
        pulumi.export("table", messaging.messages_table_name)

    recording = run_program(program, stack="live")

    assert recording.outputs["table"] == "Orders-store-messages"
    assert recording.one("Stream").inputs["shardCount"] == 2
    assert recording.one("Stream").inputs["tags"] == {"Team": "orders"}
    assert recording.environment("relay-events")["STACK_NAME"] == "Orders-live"


def test_two_components_in_one_program_do_not_clash(run_program: Callable[..., Any]) -> None:
    def program() -> None:
        for name in ("One", "Two"):
            FallbackMessaging(
                name,
                {"ses_config_set_name": f"{name}-m", "sms_config_set_name": f"{name}-t"},
            )

    recording = run_program(program)

    assert len({(r.type, r.name) for r in recording.resources}) == len(recording.resources)
    assert len({d.inputs["dashboardName"] for d in recording.all("Dashboard")}) == 2


def test_nothing_is_declared_when_the_arguments_are_wrong(run_program: Callable[..., Any]) -> None:
    before: list[Any] = []

    def program() -> None:
        try:
            FallbackMessaging("Mine", {"stream_mode": "NEVER", "retention_days": 0})
        except SettingsError as error:
            before.extend(error.problems)

    recording = run_program(program)

    assert len(before) == 2
    assert [r.type for r in recording.resources if r.kind != "Stack"] == []


def test_nothing_is_declared_when_pulumi_configuration_is_wrong(deploy: Callable[..., Any]) -> None:
    with pytest.raises(SettingsError, match="did you mean retentionDays"):
        deploy(retentionDay="7")


def test_the_arguments_of_the_component_are_the_parameters() -> None:
    arguments = FallbackMessagingArgs.__annotations__

    assert set(arguments) == set(PARAMETERS) - {"name_prefix"}
    kinds = {"integer": int, "boolean": bool, "text": str, "list": list[str], "map": dict[str, str]}
    # What exists already may be named by an output of another resource.
    adopted = {"text": pulumi.Input[str], "list": pulumi.Input[list[pulumi.Input[str]]]}
    for name, annotation in arguments.items():
        parameter = PARAMETERS[name]
        assert annotation == (adopted if parameter.adopted else kinds)[parameter.kind], name


def test_components_can_be_described_to_other_languages() -> None:
    components = [
        member
        for _, member in inspect.getmembers(infra, inspect.isclass)
        if issubclass(member, pulumi.ComponentResource)
    ]

    described = Analyzer("fallback-messaging").analyze(components)

    assert len(components) == 8
    messaging = described["component_definitions"]["FallbackMessaging"]
    assert set(messaging.outputs) >= {"apiUrl", "apiKey", "topicArn", "messagesTableName"}
    assert messaging.inputs["retentionDays"].optional is True


def test_every_resource_belongs_to_the_component(run_program: Callable[..., Any]) -> None:
    recording = run_program(lambda: FallbackMessaging("Mine", {}))
    orphans = [
        name
        for name, options in recording.options.items()
        if options.parent is None or isinstance(options.parent, Stack)
    ]

    assert orphans == ["Mine"]


def test_production_protects_tables_and_key_and_development_nothing(dev: Any, prod: Any) -> None:
    protected = [name for name, options in prod.options.items() if options.protect]

    assert sorted(protected) == [
        "FallbackMessagingService-key",
        "FallbackMessagingService-store-messages",
        "FallbackMessagingService-store-payloads",
        "FallbackMessagingService-store-provider-message-ids",
    ]
    assert not [name for name, options in dev.options.items() if options.protect]


def test_what_is_left_of_a_removed_stack(dev: Any, prod: Any, deploy: Callable[..., Any]) -> None:
    def kept(recording: Any) -> list[str]:
        names = [name for name, options in recording.options.items() if options.retain_on_delete]
        return sorted(name.removeprefix(f"{PREFIX}-") for name in names)

    # The setting of access logs is the account's, and others may depend on it.
    log_setting = ["api-account", "api-log-role", "api-log-role-policy"]
    data = ["key", "store-messages", "store-payloads", "store-provider-message-ids"]
    # From the moment that a key's deletion is scheduled, nothing can be decrypted with it.
    assert kept(dev) == ["key"]
    assert kept(deploy("staging")) == [*log_setting, "key"]
    assert kept(prod) == [*log_setting, *data]


def test_what_needs_a_permission_waits_for_it(deploy: Callable[..., Any]) -> None:
    staging = deploy("staging")

    def waits_for(name_end: str) -> list[str]:
        (options,) = (o for name, o in staging.options.items() if name.endswith(name_end))
        return [resource._name.removeprefix(f"{PREFIX}-") for resource in options.depends_on]

    # SES tries to publish before it accepts a destination; the topic's policy must be there.
    assert waits_for("-destinations") == ["events"]
    assert waits_for("-normalize-events-mapping") == ["status-normalize-events-policy"]
    # Or Lambda would stop the first long waits as endless loops.
    assert waits_for("-send-fallback-mapping") == [
        "senders-send-fallback-policy",
        "senders-send-fallback-recursion",
    ]
    assert waits_for("-senders-send-primary") == ["senders-send-primary-policy"]
    assert waits_for("-api-stage") == ["api-account"]
    # Three methods with their integrations, the gateway's own answers, the policy of networks.
    assert len(waits_for("-api-deployment")) == 6 + 9 + 1
