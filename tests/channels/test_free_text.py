"""Nothing that a provider or a mail server writes freely gets further than the relay."""

import copy
import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.channels import CHANNELS, minimize_event, parse_event
from runtime.channels.channel import Rejected, read_error
from runtime.domain.status import DeliveryEvent
from tests.channels.test_catalogue import NAMES, sample
from tests.support.runtime_world import client_error

# In no sample, and in no digest.
MARK = "zq"
SAMPLES = {name: json.loads(sample(name)) for name in NAMES}
FREE_TEXTS = st.builds(
    lambda text, end: f"{MARK} {text}{end}",
    st.text(st.characters(), max_size=20),
    st.sampled_from(["", "@example.org", "+4917112345678", "\ud83d", "\udc4d x", "\0", "4711"]),
)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    elif path:
        yield path
    for key, inner in items:
        yield from leaves(inner, (*path, key))


def opened(payload: Any) -> Any:
    """A payload whose JSON within JSON is read, so that its texts can be changed too."""
    entry = payload.get("whatsAppWebhookEntry")
    return payload | {"whatsAppWebhookEntry": json.loads(entry)} if entry else payload


def closed(payload: Any, *, escaped: bool) -> str:
    if "whatsAppWebhookEntry" in payload:
        entry = json.dumps(payload["whatsAppWebhookEntry"], ensure_ascii=escaped)
        payload = payload | {"whatsAppWebhookEntry": entry}
    return json.dumps(payload, ensure_ascii=escaped)


@st.composite
def tampered(draw: st.DrawFn) -> str:
    """An event in which some texts are, or end with, free text; some names of members too."""
    payload = opened(copy.deepcopy(SAMPLES[draw(st.sampled_from(NAMES))]))
    for path in draw(st.lists(st.sampled_from(list(leaves(payload))), min_size=1, max_size=4)):
        target = payload
        for key in path[:-1]:
            target = target[key]
        text = draw(FREE_TEXTS)
        if isinstance(target, dict) and draw(st.booleans()):
            target[text] = text
        old = target[path[-1]]
        target[path[-1]] = f"{old}{text}" if draw(st.booleans()) else text
    return closed(payload, escaped=draw(st.booleans()))


def check(events: list[DeliveryEvent]) -> None:
    for event in events:
        for field in fields(event):
            value = getattr(event, field.name)
            if isinstance(value, str):
                value.encode()
                assert MARK not in value, field.name


@settings(max_examples=600, deadline=None)
@given(tampered())
def test_free_text_reaches_neither_the_stream_nor_a_row(payload) -> None:
    minimal = minimize_event(payload)
    minimal.encode()
    assert MARK not in minimal
    check(parse_event(minimal))
    check(parse_event(payload))


@pytest.mark.parametrize("name", NAMES)
def test_a_samples_texts_are_each_tried(name) -> None:
    payload = opened(SAMPLES[name])
    for path in leaves(payload):
        changed = copy.deepcopy(payload)
        target = changed
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = f"{MARK} j\ud83d@example.org"
        minimal = minimize_event(closed(changed, escaped=True))
        assert MARK not in minimal, path
        check(parse_event(minimal))


@pytest.mark.parametrize("channel", CHANNELS.values(), ids=lambda channel: channel.name)
def test_a_refusals_reason_is_a_code(channel) -> None:
    for code, reason in (("MessageRejected", f"{MARK} a@b.cc"), (f"{MARK} a@b.cc", "")):
        error = client_error(code, Reason=reason)
        outcome = read_error(channel, error)
        assert isinstance(outcome, Rejected)
        assert MARK not in outcome.reason


@pytest.mark.parametrize("code", ["+4917112345678", 4917112345678, -1, "131026 a@b.cc", None, [1]])
def test_only_a_code_is_a_code(code) -> None:
    payload = opened(copy.deepcopy(SAMPLES["whatsapp/failed_131026"]))
    (change,) = payload["whatsAppWebhookEntry"]["changes"]
    change["value"]["statuses"][0]["errors"][0]["code"] = code
    (event,) = parse_event(minimize_event(closed(payload, escaped=True)))
    assert event.reason == "failed without a code"
