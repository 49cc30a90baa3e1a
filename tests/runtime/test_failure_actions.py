"""What a chain does after a failure, through the handlers."""

import json

from tests.support.events import sms, whatsapp
from tests.support.requests import EMAIL, SMS, WHATSAPP, request
from tests.support.runtime_world import client_error

TEMPLATE = {"name": "code", "language": {"code": "en"}}
TEXT = WHATSAPP | {"whatsapp": {"message": "The code is 123456.", "template": TEMPLATE}}


def start(world, *steps, **more) -> str:
    message_id = world.accept(request(*steps, **more))
    world.start(message_id)
    return message_id


def test_a_closed_window_is_repaired_by_the_template_before_the_chain_falls_back(world) -> None:
    message_id = start(world, TEXT, SMS)
    world.queued("timers")
    world.normalize(whatsapp("failed", wamid="wamid.A", echo=f"{message_id}:0", code=131047))
    (timer,) = world.queued("timers")
    assert (timer["body"]["step"], timer["delay"]) == (1, 0)
    world.fire(timer["body"], timer["body"])
    text, template = (json.loads(sent["message"]) for sent in world.providers["whatsapp"].requests)
    assert (text["type"], template["type"]) == ("text", "template")
    assert template["biz_opaque_callback_data"] == f"{message_id}:1"
    world.normalize(whatsapp("delivered", wamid="wamid.B", echo=f"{message_id}:1"))
    document = world.document(message_id)
    assert document["status"] == "delivered"
    assert document["fallback"] is None
    assert document["steps"][1]["only_after"] == ["window_closed"]
    assert not world.providers["sms"].requests
    assert not world.has_content(message_id)


def test_a_late_failure_of_the_text_changes_nothing_after_the_template(world) -> None:
    message_id = start(world, TEXT, SMS)
    failed = whatsapp("failed", wamid="wamid.A", echo=f"{message_id}:0", code=131047)
    world.normalize(failed)
    world.fire(*[timer["body"] for timer in world.queued("timers") if timer["body"]["step"] == 1])
    world.normalize(failed)
    assert not world.queued("timers")
    assert len(world.providers["whatsapp"].requests) == 2


def test_a_template_that_fails_too_falls_back(world) -> None:
    message_id = start(world, TEXT, SMS)
    world.normalize(whatsapp("failed", wamid="wamid.A", echo=f"{message_id}:0", code=131047))
    world.fire(*[timer["body"] for timer in world.queued("timers") if timer["body"]["step"] == 1])
    world.normalize(whatsapp("failed", wamid="wamid.B", echo=f"{message_id}:1", code=132001))
    (timer,) = world.queued("timers")
    world.fire(timer["body"])
    assert len(world.providers["sms"].requests) == 1
    assert world.document(message_id)["fallback"]["reason"] == "failure"


def test_a_retry_comes_after_its_delay_on_the_same_channel(world) -> None:
    message_id = start(world, SMS, EMAIL, on_failure={"unreachable": "retry"})
    world.queued("timers")
    world.normalize(sms("TEXT_UNREACHABLE", message_id, 0, final=True))
    (timer,) = world.queued("timers")
    assert timer["body"]["due_at"] == world.now + 5000
    world.now += 5000
    world.fire(timer["body"])
    first, second = world.providers["sms"].requests
    assert second["MessageBody"] == first["MessageBody"]
    assert second["Context"]["step"] == "1"
    assert (first["TimeToLive"], second["TimeToLive"]) == (60, 55)
    assert not world.providers["email"].requests


def test_a_rejection_by_the_api_is_acted_on_by_its_class_too(world) -> None:
    error = client_error("ConflictException", Reason="DESTINATION_PHONE_NUMBER_OPTED_OUT")
    world.providers["sms"].answers = [error]
    message_id = start(world, SMS, EMAIL, on_failure={"opted_out": "stop"})
    (timer,) = world.queued("timers")
    world.now += 60_000
    world.fire(timer["body"])
    assert not world.providers["email"].requests
    assert world.document(message_id)["status"] == "failed"
    assert not world.has_content(message_id)


def test_an_action_that_nobody_knows_is_refused(world) -> None:
    body = request(SMS, EMAIL | {"on_failure": {"blocked": "pray", "blokked": "stop"}})
    faults = {fault["pointer"]: fault["detail"] for fault in world.post(body).body["errors"]}
    assert faults == {
        "/fc/on_failure/blocked": "must be one of fall_back, retry, repair, stop",
        "/fc/on_failure/blokked": "is not known; the nearest known name is blocked",
    }
