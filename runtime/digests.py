"""Digests that only this stack can make: what stands for a recipient or a request in a row.

A plain digest names people all the same: there are so few numbers, and so few one-time codes, that
each can be tried (docs/adr/0008-digests-are-keyed.md).
"""

import hashlib
import hmac
from typing import Final

_LENGTH: Final = 32


def keyed_digest(key: str, purpose: str, text: str) -> str:
    """Return 128 bits of an HMAC-SHA256 in hexadecimal; a purpose's digests fit no other's."""
    return hmac.digest(key.encode(), f"{purpose}:{text}".encode(), hashlib.sha256).hex()[:_LENGTH]
