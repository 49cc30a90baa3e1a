"""The functions' settings: read by type, all faults at once, defaults as in the parameters."""

from dataclasses import fields

import pytest

from infra.settings import Settings as Parameters
from runtime.settings import ApiSettings, NormalizerSettings, SenderSettings, SettingsError


@pytest.mark.parametrize("settings", [ApiSettings, SenderSettings, NormalizerSettings])
def test_a_setting_and_the_parameter_of_its_name_have_the_same_default(settings) -> None:
    parameters = {field.name: field.default for field in fields(Parameters)}
    defaults = {
        field.name: field.default
        for field in fields(settings)
        if field.type in (int, bool, str) and field.name in parameters
    }
    differ = {
        name: (default, parameters[name])
        for name, default in defaults.items()
        if isinstance(default, int | str) and default != parameters[name]
    }
    assert differ == {}


ENOUGH = {"messages_table": "m", "payloads_table": "p", "intake_queue_url": "q", "digest_key": "k"}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("retention_days", "7", 7),
        ("default_fallback_seconds", "0", 0),
        ("allowed_senders", "", ()),
        ("allowed_senders", '["a", "b"]', ("a", "b")),
        ("allowed_country_prefixes", "[]", ()),
        ("retention_days", "seven", SettingsError),
        ("retention_days", "", SettingsError),
        ("allowed_senders", "{}", SettingsError),
        ("allowed_senders", "a", SettingsError),
    ],
)
def test_a_setting_is_read_by_its_type(monkeypatch, name, text, expected) -> None:
    for variable, value in (ENOUGH | {name: text}).items():
        monkeypatch.setenv(variable.upper(), value)
    if expected is SettingsError:
        with pytest.raises(SettingsError, match=name.upper()):
            ApiSettings.from_environment()
    else:
        assert getattr(ApiSettings.from_environment(), name) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("true", True), ("True", True), ("false", False), ("FALSE", False)]
)
def test_false_is_not_true_because_it_is_a_text(monkeypatch, text, expected) -> None:
    for name in ("messages_table", "payloads_table", "provider_message_ids_table"):
        monkeypatch.setenv(name.upper(), "t")
    for name in ("timers_queue_url", "quarantine_queue_url"):
        monkeypatch.setenv(name.upper(), "q")
    monkeypatch.setenv("SMS_REQUIRE_HANDSET_RECEIPT", text)
    assert NormalizerSettings.from_environment().sms_require_handset_receipt is expected
    monkeypatch.setenv("SMS_REQUIRE_HANDSET_RECEIPT", "yes")
    with pytest.raises(SettingsError, match="SMS_REQUIRE_HANDSET_RECEIPT"):
        NormalizerSettings.from_environment()


def test_all_faults_of_the_environment_are_named_at_once(monkeypatch) -> None:
    for name in ENOUGH:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("RETENTION_DAYS", "x")
    with pytest.raises(SettingsError) as raised:
        ApiSettings.from_environment()
    for name in (*ENOUGH, "retention_days"):
        assert name.upper() in str(raised.value)
