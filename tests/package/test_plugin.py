"""The components for other languages: their schema, process and construction."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pulumi
import pytest
import yaml
from guardrails import RULES, Resource, Rule
from pulumi.errors import InputPropertiesError
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from infra.plugin import PluginProvider
from infra.settings import PARAMETERS
from local.recording import Recorded, Recording, record

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "plugin" / "schema.json").read_text(encoding="utf-8"))
YAML = yaml.safe_load((ROOT / "examples" / "yaml" / "Pulumi.yaml").read_text(encoding="utf-8"))
TOKEN = "fallback-messaging:index:FallbackMessaging"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"


WABA = "waba-" + "0" * 32


def constructed(inputs: Callable[[], dict[str, Any]], token: str = TOKEN) -> Recording:
    """Construct the component as the engine asks for it, and record what it registers.

    The inputs are made in the program, whose outputs some of them may be.
    """
    recording = Recording()

    def program() -> None:
        result = PluginProvider().construct("orders", token, inputs())
        pulumi.export("state", result.state)

    record(recording, program, project="orders-yaml", stack="dev", config={})
    return recording


def test_the_schema_is_the_one_that_was_looked_at() -> None:
    # It is what programs in other languages depend on; `make docs` writes it anew.
    assert json.loads(str(PluginProvider().schema)) == SCHEMA


def test_the_schema_offers_three_components_with_their_arguments() -> None:
    assert set(SCHEMA["resources"]) == {
        TOKEN,
        "fallback-messaging:index:DeliveryEventStream",
        "fallback-messaging:index:EventDestinations",
    }
    messaging = SCHEMA["resources"][TOKEN]
    assert messaging["isComponent"] is True
    inputs = messaging["inputProperties"]
    assert (inputs["retentionDays"]["type"], inputs["retentionDays"]["plain"]) == ("integer", True)
    # What exists already may be an output of another resource.
    assert inputs["kmsKeyArn"]["type"] == "string"
    assert "plain" not in inputs["kmsKeyArn"]
    assert "requiredInputs" not in messaging or messaging["requiredInputs"] == []
    assert {"apiUrl", "apiKeys", "topicArn", "streamArn", "sendPolicy"} <= set(
        messaging["properties"]
    )
    destinations = SCHEMA["resources"]["fallback-messaging:index:EventDestinations"]
    assert destinations["requiredInputs"] == ["topicArn"]


@pytest.fixture(scope="module")
def plugin(installation: Any) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    """The plugin as the engine runs it, with the wheel: a process that prints its port."""
    process = subprocess.Popen(
        [installation.python, "-W", "ignore", ROOT / "plugin", "127.0.0.1:1"],
        cwd=installation.site_packages,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield provider_pb2_grpc.ResourceProviderStub(channel)
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()


def test_the_process_answers_with_the_same_schema(
    plugin: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    answer = plugin.GetSchema(provider_pb2.GetSchemaRequest(version=0))

    assert json.loads(answer.schema) == SCHEMA


def test_numbers_arrive_as_floats_and_other_resources_as_outputs() -> None:
    def given() -> dict[str, Any]:
        return {
            "streamShardCount": 2.0,
            "defaultFallbackSeconds": 120.0,
            "tracing": True,
            "tags": {"team": "orders"},
            "apiClients": ["shop"],
            "kmsKeyArn": pulumi.Output.from_input(KEY),
            "alarmTopicArn": pulumi.Output.from_input("arn:aws:sns:eu-west-1:1:alarms"),
            "subnetIds": pulumi.Output.from_input(["subnet-0a1"]),
            "securityGroupIds": [pulumi.Output.from_input("sg-0b2")],
        }

    recording = constructed(given)

    by_kind: dict[str, list[Recorded]] = {}
    for resource in recording.resources:
        by_kind.setdefault(resource.kind, []).append(resource)
    (stream,) = by_kind["Stream"]
    assert stream.inputs["shardCount"] == 2
    assert stream.inputs["kmsKeyId"] == KEY
    assert "Key" not in by_kind
    for function in by_kind["Function"]:
        assert function.inputs["vpcConfig"] == {
            "subnetIds": ["subnet-0a1"],
            "securityGroupIds": ["sg-0b2"],
        }
        variables = function.inputs["environment"]["variables"]
        # A "120.0" would not be read.
        assert variables.get("DEFAULT_FALLBACK_SECONDS", "120") == "120"
    assert {a.inputs["alarmActions"][0] for a in by_kind["MetricAlarm"]} == {
        "arn:aws:sns:eu-west-1:1:alarms"
    }


def test_every_output_of_the_schema_has_a_value() -> None:
    state = constructed(dict).outputs["state"]

    missing = {name for name in SCHEMA["resources"][TOKEN]["properties"] if name not in state}
    assert missing == set()
    assert state["apiUrl"].startswith("https://")
    assert json.loads(state["sendPolicy"])["Statement"]


@pytest.mark.parametrize(
    ("inputs", "sentences"),
    [
        (
            {"retentionDays": 1.0, "subnetIds": ["subnet-0a1"]},
            ["retentionDays: 1 is not in 7 to 3650", "subnetIds and securityGroupIds belong"],
        ),
        # The schema's name is neither that of config.params.json nor that of a program in Python.
        (
            {"claimLeaseSeconds": 300, "attachSmsEventDestination": 3},
            ["visibilityTimeoutSeconds (300)", "attachSmsEventDestination: expected true or false"],
        ),
    ],
)
def test_wrong_arguments_are_named_as_in_the_schema(
    inputs: dict[str, Any], sentences: list[str]
) -> None:
    # Pulumi shows the sentences of this error, and the stack trace of others.
    with pytest.raises(InputPropertiesError) as raised:
        constructed(lambda: inputs)

    assert "2 problems" in raised.value.message
    assert [each for each in sentences if each not in raised.value.message] == []
    reasons = " ".join(each["reason"] for each in raised.value.errors or ())
    assert [each for each in sentences if each not in reasons] == []


@pytest.mark.parametrize("component", ["FallbackMessaging", "EventDestinations"])
def test_whatsapp_accounts_are_refused(component: str) -> None:
    # Pulumi would run their provider in the program's environment, which is without it.
    given = {"topicArn": "arn:aws:sns:eu-west-1:123456789012:events"}
    inputs = {"whatsAppBusinessAccountIds": [WABA]}
    inputs |= given if component == "EventDestinations" else {}

    with pytest.raises(InputPropertiesError, match="whatsAppBusinessAccountIds is for programs in"):
        constructed(lambda: inputs, f"fallback-messaging:index:{component}")


def test_every_property_is_described() -> None:
    properties = [
        schema
        for resource in SCHEMA["resources"].values()
        for part in ("inputProperties", "properties")
        for schema in resource[part].values()
    ]

    assert len(properties) > 100
    assert [schema for schema in properties if not schema.get("description")] == []
    messaging = SCHEMA["resources"][TOKEN]["inputProperties"]
    assert messaging["retentionDays"]["description"] == (
        "How long the status of a message can be asked for; at least until 14 days after its end, "
        "while a dead letter can act on it. 7 to 3650."
    )
    assert len(messaging) == len(PARAMETERS) - 1


def test_the_program_in_yaml_names_only_what_the_schema_has() -> None:
    messaging = YAML["resources"]["messaging"]

    assert messaging["type"] in SCHEMA["resources"]
    assert set(messaging["properties"]) <= set(SCHEMA["resources"][TOKEN]["inputProperties"])
    text = json.dumps(YAML)
    used = set(re.findall(r"\$\{messaging\.(\w+)\}", text))
    assert used
    assert used <= set(SCHEMA["resources"][TOKEN]["properties"])
    assert (ROOT / "examples" / "yaml" / YAML["packages"]["fallback-messaging"]).is_dir()


@pytest.fixture(scope="module")
def yaml_resources() -> list[Resource]:
    """What the program in YAML creates: the component's resources, and its own."""
    recording = constructed(lambda: YAML["resources"]["messaging"]["properties"])
    values = {f"messaging.{key}": value for key, value in recording.outputs["state"].items()}
    values["shop.name"] = "shop"
    own = [
        Resource(resource["type"], name, evaluated(resource["properties"], values))
        for name, resource in YAML["resources"].items()
        if resource["type"].startswith("aws:")
    ]
    made = [
        Resource(r.type, r.name, {"arn": r.arn, "name": r.name, "url": r.url, **r.inputs})
        for r in recording.resources
    ]
    return [*made, *own]


def evaluated(value: Any, values: dict[str, Any]) -> Any:
    """Evaluate an expression of Pulumi YAML, as far as the example uses them."""
    if isinstance(value, dict):
        if set(value) == {"fn::toJSON"}:
            return json.dumps(value["fn::toJSON"])
        return {key: evaluated(inner, values) for key, inner in value.items()}
    found = re.fullmatch(r"\$\{(.+)\}", value) if isinstance(value, str) else None
    return values[found[1]] if found else value


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_program_in_yaml_holds_to_every_rule(
    yaml_resources: list[Resource], rule: Rule
) -> None:
    assert list(rule(yaml_resources)) == []


def test_the_program_in_yaml_uses_what_it_is_given(yaml_resources: list[Resource]) -> None:
    by_name: dict[str, Callable[[str], Any]] = {r.name: r.get for r in yaml_resources}

    assert "/POST/messages" in by_name["shopMaySend"]("policy")
    assert by_name["orders-observability-fallback-rate"]("threshold") == 30
    assert by_name["orders-destinations-ses-config-set"]("configurationSetName") == "orders-yaml"


def test_what_pulumi_generates_for_the_program_in_yaml_is_ignored() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()

    assert "sdks/" in ignored
