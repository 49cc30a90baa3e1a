"""What each function reads from its environment, typed and checked once at cold start."""

import json
import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Self


class SettingsError(RuntimeError):
    """Environment variables are missing or have the wrong type; the message names all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A field per variable: `messages_table` is read from MESSAGES_TABLE."""

    @classmethod
    def from_environment(cls) -> Self:
        """Read every field. Raises SettingsError with all faults at once."""
        values: dict[str, Any] = {}
        faults = []
        for field_ in fields(cls):
            name = field_.name.upper()
            text = os.environ.get(name)
            required = field_.default is MISSING and field_.default_factory is MISSING
            if text is None and required:
                faults.append(f"{name} is missing")
            elif text is not None:
                try:
                    values[field_.name] = _READERS[field_.type](text)
                except ValueError:
                    faults.append(f"{name} is not of type {getattr(field_.type, '__name__', '')}")
        if faults:
            raise SettingsError("; ".join(faults))
        return cls(**values)


def _read_bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _read_map(text: str) -> Mapping[str, str]:
    value = json.loads(text or "{}")
    if not isinstance(value, dict):
        raise ValueError(text)  # noqa: TRY004  a fault of the text, reported like the others
    return value


def _read_list(text: str) -> tuple[str, ...]:
    value = json.loads(text or "[]")
    if not isinstance(value, list):
        raise ValueError(text)  # noqa: TRY004  a fault of the text, reported like the others
    return tuple(value)


_READERS: Mapping[Any, Any] = {
    str: str,
    int: int,
    bool: _read_bool,
    Mapping[str, str]: _read_map,
    tuple[str, ...]: _read_list,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSettings(Settings):
    """The tables of the functions that write rows."""

    messages_table: str
    payloads_table: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings(TableSettings):
    """What all functions need that count what a recipient is sent.

    `digest_key` is the secret of the stack that digests of recipients and requests are keyed with.
    """

    digest_key: str = field(repr=False)
    messages_per_recipient_per_hour: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings(LimitSettings):
    """The environment of message_api."""

    intake_queue_url: str
    default_fallback_seconds: int = 300
    retention_days: int = 30
    outcome_wait_seconds: int = 3600
    api_base_url: str = ""
    allowed_senders: tuple[str, ...] = ()
    allowed_country_prefixes: tuple[str, ...] = ()
    allowed_configuration_sets: tuple[str, ...] = ()
    allowed_protect_configurations: tuple[str, ...] = ()
    ses_configuration_set: str = ""
    sms_configuration_set: str = ""
    sms_max_price: str = ""
    whatsapp_phone_numbers: Mapping[str, str] = field(default_factory=dict)
    mail_may_be_read: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderSettings(LimitSettings):
    """The environment of send_primary and send_fallback."""

    provider_message_ids_table: str
    timers_queue_url: str
    outcome_wait_seconds: int = 3600
    ses_configuration_set: str = ""
    sms_configuration_set: str = ""
    sms_max_price: str = ""
    meta_api_version: str = "v24.0"
    whatsapp_phone_numbers: Mapping[str, str] = field(default_factory=dict)
    claim_lease_seconds: int = 60
    send_concurrency: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings(Settings):
    """The environment of relay_events."""

    event_stream_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalizerSettings(TableSettings):
    """The environment of normalize_events."""

    provider_message_ids_table: str
    timers_queue_url: str
    quarantine_queue_url: str
    sms_require_handset_receipt: bool = False
    write_concurrency: int = 8
