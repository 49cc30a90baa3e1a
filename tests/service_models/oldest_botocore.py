"""Makes every provider call of the steps on standard input; runs on the oldest botocore.

    python oldest_botocore.py ARCHIVE < steps.json

ARCHIVE is the unpacked code of the functions, and the only place that modules of the project come
from. Nothing is sent. Prints a JSON list with one object per step: operation, url and fault.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])

import botocore.httpsession

from runtime.channels import CHANNELS
from runtime.channels.channel import SendContext
from runtime.clients import send_client
from runtime.domain.plan import StepContent

CONTEXT = SendContext(
    message_id="4b2f6d0e-3d1a-4f6c-9a57-0d2f6f1c9f10",
    step=0,
    time_to_live_seconds=60,
    ses_configuration_set="ses-set",
    sms_configuration_set="sms-set",
    sms_max_price="0.05",
    meta_api_version="v24.0",
    whatsapp_phone_numbers={"+14255550157": "phone-number-id-" + "0" * 32},
)


class SentError(Exception):
    """A request has been built, checked and signed, and would now go out."""


def refuse(_session, request):
    raise SentError(request.url)


def call(step: dict) -> dict[str, str]:
    """Make the call of a step; return its operation, and where it goes or why it cannot."""
    made = {"operation": "", "url": "", "fault": ""}
    try:
        channel = CHANNELS[step["channel"]]
        content = StepContent(
            step["channel"], step["sender"], step["recipient"], step[step["channel"]]
        )
        request = channel.build_request(content, CONTEXT)
        made["operation"] = f"{channel.service}.{request.operation}"
        getattr(send_client(channel.service), request.operation)(**request.parameters)
    except SentError as sent:
        made["url"] = str(sent)
    except Exception as error:  # noqa: BLE001  whatever is wrong is the answer
        made["fault"] = f"{type(error).__name__}: {error}"
    return made


botocore.httpsession.URLLib3Session.send = refuse
json.dump([call(step) for step in json.load(sys.stdin)], sys.stdout)
