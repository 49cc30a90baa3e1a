"""Every IAM document of a stack in one file, so that a change of it shows in a review."""

import json
from pathlib import Path
from typing import Any

from local.recording import REGION, Recorded, record_project

ROOT = Path(__file__).resolve().parents[1]
_DOCUMENTS = ("policy", "assumeRolePolicy")


def iam_policies() -> str:
    """Return the IAM documents of the production stack by resource, as the text of their file."""
    # Whatever Pulumi.prod.yaml says: the tests record without it.
    resources = record_project(ROOT, "prod", REGION).resources
    documents = {name: document for each in resources for name, document in _documents(each)}
    return json.dumps(dict(sorted(documents.items())), indent=2) + "\n"


def _documents(resource: Recorded) -> list[tuple[str, Any]]:
    return [
        (f"{resource.kind} {resource.name}", json.loads(resource.inputs[key]))
        for key in _DOCUMENTS
        if resource.inputs.get(key)
    ]
