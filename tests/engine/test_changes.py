"""What an update replaces and removes: of every parameter, and from the last release to this tree.

`docs/upgrading.md` says it; these tests hold it to what the engine plans.
"""

import re
import shutil
import subprocess
import sys
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from infra.parameters import Parameter
from infra.settings import PARAMETERS, Settings
from tests.engine.project import ROOT, Change, Project

pytestmark = pytest.mark.engine

GUIDE = ROOT / "docs" / "upgrading.md"
# Where no tag is: the tree that the first stacks were made with.
FIRST = "481ca43"
THEIR_KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
NUMBER_ID = "phone-number-id-0123456789abcdef0123456789abcdef"
# Another value of each text, list and map; those of the others follow from the table.
VALUES = {
    "CdkBackendStack": "Renamed",
    "tags": '{"Owner": "another-team"}',
    "apiClients": '["shop"]',
    "apiBaseUrl": "https://messages.acme-corp.com",
    "allowedCidrs": '["203.0.113.0/24"]',
    "allowedSenders": '["shop@acme-corp.com"]',
    "allowedCountryPrefixes": '["+1"]',
    "allowedConfigurationSets": '["campaigns"]',
    "allowedProtectConfigurations": '["protect-0123456789abcdef0123456789abcdef"]',
    "kmsKeyArn": THEIR_KEY,
    "eventsTopicArn": "arn:aws:sns:us-east-1:123456789012:their-events",
    "subnetIds": '["subnet-0a1"]',
    "securityGroupIds": '["sg-0b2"]',
    "sesConfigSetName": "another-ses-set",
    "sesTrackingDomain": "links.acme-corp.com",
    "sesIdentities": '["acme-corp.com"]',
    "smsConfigSetName": "another-sms-set",
    "smsOriginationIdentities": '["arn:aws:sms-voice:us-east-1:123456789012:pool/pool-1"]',
    "smsMaxPrice": "0.05",
    "whatsAppBusinessAccountIds": '["waba-0123456789abcdef0123456789abcdef"]',
    "whatsAppPhoneNumberIds": f'["{NUMBER_ID}"]',
    "whatsAppPhoneNumbers": f'{{"+12065550100": "{NUMBER_ID}"}}',
    "metaApiVersion": "v25.0",
    "alarmEmail": "operations@acme-corp.com",
    "alarmTopicArn": "arn:aws:sns:us-east-1:123456789012:their-alarms",
    "powertoolsLayerArn": "arn:aws:lambda:us-east-1:123456789012:layer:powertools:1",
}
DEFAULTS = {
    PARAMETERS[field.name].name: field.default
    for field in fields(Settings)
    if field.default is not MISSING
}
# What cannot be changed in one update.
APART = ({"alarmEmail", "alarmTopicArn"}, {"createSESConfigSet", "sesTrackingDomain"})


@dataclass(frozen=True)
class Row:
    """What the guide says: the kinds of resources that are replaced, and removed from the stack.

    `everything` is the word for all that there is.
    """

    replaced: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()

    @property
    def kinds(self) -> frozenset[str]:
        return self.replaced | self.removed


def documented(heading: str) -> dict[str, Row]:
    """Return the table under a heading of the guide, by what its first column names."""
    _, _, rest = GUIDE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    section = rest.partition("\n## ")[0]
    rows = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        names = re.findall(r"`([^`]+)`", cells[0])
        if line.startswith("| `") and names:
            kinds = [frozenset(re.findall(r"`([^`]+)`", cell)) for cell in cells[1:3]]
            rows.update(dict.fromkeys(names, Row(*kinds)))
    assert rows, f"{GUIDE.name}: no table under {heading}"
    return rows


def planned(changes: list[Change]) -> Row:
    """Return what a preview would replace and remove, by kind."""

    def kinds(*ops: str) -> frozenset[str]:
        return frozenset(
            change.kind.rpartition(":")[2]
            for change in changes
            if change.op in ops and not change.kind.startswith("fallback-messaging:")
        )

    return Row(kinds("replace", "create-replacement", "delete-replaced"), kinds("delete"))


def another_value(parameter: Parameter) -> str:
    """Return a value that is not the default, as Pulumi configuration has it."""
    if parameter.name in VALUES:
        return VALUES[parameter.name]
    default: Any = DEFAULTS[parameter.name]
    if parameter.kind == "boolean":
        return str(not default).lower()
    if parameter.choices:
        return str(next(choice for choice in parameter.choices if choice != default))
    assert parameter.kind == "integer", f"VALUES has no other value of {parameter.name}"
    if not default:
        return str(max(parameter.least, parameter.minimum, 100))
    return str(default + 1 if default < parameter.maximum else default - 1)


def groups() -> list[dict[str, str]]:
    """Return all parameters in groups that can be changed at once.

    No two of a group touch the same kind, so that each change can be told to be its own.
    """
    rows = documented("What a change of a parameter replaces")
    packed: list[tuple[dict[str, str], set[str]]] = []
    alone = []
    for parameter in PARAMETERS.values():
        name, kinds = parameter.name, rows.get(parameter.name, Row()).kinds
        value = another_value(parameter)
        if "everything" in kinds:
            alone.append({name: value})
            continue
        for group, taken in packed:
            apart = any(name in pair and pair & group.keys() for pair in APART)
            if not (kinds & taken or apart):
                break
        else:
            group, taken = {}, set()
            packed.append((group, taken))
        group[name] = value
        taken |= kinds
    return [group for group, _ in packed] + alone


@pytest.fixture(scope="module")
def project(engine: Any, copy: Path) -> Project:
    """A stack with the defaults of the table."""
    project = engine.project(copy)
    project.init("changes")
    project.up()
    return project


def test_the_guide_names_parameters_only() -> None:
    known = {parameter.name for parameter in PARAMETERS.values()}

    assert documented("What a change of a parameter replaces").keys() <= known
    assert {name for group in groups() for name in group} == known


@pytest.mark.parametrize("group", groups(), ids=lambda group: "-".join(list(group)[:3]))
def test_a_changed_parameter_replaces_what_the_guide_says(
    project: Project, group: dict[str, str]
) -> None:
    rows = documented("What a change of a parameter replaces")
    project.set(group)
    changes = project.preview()
    project.set(dict.fromkeys(group))

    assert changes, "nothing would change"
    found = planned(changes)
    if any("everything" in rows.get(name, Row()).kinds for name in group):
        removed = {change.name for change in changes if change.op == "delete"}
        assert removed == {resource["urn"].split("::", 3)[3] for resource in project.resources()}
        return
    assert found == Row(
        frozenset().union(*(rows[name].replaced for name in group if name in rows)),
        frozenset().union(*(rows[name].removed for name in group if name in rows)),
    )


def test_another_key_leaves_the_old_one_usable(project: Project, engine: Any) -> None:
    (key,) = engine.account.all("Key")
    project.set({"kmsKeyArn": THEIR_KEY})
    project.up()

    assert [r for r in project.resources() if r["type"].endswith(":Key")] == []
    assert engine.account.all("Key") == [key]
    assert engine.account.keys_pending_deletion == set()


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """The tree of the last release."""
    revision = _last_release()
    if not revision:
        reason = f"git has neither a tag nor {FIRST}: fetch the whole history and the tags"
        pytest.fail(reason, pytrace=False)
    folder = tmp_path / "released"
    folder.mkdir()
    archive = subprocess.run(
        ["git", "archive", revision], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    subprocess.run(["tar", "-x"], cwd=folder, input=archive.stdout, check=True)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def _last_release() -> str:
    def git(*command: str) -> str:
        done = subprocess.run(
            ["git", *command], cwd=ROOT, capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    tags = git("tag", "--list", "v*", "--sort=-v:refname").split()
    return tags[0] if tags else git("rev-parse", "--verify", "--quiet", f"{FIRST}^{{commit}}")


def test_an_update_from_the_last_release_replaces_and_removes_what_the_guide_says(
    engine: Any, released: Path, new_copy: Path
) -> None:
    before = engine.project(released)
    before.init("prod", alarmEmail="operations@acme-corp.com")
    before.up()

    shutil.copy(released / "Pulumi.prod.yaml", new_copy / "Pulumi.prod.yaml")
    now = engine.project(new_copy)
    now.stack = "prod"
    now.run("stack", "select", "prod")
    found = planned(now.preview())
    now.up()
    now.expect_no_changes()

    said = documented("From the last release")
    for name, row in said.items():
        assert name == "Unreleased", "the table is about what is not released yet"
        assert found.replaced <= row.replaced
        assert found.removed <= row.removed
