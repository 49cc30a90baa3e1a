"""The parameters of the current stack: from config.params.json and Pulumi configuration."""

from pathlib import Path

import pulumi
from pulumi.runtime.config import CONFIG

from .parameter_layers import load_settings, unknown_environment
from .reporting import reported
from .settings import Settings

__all__ = ["stack_settings"]


def stack_settings(path: Path) -> Settings:
    """Return the settings of the current stack; raises SettingsError with every fault found."""
    prefix = f"{pulumi.get_project()}:"
    # pulumi.Config reads keys one by one; only the whole says which of them are misspelt.
    everything = {**pulumi.runtime.get_config_env(), **CONFIG.get()}
    configuration = {
        key.removeprefix(prefix): value
        for key, value in everything.items()
        if key.startswith(prefix)
    }
    with reported():
        settings = load_settings(path, pulumi.get_stack(), configuration)
    warning = unknown_environment(path, pulumi.get_stack())
    if warning:
        pulumi.log.warn(warning)
    return settings
