"""Dead letters: what is said of them, what is put back, and what is refused."""

import json

import pytest
from botocore.exceptions import ReadTimeoutError

from operations.__main__ import main
from operations.stack import Letter
from tests.support.events import ses
from tests.support.requests import EMAIL, SMS, request

UNCLEAR = ReadTimeoutError(endpoint_url="https://provider")


def started(world, *steps, **more) -> str:
    message_id = world.accept(request(*steps, **more))
    world.queued("intake")
    world.start(message_id)
    return message_id


def timer(message_id: str, step: int) -> dict:
    return {"message_id": message_id, "step": step, "due_at": 0}


def test_a_message_that_was_never_started_is_sent_by_a_redrive(world, die, run) -> None:
    message_id = world.accept(request())
    world.queued("intake")
    die("intake", {"message_id": message_id})
    assert f"{message_id}: sends (nobody has sent it)" in run("dead-letters").text
    assert "redriven: 1, refused: 0" in run("redrive").text
    assert [item["body"] for item in world.queued("intake")] == [{"message_id": message_id}]
    assert not world.queued("intake-dead-letters")


def test_a_list_leaves_everything_where_it_is(world, die, run) -> None:
    die("events", json.dumps(ses("Delivery", "00000000-0000-4000-8000-000000000000", 0)))
    for _ in range(2):
        assert "dead letters: 1 (1 applies)" in run("dead-letters").text


def test_a_step_that_was_sent_is_only_settled(world, die, run) -> None:
    message_id = started(world)
    die("intake", {"message_id": message_id})
    assert f"{message_id}: settles (duplicate)" in run("dead-letters").text
    assert run("redrive").status == 0
    (letter,) = world.queued("intake")
    world.start(letter["body"]["message_id"])
    assert len(world.providers["email"].requests) == 1


def test_a_held_step_with_a_successor_is_only_settled(world, die, run) -> None:
    world.providers["email"].answers = [UNCLEAR]
    message_id = started(world)
    die("intake", {"message_id": message_id})
    assert "settles (held)" in run("dead-letters").text


@pytest.mark.parametrize("use_case", ["fallback", "broadcast"])
def test_what_may_have_gone_out_is_refused(world, die, run, use_case) -> None:
    world.providers["sms"].answers = [UNCLEAR]
    message_id = started(world, EMAIL, SMS, use_case=use_case, fallback_seconds=0)
    for queued in world.queued("timers"):
        world.fire(queued["body"])
    world.queued("timers")
    die("timers", timer(message_id, 1))
    answer = run("redrive")
    assert answer.status == 1
    assert f"refused: timers {message_id} step 1: may send twice" in answer.text
    assert not world.queued("timers")
    assert "may have gone out" in run("explain", message_id).text
    # Still there: the operator may know better.
    answer = run("redrive", "--resend", message_id)
    assert (answer.status, answer.text.strip()) == (0, "redriven: 1, refused: 0")
    assert len(world.queued("timers")) == 1


def test_what_is_settled_by_its_events_is_not_refused(world, die, run) -> None:
    world.providers["sms"].answers = [UNCLEAR]
    message_id = started(world, SMS, EMAIL, use_case="broadcast")
    world.normalize(
        {
            "eventType": "TEXT_SENT",
            "isFinal": False,
            "messageId": "sms-9",
            "context": {"message_id": message_id, "step": "0"},
        }
    )
    die("timers", timer(message_id, 0))
    assert "settles" in run("dead-letters").text


def test_raw_events_are_shown_by_size_and_digest_and_may_always_come_again(
    world, die, run, stack
) -> None:
    message_id = started(world)
    event = json.dumps(ses("Bounce", message_id, 0))
    die("events", event)
    listed = run("dead-letters").text
    assert "email failed" in listed
    assert "sha256" in listed
    for private in ("ann@example.org", "Your code", "192.0.2"):
        assert private not in listed
    assert run("redrive").status == 0
    assert [item["body"] for item in world.queued("events")] == [json.loads(event)]


def test_what_cannot_be_read_is_refused_and_kept(world, die, run) -> None:
    die("intake", "not json")
    die("timers", timer("00000000-0000-4000-8000-000000000000", 0))
    answer = run("redrive")
    assert answer.status == 1
    assert "unreadable" in answer.text
    assert "redriven: 1, refused: 1" in answer.text


def test_a_message_is_explained_without_content(world, run) -> None:
    message_id = started(world)
    world.normalize(ses("Bounce", message_id, 0))
    text = run("explain", message_id).text
    assert "step 0 email: failed, invalid_address, 1 claims" in text
    assert "next timer" in text
    assert "ann@" not in text
    assert "123456" not in text
    assert run("explain", "00000000-0000-4000-8000-000000000000").status == 1


def test_a_message_that_is_visible_again_is_no_error(stack, monkeypatch) -> None:
    def refuse(**_: object) -> None:
        error = {"Error": {"Code": "AWS.SimpleQueueService.MessageNotInflight", "Message": ""}}
        raise stack.sqs.exceptions.MessageNotInflight(error, "ChangeMessageVisibility")

    monkeypatch.setattr(stack.sqs, "change_message_visibility", refuse)
    stack.show_again(stack.queue_url("intake"), Letter("{}", "handle", 0, 1))


def test_outputs_that_are_none_are_refused(tmp_path, capsys) -> None:
    path = tmp_path / "outputs.json"
    for text in ("[]", "{", '{"messages_table": "x"}'):
        path.write_text(text)
        assert main(["dead-letters", "--outputs", str(path)]) == 2
        assert capsys.readouterr().err.startswith("error: ")
