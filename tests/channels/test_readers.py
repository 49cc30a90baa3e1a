"""How the members of providers' events are read: ids, times, reasons, and our own echo."""

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    NoCredentialsError,
    ReadTimeoutError,
)

from runtime.channels import CHANNELS
from runtime.channels.channel import (
    Ambiguous,
    NotAccepted,
    Rejected,
    as_list,
    as_object,
    join_reason,
    known,
    load_json,
    pick,
    pick_times,
    read_echo,
    read_error,
    read_id,
    read_time,
    renamed,
)
from runtime.domain.status import FailureClass

MESSAGE_ID = "4b2f6d0e-3d1a-4f6c-9a57-0d2f6f1c9f10"


@pytest.mark.parametrize("step", ["0", "9", "10", "35", "99"])
def test_the_echo_of_any_step_that_a_message_can_have_is_ours(step) -> None:
    assert read_echo(MESSAGE_ID, step) == (MESSAGE_ID, int(step))


@pytest.mark.parametrize(
    ("message_id", "step"),
    [
        (MESSAGE_ID, "100"),
        (MESSAGE_ID, ""),
        (MESSAGE_ID, "-1"),
        (MESSAGE_ID, " 1"),
        (MESSAGE_ID, "1\n"),
        (MESSAGE_ID, 1),
        (MESSAGE_ID, None),
        (MESSAGE_ID + "0", "1"),
        (MESSAGE_ID[1:], "1"),
        (MESSAGE_ID.upper(), "1"),
        ("order-17", "1"),
        (None, "1"),
        (17, "1"),
    ],
)
def test_what_is_not_wholly_our_echo_is_not_ours(message_id, step) -> None:
    assert read_echo(message_id, step) == (None, None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("id", "id"),
        (17, "17"),
        ("0100018f-4a7b/x.y_z:1=+", "0100018f-4a7b/x.y_z:1=+"),
        ("x" * 256, "x" * 256),
        # What is longer, or may be a sentence or an address, is named by its digest.
        ("x" * 257, "id-15eb95a462ee20bd91a415ae2d4aed34"),
        ("to Jane", "id-b0d105dd43a1cae84685b80b41ef31e1"),
        ("ann@example.org", "id-438c4c7afe600cdf1e455c369bec76dc"),
        ("+14255550156", "id-298eb399c9187bf4f43a1b490c9a357d"),
        ("\ud83d", "id-8a8de823d5ed3e12746a62ef169bcf37"),
        ("", None),
        (0, None),
        (None, None),
        (1.5, None),
        (["id"], None),
    ],
)
def test_a_providers_id_is_left_as_it_is_or_named_by_its_digest(value, expected) -> None:
    assert read_id(value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": [1, null, "x"]}', {"a": [1, None, "x"]}),
        (b'{"a": 1}', {"a": 1}),
        ('"caf\u00e9"', "caf\u00e9"),
        ('"caf\u00e9"'.encode(), "caf\u00e9"),
        # A whole pair is one character, however it is written.
        (r'"\ud83d\ude00"', "\U0001f600"),
        (r'"\uD83D\uDE00"', "\U0001f600"),
        # Half of one is no text: as an escape, in either letter case, and as it is.
        (r'"cut \ud83d"', "cut ?"),
        (r'"cut \uD83D"', "cut ?"),
        (rb'"cut \ud83d"', "cut ?"),
        ('"cut \ud83d"', "cut ?"),
        (r'{"\ud83d": ["\ude00"], "b": "caf\u00e9"}', {"?": ["?"], "b": "caf\u00e9"}),
        # Bytes that are no UTF-8 stand for what cannot be read.
        (b'"caf\xe9"', "caf\ufffd"),
    ],
)
def test_a_providers_json_is_read_as_text_throughout(text, expected) -> None:
    assert load_json(text) == expected


@pytest.mark.parametrize("text", ["", "{", "nonsense", b"", b"\xff"])
def test_what_is_no_json_is_refused(text) -> None:
    with pytest.raises(ValueError, match="Expecting"):
        load_json(text)


YEAR_2200 = 7_258_118_400_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1000),
        (0.5, 500),
        (99_999_999, 99_999_999_000),
        # From here on a number is one of milliseconds.
        (100_000_000_000, 100_000_000_000),
        (100_000_000_001, 100_000_000_001),
        (YEAR_2200 - 1, YEAR_2200 - 1),
        (YEAR_2200, None),
        (7_258_118_399, 7_258_118_399_000),
        (7_258_118_400, None),
        (0, None),
        (-1, None),
        ("1800000000", 1_800_000_000_000),
        ("1800000000000", 1_800_000_000_000),
        ("2027-01-15T08:00:00Z", 1_800_000_000_000),
        ("2027-01-15T08:00:00.5", 1_800_000_000_500),
        ("2027-01-15T09:00:00+01:00", 1_800_000_000_000),
        ("1969-12-31T23:59:59Z", None),
        ("2200-01-01T00:00:00Z", None),
        ("2199-12-31T23:59:59Z", YEAR_2200 - 1000),
        ("nan", None),
        ("soon", None),
        ("", None),
        (True, None),
        (None, None),
        ({}, None),
    ],
)
def test_a_time_is_read_as_milliseconds_of_the_years_that_can_be(value, expected) -> None:
    time = read_time(value)
    assert time == expected
    assert time is None or isinstance(time, int)


WORDS = ("MailboxFull", "Bad content")


@pytest.mark.parametrize("value", WORDS)
def test_a_documented_word_is_read(value) -> None:
    assert known(value, WORDS) == value
    assert known(value, frozenset(WORDS)) == value


@pytest.mark.parametrize(
    "value",
    [
        "mailboxfull",
        "MailboxFull ",
        "MailboxFull of ann@example.org",
        "Mailbox",
        "",
        5,
        None,
        [],
        {},
    ],
)
def test_what_is_no_documented_word_reads_as_nothing(value) -> None:
    assert known(value, WORDS) is None
    assert known(value, dict.fromkeys(WORDS)) is None


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("a",), "a"),
        (("a", "b"), "a: b"),
        (("a", None), "a"),
        ((None, "b"), "b"),
        (("a", ""), "a"),
        (("a", "b", "c"), "a: b: c"),
        ((None, ""), None),
        ((None,), None),
        ((), None),
    ],
)
def test_a_reason_is_of_the_parts_that_are_there(parts, expected) -> None:
    assert join_reason(*parts) == expected


def test_times_are_copied_where_they_can_be_read() -> None:
    payload = {
        "timestamp": "2027-01-15T08:00:00Z",
        "eventTimestamp": 1_800_000_000_000,
        "sentAt": "to Jane",
        "seenAt": None,
        "other": "2027-01-15T08:00:00Z",
    }
    assert pick_times(payload, "timestamp", "eventTimestamp", "sentAt", "seenAt", "missing") == {
        "timestamp": "2027-01-15T08:00:00Z",
        "eventTimestamp": 1_800_000_000_000,
    }


def test_a_member_that_is_something_else_reads_as_nothing() -> None:
    for value in (None, 1, "x", True):
        assert as_object(value) == {}
        assert as_list(value) == []
    assert as_object([1]) == {}
    assert as_list({"a": 1}) == []
    assert as_object({"a": 1}) == {"a": 1}
    assert as_list([1]) == [1]


def test_members_are_copied_where_they_are_there() -> None:
    assert pick({"a": None, "b": 2, "c": 3}, ("a", "b", "d")) == {"a": None, "b": 2}
    assert renamed({"a": None, "b": 2}, {"a": "A", "d": "D"}) == {"A": None}


def answer(**response) -> ClientError:
    return ClientError(response, "Send")


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        # Without a code, or a status: the service has failed, and the message may be on its way.
        ({}, Ambiguous("Unknown")),
        ({"Error": {}}, Ambiguous("Unknown")),
        ({"Error": {"Code": "New"}}, Ambiguous("New")),
        ({"Error": {"Code": "New"}, "ResponseMetadata": {}}, Ambiguous("New")),
        *(
            ({"Error": {"Code": "New"}, "ResponseMetadata": {"HTTPStatusCode": status}}, outcome)
            for status, outcome in [
                (400, Rejected(FailureClass.UNKNOWN, "New")),
                (428, Rejected(FailureClass.UNKNOWN, "New")),
                (429, NotAccepted("New")),
                (430, Rejected(FailureClass.UNKNOWN, "New")),
                (499, Rejected(FailureClass.UNKNOWN, "New")),
                (500, Ambiguous("New")),
                (503, Ambiguous("New")),
            ]
        ),
        # What does not look like a code may name a person.
        (
            {"Error": {"Code": "of ann@example.org"}, "ResponseMetadata": {"HTTPStatusCode": 400}},
            Rejected(FailureClass.UNKNOWN, "Unknown"),
        ),
        # By its code a throttle is one, and a fault of the service, whatever its HTTP status says.
        (
            {"Error": {"Code": "Throttling"}, "ResponseMetadata": {"HTTPStatusCode": 500}},
            NotAccepted("Throttling"),
        ),
        (
            {"Error": {"Code": "InternalFailure"}, "ResponseMetadata": {"HTTPStatusCode": 400}},
            Ambiguous("InternalFailure"),
        ),
        # The reason tells more than the code; an unknown one does not hide the code's class.
        (
            {"Error": {"Code": "ConflictException"}, "Reason": "NEW"},
            Rejected(FailureClass.CONFIGURATION, "ConflictException/NEW"),
        ),
        (
            {
                "Error": {"Code": "New"},
                "Reason": "WHY",
                "ResponseMetadata": {"HTTPStatusCode": 400},
            },
            Rejected(FailureClass.UNKNOWN, "New/WHY"),
        ),
    ],
)
def test_an_answer_proves_what_its_code_its_reason_and_its_status_say(response, expected) -> None:
    assert read_error(CHANNELS["sms"], answer(**response)) == expected


def test_an_error_of_botocore_is_named_by_its_kind() -> None:
    url = {"endpoint_url": "https://provider"}
    for error, outcome in (
        (ConnectTimeoutError(**url), NotAccepted("ConnectTimeoutError")),
        (ReadTimeoutError(**url), Ambiguous("ReadTimeoutError")),
        (
            NoCredentialsError(),
            Rejected(FailureClass.CONFIGURATION, "NoCredentialsError"),
        ),
    ):
        assert read_error(CHANNELS["sms"], error) == outcome
