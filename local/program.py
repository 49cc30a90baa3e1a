"""A Pulumi project on disk: its name, its program, and the configuration of its stacks."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml  # type: ignore[import-untyped]  # Pulumi's own dependency, without types


@dataclass(frozen=True)
class Project:
    """What Pulumi.yaml says."""

    directory: Path
    name: str
    main: Path
    defaults: dict[str, str]

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read the project of a directory."""
        project = yaml.safe_load((directory / "Pulumi.yaml").read_text())
        main = directory / project.get("main", ".")
        defaults = {
            key: entry.get("value", entry.get("default")) if isinstance(entry, dict) else entry
            for key, entry in (project.get("config") or {}).items()
        }
        return cls(
            directory=directory,
            name=project["name"],
            main=main / "__main__.py" if main.is_dir() else main,
            defaults=_as_text(defaults, project["name"]),
        )

    def config(self, stack: str) -> dict[str, str]:
        """Return a stack's configuration: the project's defaults, and Pulumi.<stack>.yaml."""
        file = self.directory / f"Pulumi.{stack}.yaml"
        settings = yaml.safe_load(file.read_text()) if file.exists() else None
        return self.defaults | _as_text((settings or {}).get("config") or {}, self.name)


def _as_text(config: dict[str, Any], project_name: str) -> dict[str, str]:
    # As the engine hands it to a program: strings, structures as JSON. Encrypted values are
    # left out, because the key to them is not on this machine; the program then sees them unset.
    return {
        key if ":" in key else f"{project_name}:{key}": value
        if isinstance(value, str)
        else json.dumps(value)
        for key, value in config.items()
        if value is not None and not (isinstance(value, dict) and set(value) == {"secure"})
    }
