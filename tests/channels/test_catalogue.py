"""Every documented event, with its expected result in `catalogue.csv`."""

import csv
import hashlib
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.channels import minimize_event, parse_event
from runtime.channels.channel import ParseContext
from runtime.domain.status import DeliveryEvent

FOLDER = Path(__file__).parent
with (FOLDER / "catalogue.csv").open(newline="") as file:
    ROWS = list(csv.DictReader(file))
YES_NO = {"yes": True, "no": False, "?": None, "": None}
NAMES = [row["event"] for row in ROWS]
AT = 1_768_471_200_000  # all samples are of this quarter of an hour, but for one after 180 minutes


def sample(name: str) -> str:
    return (FOLDER / "events" / f"{name}.json").read_text()


def test_every_sample_has_its_row() -> None:
    files = {
        str(path.relative_to(FOLDER / "events").with_suffix(""))
        for path in (FOLDER / "events").rglob("*.json")
    }
    assert len(files) == 119
    assert files == set(NAMES)


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_an_event_is_read_as_the_table_says(row) -> None:
    context = ParseContext()
    events = parse_event(sample(row["event"]), context)
    if row["ignored_as"]:
        assert events == []
        assert context.ignored == Counter([row["ignored_as"]])
        return
    (event,) = events
    assert event.channel == row["channel"]
    assert event.status == row["status"]
    assert event.final is YES_NO[row["final"]]
    assert (event.failure_class or "") == row["failure_class"]
    assert event.permanent is YES_NO[row["permanent"]]
    assert (event.reason or "") == row["reason"]
    assert event.provider_message_id
    assert event.occurred_at is not None
    assert 0 <= event.occurred_at - AT <= 3 * 3_600_000 + 10_000
    # The samples' tags are somebody else's: nothing may take them for ours.
    assert (event.message_id, event.step) == (None, None)
    assert context.ignored == Counter()


@pytest.mark.parametrize("name", NAMES)
def test_the_minimized_event_is_read_alike_and_names_nobody(name) -> None:
    whole, minimal = ParseContext(), ParseContext()
    text = minimize_event(sample(name))
    events = [with_digest(event) for event in parse_event(sample(name), whole)]
    assert parse_event(text, minimal) == events
    assert minimal.ignored == whole.ignored
    for private in (
        "@",
        "4255550156",
        "4255550123",
        "2065550152",
        "192.0.2",
        "Message sent from",
        "wamid.",
    ):
        assert private not in text


def with_digest(event: DeliveryEvent) -> DeliveryEvent:
    """Return an event as the stream has it: Meta's ids contain numbers."""
    id_ = event.provider_message_id or ""
    if not id_.startswith("wamid."):
        return event
    digest = hashlib.sha256(id_.encode()).hexdigest()
    return replace(event, provider_message_id=f"wamid-{digest[:32]}")


def envelopes(text: str) -> dict[str, object]:
    notification = {"Type": "Notification", "TopicArn": "arn:aws:sns:::t", "Message": text}
    record = {"EventSource": "aws:sns", "Sns": notification}
    return {
        "text": text,
        "bytes": text.encode(),
        "object": json.loads(text),
        "SNS envelope": notification,
        "SNS envelope as text": json.dumps(notification),
        "SNS to Lambda": {"Records": [record]},
        "SNS record": record,
        "EventBridge": {"detail-type": "x", "source": "aws.ses", "detail": json.loads(text)},
    }


@pytest.mark.parametrize("kind", list(envelopes("{}")))
@pytest.mark.parametrize("name", ["ses/bounce_permanent_general", "sms/text_delivered"])
def test_an_envelope_makes_no_difference(name, kind) -> None:
    assert parse_event(envelopes(sample(name))[kind]) == parse_event(sample(name))


@pytest.mark.parametrize(
    "kind", [kind for kind in envelopes("{}") if kind not in ("EventBridge", "text")]
)
def test_a_whatsapp_event_is_read_in_every_envelope_that_sns_makes(kind) -> None:
    text = sample("whatsapp/delivered")
    assert parse_event(envelopes(text)[kind]) == parse_event(text)
