"""`make preview`: what a stack would create, without AWS and without the Pulumi CLI."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra import SettingsError
from local.base_cost import base_cost, price_table
from local.preview import preview
from local.recording import ProjectError, Recorded, record_project

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return json.loads(preview(ROOT, "dev", as_json=True))


def test_the_tree_has_every_resource_under_its_parent() -> None:
    lines = preview(ROOT, "dev", as_json=False).splitlines()
    names = [line.lstrip("│├└─ ") for line in lines[1 : lines.index("")]]

    assert lines[0] == "stack dev"
    assert names[0] == "FallbackMessaging FallbackMessagingService"
    assert len(names) == len(record_project(ROOT, "dev").resources)
    stage = next(line for line in lines if line.endswith("Stage stage"))
    assert stage.startswith("   │  ")


def test_tools_get_every_resource_with_parent_and_inputs(document: dict[str, Any]) -> None:
    by_name = {resource["name"]: resource for resource in document["resources"]}
    table = by_name["FallbackMessagingService-store-messages"]

    assert table["parent"] == "FallbackMessagingService-store"
    assert table["inputs"]["hashKey"] == "message_id"
    assert by_name[table["parent"]]["component"] is True
    assert document["counts"]["aws:lambda/function:Function"] == 5
    assert "api_url" in document["outputs"]
    function = by_name["FallbackMessagingService-api-message-api"]
    assert "runtime/handlers/message_api.py" in function["inputs"]["code"]["archive"]


def test_what_production_keeps_shows() -> None:
    resources = json.loads(preview(ROOT, "prod", as_json=True))["resources"]
    protected = {r["name"] for r in resources if r["protected"] and r["retained"]}

    assert "FallbackMessagingService-store-messages" in protected
    assert len(protected) == 4


def test_the_tree_marks_it() -> None:
    lines = preview(ROOT, "prod", as_json=False).splitlines()

    assert sum(line.endswith("(protected, kept)") for line in lines) == 4
    assert any(line.endswith("Account account (kept)") for line in lines)


def test_arns_are_of_the_region_of_the_stack(document: dict[str, Any]) -> None:
    made = {resource["made"]["arn"].split(":")[3] for resource in document["resources"]}

    assert made == {"us-east-1"}


def test_a_misspelt_environment_is_in_the_head() -> None:
    head, warning, *_ = preview(ROOT, "production", as_json=False).splitlines()

    assert head == "stack production (there is no Pulumi.production.yaml)"
    assert warning.startswith("warning: config.params.json: environments has no production")
    assert json.loads(preview(ROOT, "production", as_json=True))["warnings"]


def test_a_relative_directory_is_one_of_where_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT.parent)

    assert preview(Path(ROOT.name), "dev", as_json=False).startswith("stack dev\n")


@pytest.mark.parametrize(
    ("directory", "sentence"),
    [("absent", "no Pulumi.yaml"), ("examples/yaml", "only programs in Python")],
)
def test_what_cannot_be_previewed_says_why(directory: str, sentence: str) -> None:
    with pytest.raises(ProjectError, match=sentence):
        preview(ROOT / directory, "dev", as_json=False)


def resource(kind: str, **inputs: Any) -> Recorded:
    return Recorded(kind, "any", inputs)


def test_a_stack_without_a_file_of_its_own_says_so() -> None:
    assert preview(ROOT, "dev", as_json=False).startswith("stack dev\n")
    text = preview(ROOT, "other", as_json=False)
    assert text.startswith("stack other (there is no Pulumi.other.yaml)\n")


def test_the_base_cost_is_that_of_what_costs_without_traffic() -> None:
    lines = base_cost(
        [
            resource(
                "aws:kinesis/stream:Stream",
                streamModeDetails={"streamMode": "PROVISIONED"},
                shardCount=2,
            ),
            resource("aws:kms/key:Key"),
            resource("aws:cloudwatch/metricAlarm:MetricAlarm"),
            resource(
                "aws:cloudwatch/metricAlarm:MetricAlarm",
                metricQueries=[{"metric": {}}, {"metric": {}}, {"expression": "a / b"}],
            ),
            resource("aws:wafv2/webAcl:WebAcl", rules=[{}, {}]),
            resource("aws:sqs/queue:Queue"),
        ]
    )

    assert {line.what: (line.count, round(line.monthly, 2)) for line in lines} == {
        "provisioned shard": (2, 21.9),
        "customer-managed key, first version": (1, 1.0),
        "alarm on one metric": (1, 0.1),
        "alarm on an expression, by metric": (2, 0.2),
        "web ACL": (1, 5.0),
        "rules of a web ACL": (2, 2.0),
    }


def test_an_on_demand_stream_costs_by_the_hour() -> None:
    stream = resource("aws:kinesis/stream:Stream", streamModeDetails={"streamMode": "ON_DEMAND"})

    assert [round(line.monthly, 2) for line in base_cost([stream])] == [29.2]


def test_every_price_says_where_and_when_it_was_found() -> None:
    table = price_table()

    assert table["looked_up"] >= "2026-11-24"
    assert all(price["source"].startswith("https://aws.amazon.com/") for price in table["prices"])


def test_every_type_of_a_stack_has_a_price_or_is_billed_by_use_or_not_at_all(
    document: dict[str, Any],
) -> None:
    free = {"aws:iam", "random:index"}
    priced = {price["type"] for price in price_table()["prices"]}
    for kind in document["counts"]:
        service = kind.partition("/")[0]
        assert kind in priced or service in price_table()["by_use"] or service in free, kind


def test_wrong_parameters_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: other\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(
        "from infra import FallbackMessaging\nFallbackMessaging('Mine', {'retention_days': 1})\n"
    )

    with pytest.raises(SettingsError, match="retention_days: 1 is not in 7 to 3650"):
        preview(tmp_path, "dev", as_json=False)


def test_parameters_that_cannot_be_used_are_named_without_a_traceback(tmp_path: Path) -> None:
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "__main__.py"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "config.params.json").write_text('{"retentionDay": 7}')
    done = subprocess.run(
        [sys.executable, "-m", "local", "preview", "--project", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "retentionDay is not a parameter; did you mean retentionDays?" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_prints_it() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "local", "preview", "--stack", "prod"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "Base cost, before the first message: $" in done.stdout
    assert "WebAcl web-acl" in done.stdout
    assert done.stderr == ""


def test_a_reader_may_have_enough() -> None:
    command = f"{sys.executable} -W ignore -m local preview --json | head -n 1"
    done = subprocess.run(command, cwd=ROOT, shell=True, capture_output=True, check=True)

    assert done.stdout == b"{\n"
    assert done.stderr == b""
