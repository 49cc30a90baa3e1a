"""A stack of this project goes over to another program with the component, and keeps everything."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.engine

PROGRAM = """
import json
from pathlib import Path

from fallback_messaging import FallbackMessaging

FallbackMessaging("FallbackMessagingService", json.loads(Path("arguments.json").read_text()))
"""


def test_the_resources_can_be_moved_to_another_program(
    engine: Any, copy: Path, package_environment: Path, tmp_path: Path
) -> None:
    old = engine.project(copy)
    old.init("dev")
    old.up()
    before = {(r["type"], r.get("id")) for r in old.resources() if r.get("custom")}

    parameters = json.loads((copy / "config.params.json").read_text())
    arguments = {
        "tags": parameters["tags"],
        "ses_config_set_name": "ses-config-set-dev",
        "sms_config_set_name": "sms-config-set-dev",
        "access_logs": False,
        "retention_days": 7,
        "log_retention_days": 7,
    }
    options = {"toolchain": "pip", "virtualenv": ".venv"}
    document = {"name": "orders", "runtime": {"name": "python", "options": options}}
    (tmp_path / "Pulumi.yaml").write_text(yaml.safe_dump(document))
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  aws:region: us-east-1\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    (tmp_path / "arguments.json").write_text(json.dumps(arguments))
    (tmp_path / ".venv").symlink_to(package_environment)
    new = engine.project(tmp_path)
    new.init("dev")

    stacks = ("organization/fallback-messaging/dev", "organization/orders/dev")
    (component,) = (
        r["urn"] for r in old.resources() if r["type"].endswith(":index:FallbackMessaging")
    )
    new.run("state", "move", "--yes", "--source", stacks[0], "--dest", stacks[1], component)
    changes = new.preview()
    assert {change.op for change in changes} <= {"update"}, changes
    new.up()

    assert {(r["type"], r.get("id")) for r in new.resources() if r.get("custom")} == before
    assert [r for r in old.resources() if r.get("custom")] == []
