"""Dead letters: what is said of them, what is put back, and what is refused."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.exceptions import ReadTimeoutError

from infra import FallbackMessaging
from operations import __main__ as commands
from operations.__main__ import main
from operations.dead_letters import read_message
from operations.explanation import explanation
from operations.stack import Letter, Stack
from runtime.domain.document import status_document
from tests.support.events import ses
from tests.support.requests import EMAIL, SMS, request
from tests.support.runtime_world import client_error

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
    assert f"{message_id}: nothing to send (already sent)" in run("dead-letters").text
    assert run("redrive").status == 0
    (letter,) = world.queued("intake")
    world.start(letter["body"]["message_id"])
    assert len(world.providers["email"].requests) == 1


def test_a_held_step_with_a_successor_is_only_settled(world, die, run) -> None:
    world.providers["email"].answers = [UNCLEAR]
    message_id = started(world)
    die("intake", {"message_id": message_id})
    assert "nothing to send (it may have gone out, and is not sent again)" in (
        run("dead-letters").text
    )
    assert "may have gone out" not in run("explain", message_id).text


@pytest.mark.parametrize("use_case", ["fallback", "broadcast"])
def test_what_may_have_gone_out_is_refused(world, die, run, use_case, monkeypatch) -> None:
    world.providers["sms"].answers = [UNCLEAR]
    message_id = started(world, EMAIL, SMS, use_case=use_case, fallback_seconds=0)
    for queued in world.queued("timers"):
        world.fire(queued["body"])
    world.queued("timers")
    sqs_id = die("timers", timer(message_id, 1))
    monkeypatch.setattr(commands, "_now", lambda: world.now + 3_600_000)
    answer = run("redrive")
    assert answer.status == 1
    assert answer.text.startswith("refused: timers ")
    assert f"[{sqs_id}] {message_id} step 1: may send twice" in answer.text
    assert not world.queued("timers")
    doubt = "may have gone out: redrive refuses it unless RESEND names this message"
    assert doubt in run("explain", message_id).text
    # Still there: the operator may know better.
    answer = run("redrive", "--resend", message_id)
    assert (answer.status, answer.text.strip()) == (0, "redriven: 1, refused: 0")
    assert len(world.queued("timers")) == 1


def test_a_try_that_was_not_taken_does_not_clear_up_the_one_before(
    world, die, run, monkeypatch
) -> None:
    world.providers["sms"].answers = [UNCLEAR, client_error("ThrottlingException")]
    message_id = started(world, EMAIL, SMS, fallback_seconds=0)
    for queued in world.queued("timers"):
        world.fire(queued["body"])
    world.now += 600_000
    world.fire(timer(message_id, 1))
    assert world.row(message_id)["steps"]["L"][1]["M"]["released"]["N"] == "1"
    world.queued("timers")
    die("timers", timer(message_id, 1))
    monkeypatch.setattr(commands, "_now", lambda: world.now + 3_600_000)
    assert "step 1: may send twice" in run("dead-letters").text
    assert "may have gone out" in run("explain", message_id).text
    assert run("redrive").status == 1
    assert not world.queued("timers")
    assert run("redrive", "--resend", message_id).status == 0


def test_what_was_never_taken_is_not_in_doubt(world, die, run) -> None:
    world.providers["sms"].answers = [client_error("ThrottlingException")]
    message_id = started(world, SMS, EMAIL, use_case="broadcast")
    world.queued("timers")
    world.now += 3_600_000
    die("timers", timer(message_id, 0))
    assert "step 0: sends (nobody has sent it)" in run("dead-letters").text
    assert "may have gone out" not in run("explain", message_id).text


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
    assert "nothing to send (already sent)" in run("dead-letters").text


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
    die("intake", {"message_id": ""})
    die("timers", {"message_id": "x", "step": "first"})
    die("timers", timer("00000000-0000-4000-8000-000000000000", 0))
    answer = run("redrive")
    assert answer.status == 1
    assert answer.text.count("unreadable (not a valid queue entry)") == 3
    assert "redriven: 1, refused: 3" in answer.text


def test_a_message_is_explained_without_content(world, run) -> None:
    message_id = started(world)
    world.normalize(ses("Bounce", message_id, 0))
    text = run("explain", message_id).text
    assert "step 0 email: failed, invalid_address (Permanent/General: 5.1.1), 1 attempt\n" in text
    assert "step 1 sms: queued\n" in text
    assert "next timer" in text
    assert "ann@" not in text
    assert "123456" not in text
    assert run("explain", "00000000-0000-4000-8000-000000000000").status == 1


def test_a_step_held_under_a_lease_is_not_said_to_be_refused(
    world, run, monkeypatch, stack
) -> None:
    world.providers["sms"].answers = [UNCLEAR]
    message_id = started(world, SMS, EMAIL, use_case="broadcast")
    since = status_document(read_message(stack, message_id), 0, 0)["steps"][0]["times"]["queued"]
    lease_until = int(world.row(message_id)["steps"]["L"][0]["M"]["lease_until"]["N"])
    for now, words, said in (
        (lease_until - 1, "waiting for the provider's answer", False),
        (lease_until, "the provider has not answered", True),
    ):
        monkeypatch.setattr(commands, "_now", lambda now=now: now)
        text = run("explain", message_id).text
        assert f"step 0 sms: queued, 1 attempt, {words} since {since}\n" in text
        assert ("may have gone out" in text) is said


def test_a_throttled_step_is_explained_with_its_next_try(world, run, monkeypatch, stack) -> None:
    world.providers["email"].answers = [client_error("ThrottlingException")]
    message_id = started(world)
    monkeypatch.setattr(commands, "_now", lambda: world.now)
    text = run("explain", message_id).text
    assert "step 0 email: queued, 1 attempt, throttled or not reached, " in text
    row = read_message(stack, message_id)
    for due_at, words in (
        (world.now + 1000, f"next try at {iso(world.now + 1000)}"),
        (world.now, "to be tried again"),
        (None, "to be tried again"),
    ):
        known = row.with_step(0, replace(row.steps[0], due_at=due_at))
        (line,) = [line for line in explanation(known, world.now) if "step 0" in line]
        assert line.endswith(f"1 attempt, throttled or not reached, {words}")
    # A step that is not tried again any more waits for nothing.
    cancelled = replace(row, cancelled_at=world.now)
    assert not any("throttled" in line for line in explanation(cancelled, world.now))


def iso(at: int) -> str:
    moment = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")


def test_alternates_are_explained_by_what_they_stand_for(world, run) -> None:
    body = EMAIL | {"on_failure": {"invalid_address": "retry"}}
    message_id = started(world, body, SMS)
    assert "step 1 email, retry of step 0: queued" in run("explain", message_id).text
    world.normalize(ses("Delivery", message_id, 0))
    text = run("explain", message_id).text
    assert "step 1 email, retry of step 0: not needed\n" in text
    assert "step 3 sms: not needed\n" in text


def test_a_message_that_arrived_late_and_twice_is_explained(world, run) -> None:
    message_id = started(world)
    for queued in world.queued("timers"):
        world.now += 60_000
        world.fire(queued["body"])
    world.normalize(ses("Delivery", message_id, 0))
    world.normalize(
        {
            "eventType": "TEXT_DELIVERED",
            "isFinal": True,
            "messageId": "sms-1",
            "context": {"message_id": message_id, "step": "1"},
        }
    )
    text = run("explain", message_id).text
    assert f"{message_id} delivered, delivered late, delivered twice, created " in text
    assert "step 1 sms: delivered, started after a timeout, 1 attempt\n" in text


def test_a_failed_step_whose_successor_was_not_started_starts_it(world, die, run) -> None:
    message_id = started(world)
    world.normalize(ses("Bounce", message_id, 0))
    die("intake", {"message_id": message_id})
    assert "sends (it has failed, and what follows was not started)" in run("dead-letters").text


def test_a_resend_of_what_is_not_there_changes_nothing(world, die, run) -> None:
    message_id = world.accept(request())
    die("intake", {"message_id": message_id})
    answer = run("redrive", "--resend", "00000000-0000-4000-8000-000000000000")
    assert (answer.status, answer.text) == (2, "")
    assert "no dead letter of message 00000000-0000-4000-8000-000000000000" in answer.error
    assert "dead letters: 1 (1 sends)" in run("dead-letters").text


def test_only_what_is_named_is_discarded(world, die, run) -> None:
    broken, other = die("intake", "not json"), die("events", "not json either")
    listed = run("dead-letters").text
    assert f"[{broken}] 8 bytes" in listed
    assert f"[{other}] 15 bytes" in listed
    answer = run("discard", broken, "no-such-id")
    assert (answer.status, answer.text) == (2, "")
    assert "no-such-id: nothing discarded" in answer.error
    answer = run("discard", broken)
    assert answer.status == 0
    assert answer.text.startswith("discarded: intake ")
    assert "dead letters: 1 (1 unreadable)" in run("dead-letters").text


def test_outputs_may_have_the_names_of_the_component(stack, outputs, run) -> None:
    path = Path(outputs)
    names = {"events_stream": "stream_name", "events_topic_arn": "topic_arn"}
    renamed = {names.get(name, f"{name}_name"): value for name, value in stack.outputs.items()}
    assert set(renamed) <= set(FallbackMessaging.__annotations__)
    runbook = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text(encoding="utf-8")
    assert all(f'"{name}"' in runbook for name in renamed)
    path.write_text(json.dumps(renamed))
    assert run("dead-letters").text == "dead letters: 0\n"
    assert run("replay").status == 0


def test_all_missing_outputs_are_named_at_once(stack, outputs, run) -> None:
    kept = {"messages_table": "messages", "topic_arn": stack.outputs["events_topic_arn"]}
    Path(outputs).write_text(json.dumps(kept))
    answer = run("dead-letters")
    assert answer.status == 2
    missing = stack.outputs.keys() - {"messages_table", "events_topic_arn"}
    assert all(f"{name} (or " in answer.error for name in missing)
    assert "messages_table (or" not in answer.error


def test_a_deployment_on_this_machine_is_asked_there_without_credentials(
    stack, monkeypatch
) -> None:
    made = Stack({**stack.outputs, "aws_endpoint_url": "http://127.0.0.1:4566"})
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    for client in (made.sqs, made.kinesis, made.dynamodb):
        assert client.meta.endpoint_url == "http://127.0.0.1:4566"
        assert client._request_signer._credentials.access_key == "local"


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        (["ab", "a", "bc", "c", "d", ""], "abcd"),
        # It does not stay hidden: the list ends all the same.
        (["a"] * 100, "a"),
    ],
)
def test_a_list_goes_on_after_what_it_has_seen_before(stack, monkeypatch, answers, found) -> None:
    left = iter(enumerate(answers))

    def receive(**_: object) -> dict:
        number, ids = next(left)
        return {
            "Messages": [
                {"MessageId": id_, "Body": "{}", "ReceiptHandle": f"{id_}-{number}"} for id_ in ids
            ]
        }

    monkeypatch.setattr(stack.sqs, "receive_message", receive)
    letters = stack.letters("queue")
    assert "".join(letter.sqs_id for letter in letters) == found
    # Only the latest handle is sure to delete.
    last = {id_: f"{id_}-{number}" for number, ids in enumerate(answers[:6]) for id_ in ids}
    assert {letter.sqs_id: letter.receipt_handle for letter in letters} == last


def test_a_message_that_is_visible_again_is_no_error(stack, monkeypatch) -> None:
    def refuse(**_: object) -> None:
        error = {"Error": {"Code": "AWS.SimpleQueueService.MessageNotInflight", "Message": ""}}
        raise stack.sqs.exceptions.MessageNotInflight(error, "ChangeMessageVisibility")

    monkeypatch.setattr(stack.sqs, "change_message_visibility", refuse)
    stack.show_again(stack.queue_url("intake"), Letter("id", "{}", "handle", 0, 1))


def test_outputs_that_are_none_are_refused(tmp_path, capsys) -> None:
    path = tmp_path / "outputs.json"
    for text in ("[]", "{", '{"messages_table": "x"}'):
        path.write_text(text)
        assert main(["dead-letters", "--outputs", str(path)]) == 2
        assert capsys.readouterr().err.startswith("error: ")
