"""What the functions print."""

import json

import pytest

from runtime.telemetry import Meter


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("number", [1, 99, 100, 101, 200])
def test_every_time_is_printed_with_its_dimensions_however_many(
    monkeypatch, capsys, number
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "FallbackMessaging")
    meter = Meter()
    for milliseconds in range(number):
        meter.observe("TimeToDelivery", milliseconds, channel="sms")
    meter.flush()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [value for line in lines for value in line["TimeToDelivery"]] == list(range(number))
    assert {line["channel"] for line in lines} == {"sms"}
