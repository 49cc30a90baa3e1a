"""The secret that a stack's digests of recipients and requests are keyed with."""

import pulumi
import pulumi_random as random

__all__ = ["digest_key"]


def digest_key(name: str, *, parent: pulumi.Resource) -> pulumi.Output[str]:
    """Create the secret `name` as a child of `parent`; return its 32 bytes in hexadecimal.

    Made once and kept in the stack's state, encrypted by its secrets provider
    (docs/adr/0008-digests-are-keyed.md).
    """
    made = random.RandomBytes(name, length=32, opts=pulumi.ResourceOptions(parent=parent))
    return pulumi.Output.secret(made.hex)
