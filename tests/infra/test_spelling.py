"""Errors name a parameter as it was written: in a program or in config.params.json."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

import infra
from infra import FallbackMessaging, SettingsError, arguments_of
from infra.parameter_layers import (
    as_arguments,
    load_settings,
    settings_from_arguments,
    settings_of_part,
)
from infra.settings import PARAMETERS
from local.recording import Recording, record

ROOT = Path(__file__).resolve().parents[2]
IN_FILES = {p.name for field, p in PARAMETERS.items() if p.name != field}
IN_PROGRAMS = {field for field, p in PARAMETERS.items() if p.name != field}
WRONG = {"integer": "x", "boolean": 3, "text": 5, "list": 3, "map": 3}
CONTRADICTORY: list[dict[str, Any]] = [
    {"claim_lease_seconds": 300},
    {"retention_days": 7, "queue_retention_days": 13},
    {"retention_days": 7, "stream_retention_hours": 400},
    {"relay_batch_window_seconds": 0},
    {
        "create_sms_config_set": False,
        "attach_sms_event_destination": True,
        "sms_config_set_name": "",
    },
    {"api_throttle_rate": 2000, "api_throttle_burst": 1},
    {"api_clients": []},
    {"api_client_throttle_rate": 5},
    {"allowed_cidrs": ["203.0.113.0/64"]},
]


def words(problems: tuple[str, ...]) -> set[str]:
    return set(re.findall(r"\w+", " ".join(problems)))


@pytest.mark.parametrize("read", [settings_from_arguments, settings_of_part])
@pytest.mark.parametrize("field", PARAMETERS)
def test_a_value_of_the_wrong_type(read: Callable[..., Any], field: str) -> None:
    with pytest.raises(SettingsError) as error:
        read("mine", {field: WRONG[PARAMETERS[field].kind]})
    (problem,) = error.value.problems
    assert problem.startswith(f"arguments of mine: {field}: ")
    assert not words(error.value.problems) & IN_FILES


@pytest.mark.parametrize("given", CONTRADICTORY, ids="-".join)
def test_a_contradiction(given: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        settings_from_arguments("mine", given)
    assert not words(error.value.problems) & IN_FILES
    assert words(error.value.problems) & given.keys()

    path = tmp_path / "config.params.json"
    path.write_text(json.dumps({PARAMETERS[field].name: value for field, value in given.items()}))
    with pytest.raises(SettingsError) as error:
        load_settings(path, "dev")
    assert not words(error.value.problems) & IN_PROGRAMS
    assert words(error.value.problems) & {PARAMETERS[field].name for field in given}


def test_a_name_that_a_program_has_wrong_is_quoted_as_it_is() -> None:
    with pytest.raises(SettingsError) as error:
        settings_from_arguments("mine", {"retentionDays": 9})
    assert error.value.problems == (
        "arguments of mine: retentionDays is not a parameter; did you mean retention_days?",
    )


def test_only_whole_names_are_translated() -> None:
    assert as_arguments("retentionDays, queueRetentionDays (7)") == (
        "retention_days, queue_retention_days (7)"
    )
    assert as_arguments("myretentionDays retentionDaysAgo") == "myretentionDays retentionDaysAgo"


def test_warnings_too(
    run_program: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda message, *_: said.append(message))
    run_program(lambda: FallbackMessaging("mine", {"default_fallback_seconds": 1}))
    path = tmp_path / "config.params.json"
    path.write_text('{"defaultFallbackSeconds": 1}')
    settings = load_settings(path, "dev")
    run_program(lambda: FallbackMessaging("mine", arguments_of(settings)))
    in_program, in_file = said
    assert in_program.startswith("default_fallback_seconds (1) is shorter")
    assert in_file.startswith("defaultFallbackSeconds (1) is shorter")


def test_the_component_needs_no_arguments(run_program: Callable[..., Any]) -> None:
    without = run_program(lambda: FallbackMessaging("notify"))
    empty = run_program(lambda: FallbackMessaging("notify", {}))
    assert {r.name for r in without.resources} == {r.name for r in empty.resources}
    assert len(without.resources) > 100


def test_texts_name_only_files_that_the_wheel_has() -> None:
    """In the wheel the package is not called infra, and has no folder above it."""
    for path in Path(infra.__file__).parent.glob("*.py"):
        assert not re.search(r"infra/\w+\.py", path.read_text(encoding="utf-8")), path.name
    assert "`settings.py`" in str(infra.FallbackMessagingArgs.__doc__)
    assert "defaults of every parameter" in str(FallbackMessaging.__init__.__doc__)


class Silent(Recording):
    """Mocks as a program's own test has them at first."""

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], Any]:
        known, failures = super().call(args)
        return ({} if args.token.endswith("getPartition") else known), failures


def test_mocks_that_answer_nothing_are_told_what_to_answer() -> None:
    with pytest.raises(
        ValueError, match="aws:index/getPartition:getPartition gave nothing"
    ) as error:
        record(
            Silent(),
            lambda: FallbackMessaging("mine") and None,
            project="tests",
            stack="dev",
            config={},
        )
    assert "mocks" in str(error.value)
