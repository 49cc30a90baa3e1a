"""What one registered resource is to the deployer, and the shape of a function that creates it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from local.cloud import Cloud
from local.resources.inputs import Inputs

Created = tuple[str, dict[str, Any]]  # the provider's id, and the outputs beyond the inputs


@dataclass(frozen=True)
class Registration:
    """A resource as the Pulumi program registered it; inputs have the provider's names."""

    type: str
    name: str
    inputs: Inputs

    def physical_name(self, key: str = "name") -> str:
        """Return the name that the program chose, else the logical name.

        Pulumi would append random letters to the latter; here nothing else exists that it
        could collide with.
        """
        return str(self.inputs.get(key) or self.inputs.get("namePrefix") or self.name)


Creator = Callable[[Cloud, Registration], Created]


def given(**parameters: object) -> dict[str, Any]:
    """Return the parameters that have a value: boto3 refuses None."""
    return {name: value for name, value in parameters.items() if value is not None}


def pick(inputs: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the named inputs as API parameters: `batchSize` becomes `BatchSize`."""
    return {
        name[0].upper() + name[1:]: inputs[name] for name in names if inputs.get(name) is not None
    }


def same(inputs: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the named inputs under their own names: API Gateway's API has Pulumi's spelling."""
    return {name: inputs[name] for name in names if inputs.get(name) is not None}


def tag_list(inputs: dict[str, Any]) -> list[dict[str, str]]:
    """Return the tags in the form that most services take."""
    return [{"Key": key, "Value": value} for key, value in (inputs.get("tags") or {}).items()]
