"""The schema of the plugin, inferred from the components as the plugin's process does it."""

import json
import sys

from infra.plugin import PluginProvider


def plugin_schema() -> str:
    """Return the schema as the text of its file; exits if it leaves a property unexplained."""
    document = json.loads(PluginProvider().schema or "{}")
    unexplained = [
        f"{token}.{name}"
        for token, resource in document["resources"].items()
        for part in ("inputProperties", "properties")
        for name, schema in resource[part].items()
        if not schema.get("description")
    ]
    if unexplained:
        sys.exit(f"plugin/schema.json: no description of {', '.join(unexplained)}")
    return json.dumps(document, indent=2, sort_keys=True) + "\n"
