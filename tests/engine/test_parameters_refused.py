"""Wrong parameters under the engine: every sentence at once, no stack trace, nothing created."""

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engine.project import Project

pytestmark = pytest.mark.engine

TOPIC = "arn:aws:sns:us-east-1:123456789012:theirs"
WABA = "waba-0123456789abcdef0123456789abcdef"
WRONG = {
    "retentonDays": "3",
    "streamMode": "SOMETIMES",
    "wafRateLimit": "5",
    "smsConfigSetName": "_not-at-aws",
    "alarmEmail": "ops@acme-corp.com",
    "alarmTopicArn": TOPIC,
    "subnetIds": '["subnet-0a1"]',
}
SENTENCES = (
    "did you mean retentionDays",
    "streamMode: 'SOMETIMES' is not one of",
    "wafRateLimit: 5 is not in",
    "smsConfigSetName: '_not-at-aws' is invalid",
    "not with alarmTopicArn",
    "subnetIds and securityGroupIds belong together",
)


@pytest.fixture(scope="module")
def project(engine: Any, copy: Path) -> Iterator[Project]:
    project = engine.project(copy)
    project.init("refused")
    yield project
    project.destroy("--skip-preview")


@pytest.fixture
def yaml_program(engine: Any, example: Callable[[str], Path]) -> Iterator[Callable[..., Project]]:
    """The example in YAML, with further arguments of its component."""
    project = engine.project(example("yaml"))
    file = project.folder / "Pulumi.yaml"
    text = file.read_text()

    def with_arguments(**arguments: object) -> Project:
        program = yaml.safe_load(text)
        program["resources"]["messaging"]["properties"].update(arguments)
        file.write_text(yaml.safe_dump(program))
        project.run("stack", "select", "--create", "refused")
        project.stack = "refused"
        return project

    yield with_arguments
    file.write_text(text)


def has_no_stack_trace(text: str) -> bool:
    return not re.search(r'Traceback|File "|, line \d+', text)


def test_every_fault_is_reported_at_once(project: Project) -> None:
    project.set(WRONG)
    refused = project.run("preview", status=None)
    project.set(dict.fromkeys(WRONG))

    assert f"{len(SENTENCES)} problems in the parameters" in refused.text
    assert [sentence for sentence in SENTENCES if sentence not in refused.text] == []
    assert has_no_stack_trace(refused.text)
    assert project.resources() == []


def test_a_program_with_the_component_is_told_the_same_by_its_own_names(
    engine: Any, example: Callable[[str], Path]
) -> None:
    project = engine.project(example("python"))
    program = project.folder / "__main__.py"
    given = '"alarm_email": "ops@acme-corp.com", "retention_days": 1, "tags": TAGS,'
    text = program.read_text()
    assert text.count('"tags": TAGS,') == 1
    program.write_text(text.replace('"tags": TAGS,', given))
    project.init("refused")
    refused = project.run("preview", status=None)
    program.write_text(text)

    # The topic is an output of another resource.
    assert "not with alarm_topic_arn" in refused.text
    assert "retention_days: 1 is not in 7 to 3650" in refused.text
    assert has_no_stack_trace(refused.text)


def test_the_plugin_tells_the_same_by_the_names_of_its_schema(
    yaml_program: Callable[..., Project],
) -> None:
    project = yaml_program(retentionDays=1, subnetIds=["subnet-0a1"], claimLeaseSeconds=300)
    refused = project.up(status=None)

    assert "retentionDays: 1 is not in 7 to 3650" in refused.text
    assert "subnetIds and securityGroupIds belong together" in refused.text
    assert "visibilityTimeoutSeconds (300)" in refused.text
    assert has_no_stack_trace(refused.text)


def test_the_plugin_refuses_whatsapp_accounts_before_anything_is_created(
    yaml_program: Callable[..., Project], engine: Any
) -> None:
    before = len(engine.account.calls)
    project = yaml_program(whatsAppBusinessAccountIds=[WABA])
    refused = project.run("preview", status=None)

    assert "whatsAppBusinessAccountIds is for programs in Python" in refused.text
    assert has_no_stack_trace(refused.text)

    refused = project.up(status=None)
    assert "whatsAppBusinessAccountIds is for programs in Python" in refused.text
    # The program's own role does not need the component, and may be there.
    kinds = {token for call, token, _ in engine.account.calls[before:] if call == "create"}
    assert kinds <= {"aws:iam/role:Role"}
    project.destroy("--skip-preview")


def test_a_refusal_leaves_no_process_behind(yaml_program: Callable[..., Project]) -> None:
    project = yaml_program(retentionDays=1)
    project.run("preview", status=None)
    plugin = str(project.folder.parents[1] / "plugin")

    def running() -> list[str]:
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
        return [line for line in listed.stdout.splitlines() if plugin in line]

    deadline = time.monotonic() + 20
    while running() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert running() == []
