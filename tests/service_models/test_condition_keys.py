"""Every policy asks for nothing but what AWS documents that the caller presents."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.recording import Recorded
from tests.service_models.stacks import STACKS, recorded

# By caller and kind of resource: each documented key, and the page of AWS's that has it in a
# statement like ours. A key that a service does not present keeps the service out.
DOCUMENTED: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("condition_keys.json").read_text(encoding="utf-8")
)
ROWS = {(row["principal"], row["target"]): row["keys"] for row in DOCUMENTED}


@dataclass(frozen=True)
class Use:
    """Who a statement is about, on what, and the condition keys that it asks for."""

    principal: str
    target: str
    keys: frozenset[str]

    def faults(self) -> list[str]:
        where = f"{self.target}, {self.principal}"
        if (self.principal, self.target) not in ROWS:
            return [f"{where}: no row"]
        undocumented = self.keys - set(ROWS[self.principal, self.target])
        return [f"{where}: {key} is not documented" for key in sorted(undocumented)]


def uses(resource: Recorded) -> Iterator[Use]:
    if resource.kind == "Permission":
        given = {"sourceArn": "aws:SourceArn", "sourceAccount": "aws:SourceAccount"}
        keys = frozenset(key for name, key in given.items() if resource.inputs.get(name))
        yield Use(resource.inputs["principal"], "Permission", keys)
    for name in ("policy", "assumeRolePolicy"):
        if not resource.inputs.get(name):
            continue
        for statement in json.loads(resource.inputs[name])["Statement"]:
            principal = statement.get("Principal", {"Service": "the role"})
            keys = frozenset(
                key for test in statement.get("Condition", {}).values() for key in test
            )
            if principal == "*":
                yield Use("*", resource.kind, keys)
            elif "Service" in principal and ("Principal" in statement or keys):
                yield Use(principal["Service"], resource.kind, keys)
            elif keys:
                yield Use(str(principal), resource.kind, keys)


@pytest.mark.parametrize("stack", STACKS)
def test_policies_ask_for_documented_keys_only(stack: str) -> None:
    found = [use for resource in recorded(stack) for use in uses(resource)]

    assert [fault for use in found for fault in use.faults()] == []
    assert len(found) > 10


def test_every_row_is_needed() -> None:
    found = {use for stack in STACKS for resource in recorded(stack) for use in uses(resource)}

    assert {(use.principal, use.target) for use in found} == set(ROWS)
    for (principal, target), keys in ROWS.items():
        used = {
            key
            for use in found
            if (use.principal, use.target) == (principal, target)
            for key in use.keys
        }
        assert used == set(keys), (principal, target)


def test_every_key_has_a_page_of_aws() -> None:
    pages = {page for row in DOCUMENTED for page in row["keys"].values()}

    assert all(page.startswith("https://docs.aws.amazon.com/") for page in pages)


@pytest.mark.parametrize(
    ("principal", "key", "fault"),
    [
        # Documented for the topic, and not for the key.
        ({"Service": "ses.amazonaws.com"}, "aws:SourceArn", "aws:SourceArn is not documented"),
        ({"Service": "sms-voice.amazonaws.com"}, "aws:PrincipalOrgID", "is not documented"),
        ({"Service": "s3.amazonaws.com"}, "aws:SourceAccount", "no row"),
        ({"AWS": "arn:aws:iam::123456789012:root"}, "aws:SourceVpce", "no row"),
    ],
)
def test_an_undocumented_key_is_noticed(principal: Any, key: str, fault: str) -> None:
    statement = {"Principal": principal, "Condition": {"StringEquals": {key: "v"}}}
    resource = Recorded("aws:kms/key:Key", "k", {"policy": json.dumps({"Statement": [statement]})})

    (use,) = uses(resource)

    assert any(fault in found for found in use.faults())
