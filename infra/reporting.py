"""How the Pulumi engine shows faults of parameters: the sentences, without a stack trace."""

from collections.abc import Iterator
from contextlib import contextmanager

import pulumi

from .settings import SettingsError

__all__ = ["ReportedSettingsError", "reported"]


class ReportedSettingsError(SettingsError, pulumi.RunError):
    """A SettingsError whose message Pulumi shows without the way that it took through the code."""


@contextmanager
def reported() -> Iterator[None]:
    """Raise a SettingsError in a form that Pulumi shows without a stack trace."""
    try:
        yield
    except SettingsError as error:
        raise ReportedSettingsError(error.problems) from None
