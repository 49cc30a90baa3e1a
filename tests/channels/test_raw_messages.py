"""A raw WhatsApp message chooses neither its recipient nor what comes back with its events."""

import json

import pytest

from runtime.channels import CHANNELS
from runtime.channels.channel import SendContext
from runtime.domain.plan import StepContent

CONTEXT = SendContext(
    message_id="4b2f6d0e-3d1a-4f6c-9a57-0d2f6f1c9f10",
    step=2,
    time_to_live_seconds=None,
    ses_configuration_set="",
    sms_configuration_set="",
    sms_max_price="",
    meta_api_version="v24.0",
)


@pytest.mark.parametrize(
    "forged",
    [
        {"to": "+4917112345678"},
        {"recipient_type": "group"},
        {"biz_opaque_callback_data": "00000000-0000-4000-8000-000000000000:0"},
        {"messaging_product": "another"},
    ],
    ids=lambda forged: next(iter(forged)),
)
def test_a_raw_whatsapp_message_does_not_choose_its_recipient_or_echo(forged) -> None:
    raw = {"type": "text", "text": {"body": "x"}, **forged}
    content = StepContent("whatsapp", "phone-number-id-1", "+14255550157", {"raw": raw})
    request = CHANNELS["whatsapp"].build_request(content, CONTEXT)
    assert json.loads(request.parameters["message"]) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+14255550157",
        "biz_opaque_callback_data": f"{CONTEXT.message_id}:2",
        "type": "text",
        "text": {"body": "x"},
    }
