"""Dynamic resources: their own code runs, as it would under the Pulumi engine."""

import base64

import dill  # type: ignore[import-untyped]  # Pulumi's own dependency, without types
from pulumi import get_project
from pulumi.dynamic import ConfigureRequest, ResourceProvider
from pulumi.dynamic.config import Config
from pulumi.runtime.config import CONFIG

from local.cloud import Cloud
from local.resources.registration import Created, Registration

TYPE_PREFIX = "pulumi-python:dynamic"


def create(_cloud: Cloud, resource: Registration) -> Created:
    """Deserialize the provider, check the inputs and create the resource.

    The provider makes its own clients; the deployer has set the environment that leads them
    to this machine.
    """
    inputs = dict(resource.inputs.items())
    # The pickled provider of this very program, not somebody's data.
    provider: ResourceProvider = dill.loads(  # noqa: S301
        base64.b64decode(inputs.pop("__provider"))
    )
    provider.configure(ConfigureRequest(Config(dict(CONFIG.get()), get_project())))
    checked = provider.check({}, inputs)
    if checked.failures:
        faults = "; ".join(f"{fault.property}: {fault.reason}" for fault in checked.failures)
        raise ValueError(f"{resource.name}: {faults}")
    created = provider.create(checked.inputs)
    return created.id, created.outs or {}
