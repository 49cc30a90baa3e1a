"""The JSON Schema of config.params.json says what the loader says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from infra.parameter_layers import load_settings
from infra.settings import PARAMETERS, SettingsError

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "config.params.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_the_schema_is_a_schema_and_the_file_names_it() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    document = json.loads((ROOT / "config.params.json").read_text(encoding="utf-8"))

    assert document["$schema"] == "./config.params.schema.json"
    VALIDATOR.validate(document)


def test_every_parameter_and_synonym_is_in_it_with_its_description() -> None:
    names = {n for p in PARAMETERS.values() for n in (p.name, *p.synonyms)}

    assert set(SCHEMA["properties"]) == names | {"$schema", "environments"}
    assert set(SCHEMA["$defs"]["environment"]["properties"]) == names
    assert all(SCHEMA["properties"][name]["description"] for name in names)


def patterns_of(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema
        for inner in schema.values():
            yield from patterns_of(inner)
    if isinstance(schema, list):
        for inner in schema:
            yield from patterns_of(inner)


def test_an_editor_says_in_words_what_a_pattern_wants() -> None:
    patterns = list(patterns_of(SCHEMA))
    assert len(patterns) > len(PARAMETERS) / 2
    for schema in patterns:
        assert re.fullmatch(r"Expected [^^$\\]{4,}\.", schema["patternErrorMessage"]), schema
    (email,) = patterns_of(SCHEMA["properties"]["alarmEmail"])
    assert "placeholder" in email["patternErrorMessage"]


def test_an_editor_offers_the_projects_stacks_and_takes_others() -> None:
    environments = SCHEMA["properties"]["environments"]
    assert set(environments["properties"]) == {
        path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml")
    }
    assert set(environments["properties"]) >= {"dev", "prod"}
    assert VALIDATOR.is_valid({"environments": {"mine": {"retentionDays": 9}}})
    assert not VALIDATOR.is_valid({"environments": {"prod": {"retentionDay": 9}}})


def both_say(tmp_path: Path, document: dict[str, Any]) -> tuple[bool, bool]:
    path = tmp_path / "config.params.json"
    path.write_text(json.dumps(document))
    try:
        load_settings(path, "dev")
        loads = True
    except SettingsError:
        loads = False
    return loads, VALIDATOR.is_valid(document)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"createSESConfigSet": "true"},
        {"createSESConfigSet": False},
        {"retentionDays": "90"},
        {"configSetName": "mails"},
        {"sesIdentities": ["example.com", "a@example.org"]},
        {"allowedCidrs": ["203.0.113.0/24", "2001:db8::/32"]},
        {"kmsKeyArn": ""},
        {"wafRateLimit": 0},
        {"wafRateLimit": 10, "alarmEmail": "ops@company.test"},
        {"logRetentionDays": 365},
        {"environments": {"dev": {"tags": {"Owner": "me"}}}},
    ],
)
def test_what_loads_is_valid(tmp_path: Path, document: dict[str, Any]) -> None:
    assert both_say(tmp_path, document) == (True, True)


@pytest.mark.parametrize(
    "document",
    [
        {"retentiondays": 7},
        {"retentionDays": 5},
        {"retentionDays": "soon"},
        {"logRetentionDays": 8},
        {"streamMode": "SOMETIMES"},
        {"tracing": "yes"},
        {"tags": {"aws:reserved": "x"}},
        {"tags": {"fine": 7}},
        {"sesIdentities": "example.com"},
        {"smsMaxPrice": "5"},
        {"wafRateLimit": 5},
        {"alarmEmail": "ops@example.com"},
        {"kmsKeyArn": "alias/mine"},
        {"environments": {"dev": {"retentionDay": 7}}},
    ],
)
def test_what_does_not_load_is_not_valid(tmp_path: Path, document: dict[str, Any]) -> None:
    assert both_say(tmp_path, document) == (False, False)
