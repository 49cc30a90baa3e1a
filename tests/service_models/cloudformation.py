"""What CloudFormation's resource schemas say of a resource, by cfn-lint, which ships them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cfnlint.api import lint
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

REGION = "eu-west-1"


@dataclass(frozen=True)
class SchemaNode:
    """A place in a resource's schema, for renaming."""

    schema: Mapping[str, Any]
    root: Mapping[str, Any]

    def _here(self) -> Mapping[str, Any]:
        here = self.schema
        while "$ref" in here:
            found: Any = self.root
            for step in here["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            here = found
        return here

    @property
    def kind(self) -> str:
        here = self._here()
        types = here.get("type", "")
        types = types if isinstance(types, list) else [types]
        if "array" in types:
            return "list"
        if "properties" in here or ("object" in types and "patternProperties" not in here):
            return "structure" if "properties" in here or "string" in types else "map"
        return "map" if "object" in types else "text"

    def members(self) -> Mapping[str, "SchemaNode"]:
        properties = self._here().get("properties", {})
        return {name: SchemaNode(inner, self.root) for name, inner in properties.items()}

    def item(self) -> "SchemaNode":
        here = self._here()
        patterns = list(here.get("patternProperties", {}).values())
        return SchemaNode(here.get("items") or (patterns or [{}])[0], self.root)


def schema(type_name: str) -> SchemaNode:
    """Return the schema of a CloudFormation type."""
    found = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, type_name).schema
    return SchemaNode(found, found)


def faults(resources: Mapping[str, tuple[str, Mapping[str, Any]]]) -> dict[str, list[str]]:
    """Return what is wrong with resources: types and properties by name, all in one template.

    Only cfn-lint's errors: its warnings are about how a template is written.
    """
    ids = {f"R{number}": name for number, name in enumerate(resources)}
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {
            id_: {"Type": resources[name][0], "Properties": resources[name][1]}
            for id_, name in ids.items()
        },
    }
    found: dict[str, list[str]] = {}
    for match in lint(json.dumps(template), regions=[REGION]):
        if match.rule.id.startswith("E"):
            path = list(match.path or [])
            name = ids.get(str(path[1]), "") if len(path) > 1 else ""
            where = ".".join(str(step) for step in path[3:])
            found.setdefault(name, []).append(f"{match.rule.id} {where}: {match.message}")
    return found
