"""Which refusals of a provider lie with the recipient for good, so that no retry can help."""

from runtime.channels import CHANNELS
from runtime.domain.status import FailureClass
from tests.support.requests import EMAIL, RCS, SMS, WHATSAPP, request
from tests.support.runtime_world import client_error

FOR_GOOD = {
    FailureClass.INVALID_ADDRESS,
    FailureClass.OPTED_OUT,
    FailureClass.SUPPRESSED,
    FailureClass.BLOCKED,
}
STEPS = {"email": EMAIL, "sms": SMS, "whatsapp": WHATSAPP, "rcs": RCS}


def refusal(code: str):
    code, _, reason = code.partition("/")
    return client_error(code, **({"Reason": reason} if reason else {}))


def test_every_refusal_says_whether_it_is_for_good_and_only_what_passes_is_tried_again(
    world,
) -> None:
    seen = set()
    for name, channel in CHANNELS.items():
        for code, failure_class in channel.rejections.items():
            if (name, failure_class) in seen:
                continue
            seen.add((name, failure_class))
            provider = world.providers["sms" if name == "rcs" else name]
            provider.answers = [refusal(code)]
            retried = {failure_class.value: "retry"}
            message_id = world.accept(request(STEPS[name], EMAIL, on_failure=retried))
            world.start(message_id)
            failure = world.document(message_id)["steps"][0]["failure"]
            lasts = failure_class in FOR_GOOD
            assert failure["class"] == failure_class
            assert failure["permanent"] is (True if lasts else None), (name, code)
            # Two retries stand between the first step and the second.
            (timer,) = [
                t for t in world.queued("timers") if t["body"]["due_at"] < world.now + 60_000
            ]
            assert timer["body"]["step"] == (3 if lasts else 1), (name, code)
    assert {failure_class for _, failure_class in seen} & FOR_GOOD
