"""What the Python SDKs of Pulumi providers know of a resource type: its inputs and its outputs."""

import inspect
import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

__all__ = ["ResourceType", "UnknownTypeError", "resource_type", "version_of"]


class UnknownTypeError(Exception):
    """The SDK has no such type."""


@dataclass(frozen=True)
class ResourceType:
    """One type, with names in the provider's own spelling."""

    token: str
    inputs: frozenset[str]
    required: frozenset[str]
    outputs: frozenset[str]
    # What the provider's schema marks as secret.
    secret_outputs: frozenset[str]


@cache
def resource_type(token: str) -> ResourceType:
    """Return what is known of a type like aws:sqs/queue:Queue. Raises UnknownTypeError."""
    package = token.partition(":")[0]
    classes = _classes(package)
    if token not in classes:
        raise UnknownTypeError(f"pulumi_{package} has no type {token}")
    module_name, class_name = classes[token]
    module = import_module(module_name)
    resource: Any = getattr(module, class_name)
    spelling = _spelling(resource)
    constructor = resource._internal_init
    given = set(inspect.signature(constructor).parameters) - {
        *("self", "__self__", "resource_name", "opts", "__props__"),
    }
    source = inspect.getsource(constructor)
    required = re.findall(r"Missing required property '(\w+)'", source)
    secret = re.search(r"additional_secret_outputs=\[(.*?)\]", source)
    return ResourceType(
        token,
        inputs=frozenset(spelling.get(name, _camel(name)) for name in given),
        required=frozenset(spelling.get(name, _camel(name)) for name in required),
        outputs=frozenset(spelling.values()),
        secret_outputs=frozenset(re.findall(r'"(\w+)"', secret[1]) if secret else ()),
    )


def version_of(package: str) -> str:
    """Return the version of a provider's SDK, which asks for the provider of the same version."""
    return metadata.version(f"pulumi-{package}")


@cache
def _classes(package: str) -> dict[str, tuple[str, str]]:
    file = import_module(f"pulumi_{package}").__file__
    source = Path(str(file)).read_text(encoding="utf-8")
    found = re.search(r'resource_modules="""(.*?)"""', source, re.DOTALL)
    entries = json.loads(found[1]) if found else []
    return {
        token: (entry["fqn"], class_name)
        for entry in entries
        for token, class_name in entry["classes"].items()
    }


def _spelling(resource: Any) -> dict[str, str]:
    return {
        name: getattr(member.fget, "_pulumi_name", name)
        for name, member in inspect.getmembers(resource)
        if isinstance(member, property) and name not in ("pulumi_resource_name", "urn", "id")
    }


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)
