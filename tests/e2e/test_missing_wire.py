"""The local system gives nothing that the program did not declare."""

import time

from local.api_client import ApiClient
from local.deployment import running_deployment
from local.requests import chain, email, sms


def test_channel_without_event_destination_is_silent_as_on_aws() -> None:
    overrides = {"createSMSConfigSet": "false", "smsConfigSetName": ""}
    with running_deployment(overrides) as deployment:
        api = ApiClient(deployment.api_url, deployment.api_key)
        request = chain(sms("+14254147755"), email("success@simulator.amazonses.com"), wait=3)
        message_id = api.post(request).document["message_id"]
        deadline = time.monotonic() + 20
        while (document := api.status(message_id).document)["status"] != "delivered":
            assert time.monotonic() < deadline, document
            time.sleep(0.5)
    # The text went out, but nobody said so; the mail was delivered and reported.
    assert [step["status"] for step in document["steps"]] == ["accepted", "delivered"]
    assert document["fallback"]["reason"] == "timeout"
