"""What the functions print."""

import json

import aws_lambda_powertools
import pytest

from runtime.telemetry import Meter, instrumented


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


@pytest.mark.parametrize("disabled", ["false", "true"])
def test_a_trace_holds_neither_answers_nor_errors(monkeypatch, disabled) -> None:
    """A status document names nobody, but a trace is kept where others may read."""
    captured: list[dict[str, bool]] = []

    class Tracer:
        def capture_lambda_handler(self, handler, **options):
            captured.append(options)
            return handler

    monkeypatch.setattr(aws_lambda_powertools, "Tracer", Tracer)
    monkeypatch.setenv("POWERTOOLS_TRACE_DISABLED", disabled)
    instrumented(lambda event, _: event)
    kept = {"capture_response": False, "capture_error": False}
    assert captured == ([kept] if disabled == "false" else [])
