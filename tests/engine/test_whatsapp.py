"""The dynamic resource for WhatsApp's event destination, in the process that Pulumi runs it in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.project import Project

pytestmark = pytest.mark.engine

WABA = "waba-0123456789abcdef0123456789abcdef"
THEIRS = "arn:aws:sns:us-east-1:123456789012:theirs"
PARAMETER = {"whatsAppBusinessAccountIds": f'["{WABA}"]'}


@pytest.fixture(scope="module")
def project(engine: Any, copy: Path) -> Iterator[Project]:
    """A stack without a WhatsApp account."""
    project = engine.project(copy)
    project.init("dev")
    project.up()
    yield project
    engine.whatsapp.destinations = []
    project.destroy("--skip-preview")


def test_somebody_elses_destination_is_refused_before_anything_is_changed(
    project: Project, engine: Any
) -> None:
    engine.whatsapp.destinations = [THEIRS]
    project.set({**PARAMETER, "retentionDays": "8"})
    calls = len(engine.account.calls)
    refused = project.run("preview", status=None)
    project.set({"whatsAppBusinessAccountIds": None, "retentionDays": None})

    assert f"already sends its events to {THEIRS}" in refused.text
    assert "Traceback" not in refused.text
    assert engine.whatsapp.destinations == [THEIRS]
    assert {call for call, *_ in engine.account.calls[calls:]} <= {"read"}


def test_the_destination_comes_and_goes_with_the_parameter(project: Project, engine: Any) -> None:
    engine.whatsapp.destinations = []
    project.set(PARAMETER)
    project.up()
    assert engine.whatsapp.destinations == [project.outputs()["events_topic_arn"]]
    project.expect_no_changes()

    project.set({"whatsAppBusinessAccountIds": None})
    project.up()
    assert engine.whatsapp.destinations == []
