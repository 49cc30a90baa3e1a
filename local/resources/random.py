"""What the program leaves to chance, and the engine would keep in its state."""

import secrets

from local.cloud import Cloud
from local.resources.registration import Created, Registration


def make_bytes(_cloud: Cloud, resource: Registration) -> Created:
    """Draw random bytes."""
    made = secrets.token_bytes(resource.inputs["length"])
    return resource.name, {"hex": made.hex()}


CREATORS = {"random:index/randomBytes:RandomBytes": make_bytes}
