"""The request schema and its validator, against the reference implementation."""

import copy
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.model import ListShape, StructureShape
from botocore.session import Session
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from runtime.request_schema import SCHEMA_PATH, find_faults
from tests.support.requests import EMAIL, RCS, SMS, WHATSAPP, request

SCHEMA = json.loads(SCHEMA_PATH.read_text())
REFERENCE = Draft7Validator(SCHEMA)
DOCUMENTED = sorted((Path(__file__).parents[2] / "docs" / "requests").glob("*.json"))
ACTION = {"Text": "Yes", "PostbackData": "yes"}
CARD = {
    "Title": "Parcel 4711",
    "Media": {"FileUrl": "s3://bkt/parcel.png", "Height": "MEDIUM"},
    "Suggestions": [
        {"Reply": ACTION},
        {"OpenUrl": ACTION | {"Url": "https://shop.example.com/4711", "Application": "BROWSER"}},
    ],
}
EVENT = {"Title": "Parcel", "StartTime": "2028-02-29T18:00:00Z", "EndTime": 1_835_463_600}
CAROUSEL = {
    "Content": {"Carousel": {"CardWidth": "SMALL", "CardContents": [CARD, {"Title": "x"}]}},
    "Suggestions": [
        {"DialPhone": ACTION | {"PhoneNumber": "+14255550156"}},
        {"ShowLocation": ACTION | {"Latitude": 47.61, "Longitude": -122, "Label": "Shop"}},
        {"RequestLocation": ACTION},
        {"CreateCalendarEvent": ACTION | EVENT},
    ],
}
VALID = [
    request(),
    request(RCS | {"rcs": {"content": CAROUSEL}}, SMS),
    request(
        EMAIL | {"email": EMAIL["email"] | {"cc": ["a@b.cc"], "headers": {"X-Parcel": "4711"}}},
        WHATSAPP | {"whatsapp": {"audio": {"id": "1", "voice": True}}},
    ),
    request(SMS, EMAIL, WHATSAPP, fallback_seconds="5"),
    request(WHATSAPP | {"fallback_seconds": 1, "success_status": "read"}, SMS, use_case="blast"),
    request(EMAIL | {"email": {"template": "t", "template_data": {"a": 1}}}, SMS),
]
# No trailing newline: Python's `$` matches before one, and the reference implementation uses it.
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 90_000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "email", "SMS", "60", "x@y.zz", "+14255550156", "read", "A <a@b.cc>"])
    | st.text(max_size=5).map(lambda text: text.rstrip("\n")),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["message", "subject", "zz"]), inner, max_size=2)
    ),
    max_leaves=3,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        items = list(value.items())
    else:
        items = list(enumerate(value)) if isinstance(value, list) else []
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    body = copy.deepcopy(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(places(body) or [("use_case",)]))
        target = body
        for key in path[:-1]:
            target = target[key]
        change = draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "replace" or not isinstance(target, dict):
            target[path[-1]] = draw(VALUES)
        elif change == "remove":
            del target[path[-1]]
        else:
            target[draw(st.sampled_from(["extra", "sms", "email", "fallback_seconds"]))] = draw(
                VALUES
            )
    return body


def test_the_schema_is_a_valid_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)


def test_every_valid_request_is_valid() -> None:
    for body in VALID:
        assert find_faults(body) == []


@settings(max_examples=400, deadline=None)
@given(mutated())
def test_the_verdict_is_the_reference_implementations(body) -> None:
    # Characters are the one rule that holds for every text, also where the schema takes any object.
    faults = [fault for fault in find_faults(body) if fault.rule != "text"]
    assert (faults == []) == REFERENCE.is_valid(body)


@settings(max_examples=200, deadline=None)
@given(mutated())
def test_every_fault_points_to_what_is_there_or_missing(body) -> None:
    for fault in find_faults(body):
        assert fault.detail
        parent = body
        parts = [
            part.replace("~1", "/").replace("~0", "~") for part in fault.pointer.split("/")[1:]
        ]
        for part in parts[:-1]:
            parent = parent[int(part)] if isinstance(parent, list) else parent[part]
        if parts and fault.rule == "required":
            assert parts[-1] not in parent
        elif parts:
            assert int(parts[-1]) < len(parent) if isinstance(parent, list) else parts[-1] in parent


@pytest.mark.parametrize("path", DOCUMENTED, ids=lambda path: path.stem)
def test_every_documented_request_is_valid(path) -> None:
    assert find_faults(json.loads(path.read_text(encoding="utf-8"))) == []


def nested(levels: int) -> dict[str, Any]:
    """A request of so many levels, the template's data being the deepest."""
    inner: list[Any] = []
    for _ in range(levels - 5):
        inner = [inner]
    return mail_of_template(deep=inner)


def mail_of_template(**data: Any) -> dict[str, Any]:
    return request(EMAIL | {"email": {"template": "t", "template_data": data}}, SMS)


def test_a_request_has_at_most_32_levels() -> None:
    assert find_faults(nested(32)) == []
    (fault,) = find_faults(nested(33))
    assert (fault.pointer, fault.rule) == (
        "/pc/email/template_data/deep" + "/0" * 28,
        "maxDepth",
    )


def test_faults_beyond_the_schema_come_with_the_schemas_own() -> None:
    email = EMAIL["email"] | {
        "subject": "",
        "cc": ["a@b.cc"] * 25,
        "bcc": ["a@b.cc"] * 25,
        "headers": {"X": "x" * 995, "X-Parcel/1": "x" * 987, "X-1": 1},
    }
    body = request(SMS, EMAIL | {"email": email}, extra=nested(30))
    assert {fault.pointer: fault.rule for fault in find_faults(body)} == {
        "/extra": "additionalProperties",
        "/fc/email/bcc": "maxRecipients",
        "/fc/email/headers/X-1": "type",
        "/fc/email/headers/X-Parcel~11": "maxLength",
        "/fc/email/subject": "minLength",
    }


def test_what_has_no_sums_has_no_faults_of_them() -> None:
    for email in (None, [], {"cc": None, "bcc": {"a": 1}, "headers": ["x"]}):
        for step in (None, [], {"channel": 1}, EMAIL | {"email": email}):
            rules = {fault.rule for fault in find_faults({"pc": step, "fc": [step] * 7})}
            assert "maxRecipients" not in rules


def refined(definition: dict[str, Any]) -> dict[str, Any]:
    """A definition with what it refers to."""
    for part in (definition, *definition.get("allOf", ())):
        if "$ref" in part:
            return definition | refined(SCHEMA["definitions"][part["$ref"].rpartition("/")[2]])
    return definition


def differences(shape: Any, definition: dict[str, Any], path: str) -> list[str]:
    """Where a definition lets through what botocore's model does not know, or the other way."""
    definition = refined(definition)
    limits = shape.metadata
    found = []
    if isinstance(shape, StructureShape):
        same = (
            set(definition["properties"]) == set(shape.members)
            and set(definition.get("required", ())) == set(shape.required_members)
            and definition["additionalProperties"] is False
            and (definition.get("minProperties") == definition.get("maxProperties") == 1)
            is shape.is_tagged_union
        )
        for name, member in shape.members.items():
            found += differences(member, definition["properties"][name], f"{path}/{name}")
    elif isinstance(shape, ListShape):
        same = definition.get("minItems", 0) == limits["min"]
        same = same and definition["else"]["maxItems"] == limits["max"]
        found = differences(shape.member, definition["then"]["items"], f"{path}/*")
    elif shape.type_name == "double":
        same = (definition["minimum"], definition["maximum"]) == (limits["min"], limits["max"])
    elif shape.type_name == "timestamp":
        same = set(definition) >= {"if", "then", "else"}
    elif "enum" in definition:
        same = all(value in shape.documentation for value in definition["enum"])
    elif shape.name == "PhoneNumber":
        same = definition["pattern"] == f"^{limits['pattern']}$"
    else:
        same = definition.get("maxLength") == limits["max"]
        same = same and ("pattern" in definition or definition["minLength"] == limits["min"])
    return found if same else [path, *found]


def test_rcs_content_is_what_the_service_model_has() -> None:
    shape = Session().get_service_model("pinpoint-sms-voice-v2").shape_for("RcsMessageContent")
    found = differences(shape, SCHEMA["definitions"]["rcs"]["properties"]["content"], "")
    # Has TALL as well, which a rule of the carousel's own takes away.
    assert found == ["/Content/Carousel/CardContents/*/Media/Height"]


@pytest.mark.parametrize(
    ("day", "exists"),
    [
        ("2026-02-28", True),
        ("2026-02-29", False),
        ("2028-02-29", True),
        ("2100-02-29", False),
        ("2400-02-29", True),
        ("2026-04-31", False),
        ("2026-12-31", True),
        ("2026-13-01", False),
    ],
)
@pytest.mark.parametrize("time", ["", "T18:00", "T18:00:00.5Z", "T18:00:00+05:30"])
def test_a_time_is_on_a_day_that_exists(day, exists, time) -> None:
    event = ACTION | EVENT | {"StartTime": day + time}
    content = CAROUSEL | {"Suggestions": [{"CreateCalendarEvent": event}]}
    faults = find_faults(request(RCS | {"rcs": {"content": content}}, SMS))
    assert (faults == []) is exists


RCS_CONTENT = "/pc/rcs/content/Content"
RCS_TEXT = {"TextMessage": {"Body": "x"}}
REPLY = {"Reply": {"Text": "Yes", "PostbackData": "yes"}}


def mail(**more: Any) -> dict[str, Any]:
    return EMAIL | {"email": EMAIL["email"] | more}


def whatsapp(**content: Any) -> dict[str, Any]:
    return WHATSAPP | {"whatsapp": content}


def rcs(content: dict[str, Any], *suggestions: Any) -> dict[str, Any]:
    return RCS | {"rcs": {"content": {"Content": content, "Suggestions": list(suggestions)}}}


def carousel(*cards: Any) -> dict[str, Any]:
    return {"Carousel": {"CardWidth": "SMALL", "CardContents": list(cards)}}


def pointers(body: Any) -> set[str]:
    return {fault.pointer for fault in find_faults(body)}


@pytest.mark.parametrize(
    ("step", "pointer"),
    [
        (mail(cc=["a@b.cc"] * 25, bcc=["a@b.cc"] * 25), "/pc/email/bcc"),
        (mail(bcc=["a@b.cc"] * 50), "/pc/email/bcc"),
        (mail(headers={"X-Parcel": "x" * 989}), "/pc/email/headers/X-Parcel"),
        (mail(headers={"X" * 127: "x"}), "/pc/email/headers"),
        (mail(cc=["jane..doe@example.org"]), "/pc/email/cc/0"),
        (whatsapp(audio={"id": "1", "caption": "x"}), "/pc/whatsapp/audio/caption"),
        (whatsapp(audio={"id": "1", "voice": "yes"}), "/pc/whatsapp/audio/voice"),
        (whatsapp(sticker={"id": "1", "caption": "x"}), "/pc/whatsapp/sticker/caption"),
        (whatsapp(image={"id": "1", "filename": "x"}), "/pc/whatsapp/image/filename"),
        (whatsapp(video={"id": "1", "voice": True}), "/pc/whatsapp/video/voice"),
        (whatsapp(document={"id": "1", "link": "https://x"}), "/pc/whatsapp/document"),
        (WHATSAPP | {"sender": "phone-number-id-" + "0" * 100}, "/pc/sender"),
        (WHATSAPP | {"sender": "arn:aws:social-messaging:x:1:phone-number-id/a-b"}, "/pc/sender"),
        (rcs({"RichCard": {"CardOrientation": "VERTICAL"}}), f"{RCS_CONTENT}/RichCard/CardContent"),
        (rcs({"TextMessage": {"Body": " "}}), f"{RCS_CONTENT}/TextMessage/Body"),
        (rcs({"FileMessage": {"FileUrl": "ftp://x"}}), f"{RCS_CONTENT}/FileMessage/FileUrl"),
        (rcs(RCS_TEXT | {"FileMessage": {"FileUrl": "s3://bkt/a"}}), RCS_CONTENT),
        (rcs(carousel({})), f"{RCS_CONTENT}/Carousel/CardContents"),
        (rcs(carousel(*[{}] * 11)), f"{RCS_CONTENT}/Carousel/CardContents"),
        (
            rcs(carousel({}, {"Media": {"FileUrl": "s3://bkt/a", "Height": "TALL"}})),
            f"{RCS_CONTENT}/Carousel/CardContents/1/Media/Height",
        ),
        (
            rcs(carousel({}, {"Suggestions": [REPLY] * 5})),
            f"{RCS_CONTENT}/Carousel/CardContents/1/Suggestions",
        ),
        (rcs(RCS_TEXT, *[REPLY] * 12), "/pc/rcs/content/Suggestions"),
        (rcs(RCS_TEXT, REPLY, {}), "/pc/rcs/content/Suggestions/1"),
        (rcs(RCS_TEXT, {"x": 1}), "/pc/rcs/content/Suggestions/0/x"),
        (
            rcs(RCS_TEXT, {"Reply": {"Text": "x" * 26, "PostbackData": "x"}}),
            "/pc/rcs/content/Suggestions/0/Reply/Text",
        ),
    ],
)
def test_what_a_channel_would_refuse_is_refused_in_its_place(step, pointer) -> None:
    assert pointers(request(step, SMS)) == {pointer}


def test_cards_are_checked_in_every_step() -> None:
    step = rcs({"RichCard": {"CardOrientation": "VERTICAL"}})
    missing = "rcs/content/Content/RichCard/CardContent"
    assert pointers(request(SMS, step)) == {f"/fc/{missing}"}
    assert pointers(request(SMS, *[SMS] * 4, step)) == {f"/fc/4/{missing}"}


@pytest.mark.parametrize(
    "step",
    [
        mail(cc=["a@b.cc"] * 25, bcc=["a@b.cc"] * 24),
        mail(headers={"X-Parcel": "x" * 988, "From-Shop": "x", "Content-Language": "de"}),
        whatsapp(audio={"id": "1", "voice": True}),
        whatsapp(video={"link": "https://x.example/a.mp4", "caption": "x"}),
        whatsapp(document={"id": "1", "caption": "x", "filename": "x.pdf"}),
        whatsapp(sticker={"id": "1"}),
        WHATSAPP | {"sender": "arn:aws:social-messaging:us-east-1:1:phone-number-id/" + "0" * 62},
        rcs(RCS_TEXT, *[REPLY] * 11),
        rcs(carousel({"Suggestions": [REPLY] * 4}, *[{"Title": "x"}] * 9)),
    ],
)
def test_what_a_channel_takes_is_taken(step) -> None:
    assert find_faults(request(step, SMS)) == []


@pytest.mark.parametrize(
    "name",
    [
        "Bcc",
        "CC",
        "Content-Disposition",
        "content-transfer-encoding",
        "Content-type",
        "Date",
        "DKIM-Signature",
        "FROM",
        "Message-Id",
        "mime-version",
        "Reply-To",
        "Return-Path",
        "sender",
        "Subject",
        "tO",
        "X-SES-CONFIGURATION-SET",
        "x-ses-message-tags",
        "X-Ses-",
        "Resent-To",
        "resent-bcc",
        "Received",
        "Received-SPF",
        "Authentication-Results",
        "ARC-Seal",
        "DomainKey-Signature",
        "Errors-To",
        "Bounces-To",
    ],
)
def test_a_header_that_is_set_otherwise_is_refused(name) -> None:
    (fault,) = find_faults(request(mail(headers={name: "x", "X-Parcel": "4711"}), SMS))
    assert fault.pointer == f"/pc/email/headers/{name}"


@pytest.mark.parametrize(
    "name",
    [
        *("List-Unsubscribe", "List-Unsubscribe-Post", "In-Reply-To", "References", "Precedence"),
        *("Auto-Submitted", "X-SESSION", "X-Received", "Resent", "Arcade-Score", "Feedback-ID"),
    ],
)
def test_a_header_that_is_the_callers_own_is_taken(name) -> None:
    assert find_faults(request(mail(headers={name: "x"}), SMS)) == []


@pytest.mark.parametrize(
    ("raw", "pointers"),
    [
        ({"type": "text", "text": {"body": "x"}, "to": "+1"}, {"/to"}),
        ({"type": "text", "text": {"body": "x"}, "recipient": "US.1"}, {"/recipient"}),
        ({"type": "text", "text": {"body": "x"}, "recipient_type": "group"}, {"/recipient_type"}),
        (
            {"type": "text", "text": {"body": "x"}, "biz_opaque_callback_data": "x:0"},
            {"/biz_opaque_callback_data"},
        ),
        ({"type": "text", "text": {"body": "x"}, "status": "read"}, {"/status"}),
        ({"type": "text", "text": {"body": "x"}, "messaging_product": "x"}, {"/messaging_product"}),
        ({"type": "text", "text": {"body": "x"}, "image": {"id": "1"}}, {""}),
        ({"type": "image", "text": {"body": "x"}}, {"/image", ""}),
        ({"type": "pin", "pin": {}}, {"/type", "/pin"}),
        ({"type": "text", "text": "x"}, {"/text"}),
        ({"type": "contacts", "contacts": []}, {"/contacts"}),
        ({"type": "text", "text": {}, "context": {"message_id": "w", "to": "x"}}, {"/context/to"}),
    ],
)
def test_of_a_raw_message_only_what_it_says_is_taken(raw, pointers) -> None:
    expected = {f"/pc/whatsapp/raw{pointer}" for pointer in pointers}
    assert globals()["pointers"](request(whatsapp(raw=raw), SMS)) == expected


@pytest.mark.parametrize(
    "raw",
    [
        {"type": "text", "text": {"body": "x", "preview_url": True}},
        {"type": "contacts", "contacts": [{"name": {"formatted_name": "x"}}]},
        {"type": "reaction", "reaction": {"message_id": "wamid.A", "emoji": "\U0001f44d"}},
        {
            "messaging_product": "whatsapp",
            "type": "image",
            "image": {"id": "1"},
            "context": {"message_id": "wamid.A"},
        },
    ],
)
def test_a_raw_message_of_each_shape_is_taken(raw) -> None:
    assert find_faults(request(whatsapp(raw=raw), SMS)) == []


def texts(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the paths of the texts of a request."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from texts(inner, (*path, key))


def with_text(body: Any, path: tuple[Any, ...], end: str) -> Any:
    body = copy.deepcopy(body)
    target = body
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] += end
    return body


# Every text of every kind of request; a member more where an example has none.
WITH_TEXTS = [
    *(json.loads(path.read_text(encoding="utf-8")) for path in DOCUMENTED),
    request(EMAIL | {"sender": "Shop <shop@example.com>"}, SMS),
    request(mail(list_management={"contact_list_name": "a", "topic_name": "b"}, tenant="c"), SMS),
    request(whatsapp(location={"latitude": 1, "longitude": 1, "name": "a", "address": "b"}), SMS),
    request(whatsapp(document={"id": "1", "caption": "c", "filename": "x.pdf"}), SMS),
    request(whatsapp(interactive={"type": "x", "action": {"deep": [{"er": "x"}]}}), SMS),
    request(whatsapp(contacts=[{"name": {"formatted_name": "x"}}]), SMS),
    request(whatsapp(raw={"type": "text", "text": {"body": "x"}}), SMS),
    request(rcs({"RichCard": {"CardOrientation": "VERTICAL", "CardContent": {"Title": "x"}}}), SMS),
    mail_of_template(name="x", list=[{"deep": "x"}]),
]
# What may have several lines: bodies, and objects whose texts are their owner's business.
BODIES = re.compile(
    r"/(email/(text|html|template_data/.*)|(sms|whatsapp|rcs)/message|rcs/.*(Body|Description)"
    r"|rcs/.*PostbackData|whatsapp/(.*/caption|(template/components|contacts|interactive|raw)/(?!type$).*|interactive/type))$"
)


def joined(path: tuple[Any, ...]) -> str:
    return "".join(f"/{part}" for part in path)


@pytest.mark.parametrize(
    "character",
    ["\0", "\a", "\b", "\v", "\f", "\x1b", "\x7f", "\x85", "\x92", "\ufffd", chr(0xD83D)],
    ids=ascii,
)
def test_what_is_no_text_is_refused_in_every_text(character) -> None:
    for body in WITH_TEXTS:
        for path in texts(body):
            found = pointers(with_text(body, path, character))
            assert any(joined(path).startswith(pointer) for pointer in found), path


@pytest.mark.parametrize("character", ["\n", "\t", "\r", "\u2028", "\u2029"], ids=ascii)
def test_only_bodies_have_lines(character) -> None:
    seen = set()
    for body in WITH_TEXTS:
        for path in texts(body):
            faults = find_faults(with_text(body, path, character))
            is_body = BODIES.search(joined(path)) is not None
            assert (faults == []) is is_body, (path, faults)
            seen.add(is_body)
    assert seen == {True, False}


def test_names_of_members_are_texts_too() -> None:
    (fault,) = find_faults(mail_of_template(**{"a\0/b": "x"}))
    assert (fault.pointer, fault.rule) == ("/pc/email/template_data/a\0~1b", "text")
    assert "U+0000" in fault.detail


def test_bytes_that_were_no_utf8_are_called_that() -> None:
    (fault,) = find_faults(request(mail(subject="caf\ufffd"), SMS))
    assert (fault.pointer, fault.rule) == ("/pc/email/subject", "text")
    assert "UTF-8" in fault.detail


@pytest.mark.parametrize(
    ("address", "valid"),
    [
        ("jane..doe@example.org", False),
        (".jane@example.org", False),
        ("jane.@example.org", False),
        (".@example.org", False),
        ("j" * 65 + "@example.org", False),
        ("j" * 31 + "." + "d" * 32 + "@example.org", True),
        ("o'neil+news_1-x.y@xn--bcher-kva.example", True),
        ("a.b.c.d@sub.example.org", True),
    ],
)
@pytest.mark.parametrize("form", ["{}", "Shop <{}>"])
def test_dots_stand_between_the_parts_of_an_address(address, valid, form) -> None:
    step = EMAIL | {"recipient": address, "sender": form.format(address)}
    assert pointers(request(step, SMS)) == (set() if valid else {"/pc/recipient", "/pc/sender"})


def test_no_depth_is_an_error_of_the_api(world) -> None:
    body = json.dumps(mail_of_template(deep="x"))
    limit = sys.getrecursionlimit()
    for depth in (28, 29, *range(limit - 200, limit + 20)):
        raw = body.replace('"x"', "[" * depth + "]" * depth)
        status = world.call("POST", "/messages", raw=raw).status
        assert status == (202 if depth == 28 else 400), depth
