"""examples/python: another program that uses the package, recorded and deployed on the emulator."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from guardrails import RULES, Resource, Rule

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def recorded(recorded_example: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return recorded_example("dev")


def inputs(recorded: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [r["inputs"] for r in recorded["resources"] if r["type"].endswith(f":{kind}")]


def test_its_own_key_encrypts_everything(recorded: dict[str, Any]) -> None:
    keys = {table["serverSideEncryption"]["kmsKeyArn"] for table in inputs(recorded, "Table")}
    keys |= {queue["kmsMasterKeyId"] for queue in inputs(recorded, "Queue")}

    assert recorded["counts"]["aws:kms/key:Key"] == 1
    assert {key.rpartition(":")[2] for key in keys} == {"orders-key"}


def test_its_own_topic_gets_the_alarms(recorded: dict[str, Any]) -> None:
    actions = {action for a in inputs(recorded, "MetricAlarm") for action in a["alarmActions"]}

    assert {action.rpartition(":")[2] for action in actions} == {"orders-alarms"}


def test_its_own_tags_are_on_everything_that_has_some(recorded: dict[str, Any]) -> None:
    tags = [r["inputs"]["tags"] for r in recorded["resources"] if "tags" in r["inputs"]]

    assert len(tags) > 60
    assert all(each == {"team": "orders", "stage": "dev"} for each in tags)


def test_it_uses_the_outputs(recorded: dict[str, Any]) -> None:
    policies = {r["name"]: r["inputs"].get("policy", "") for r in recorded["resources"]}

    assert "orders-events-stream" in policies["orders-analyst-may-read-events"]
    assert set(recorded["outputs"]) == {
        *("messages_url", "shop_key", "support_key", "events_stream", "dashboard"),
    }


def test_the_program_of_the_readme_runs(installation: Any, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(program)
    command = ("-m", "local", "preview", "--json", "--project", tmp_path)
    output = installation.run(*command, cwd=installation.site_packages, path=ROOT)

    recorded = json.loads(output)
    assert recorded["outputs"] == ["messages_url"]
    (policy,) = [r for r in recorded["resources"] if r["name"] == "shop-may-send"]
    assert "/POST/messages" in policy["inputs"]["policy"]


def test_two_of_its_stacks_do_not_clash(recorded_example: Callable[..., Any]) -> None:
    names = [
        {r["inputs"]["name"] for r in recorded_example(stack)["resources"] if "name" in r["inputs"]}
        for stack in ("dev", "live")
    ]

    assert names[0] and not names[0] & names[1]  # noqa: PT018  the second says nothing alone


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_it_holds_to_every_rule(recorded: dict[str, Any], rule: Rule) -> None:
    resources = [
        Resource(each["type"], each["name"], {**each["made"], **each["inputs"]})
        for each in recorded["resources"]
    ]

    assert list(rule(resources)) == []


def test_it_runs_on_the_emulator_and_its_message_arrives(installation: Any) -> None:
    script = ROOT / "tests" / "package" / "deploy_example.py"
    output = installation.run(script, cwd=installation.site_packages, path=ROOT)

    result = json.loads(output.splitlines()[-1])
    assert result["package"].startswith(str(installation.site_packages))
    assert result["status"] == "delivered"
    assert result["without_key"] == 403
    assert result["sends"] == ["ses", "sms"]
