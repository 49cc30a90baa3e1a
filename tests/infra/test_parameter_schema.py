"""The JSON Schema of config.params.json says what the loader says."""

import json
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
