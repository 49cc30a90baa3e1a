"""Parameters that a stack can have and will not keep up with."""

from dataclasses import replace
from pathlib import Path

import pulumi
import pytest

from infra import FallbackMessaging
from infra.capacity import capacity_warnings
from infra.parameter_layers import load_settings
from infra.settings import Settings

DEFAULTS = Settings()
PARAMETERS = Path(__file__).resolve().parents[2] / "config.params.json"


def warnings(**changes: object) -> list[str]:
    return list(capacity_warnings(replace(DEFAULTS, **changes)))


def test_the_defaults_keep_up() -> None:
    assert warnings() == []


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_the_projects_own_stacks_keep_up(stack: str) -> None:
    assert list(capacity_warnings(load_settings(PARAMETERS, stack))) == []


@pytest.mark.parametrize(("wait", "window", "count"), [(12, 1, 0), (11, 1, 1), (20, 10, 1)])
def test_a_wait_shorter_than_the_pipelines_own_delay_is_named(
    wait: int, window: int, count: int
) -> None:
    found = warnings(default_fallback_seconds=wait, relay_batch_window_seconds=window)
    assert len(found) == count
    assert all("defaultFallbackSeconds" in sentence for sentence in found)


def test_more_requests_than_the_senders_send_are_named() -> None:
    (sentence,) = warnings(api_throttle_rate=200, sender_maximum_concurrency=2)
    assert "senderMaximumConcurrency (2)" in sentence
    assert warnings(api_throttle_rate=200, sender_maximum_concurrency=5) == []


def test_more_events_than_the_shards_take_are_named() -> None:
    fast = {"api_throttle_rate": 900, "sender_maximum_concurrency": 30}
    (sentence,) = warnings(**fast)
    assert "streamShardCount (1)" in sentence
    assert warnings(**fast, stream_shard_count=3) == []
    assert warnings(**fast, stream_mode="ON_DEMAND") == []


def test_a_deployment_says_so(run_program, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda message, *_: said.append(message))
    run_program(lambda: FallbackMessaging("messaging", {"default_fallback_seconds": 1}))
    assert any("default_fallback_seconds (1)" in message for message in said)
