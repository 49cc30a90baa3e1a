"""Every call that a channel can make, on the oldest botocore that Lambda may have.

The archive's own models of the providers' services make up for what that one lacks.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.archive import AWS_DATA_PATH, runtime_files
from runtime.channels import CHANNELS
from runtime.channels.channel import SendContext
from runtime.domain.plan import StepContent
from runtime.request_schema import SCHEMA_PATH, find_faults
from tests.service_models import api_models

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
REQUIREMENTS = HERE / "oldest-botocore.txt"
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
ENVIRONMENT = ROOT / ".venv-oldest"
# With the examples, all members of every channel's object: more than anybody would send at once.
MAXIMAL: list[dict[str, Any]] = [
    {
        "channel": "email",
        "sender": "shop@example.com",
        "recipient": "ann@example.org",
        "email": {
            "template": "welcome",
            "template_data": {"name": "Ann"},
            "reply_to": ["a@example.com", "b@example.com"],
            "cc": ["office@example.org"],
            "bcc": ["archive@example.com"],
            "headers": {"X-Parcel": "4711"},
            "attachments": [
                {
                    "file_name": "logo.png",
                    "content": "UGFrZXQgNDcxMQo=",
                    "content_type": "image/png",
                    "content_id": "logo",
                    "description": "Logo",
                }
            ],
            "list_management": {"contact_list_name": "customers", "topic_name": "parcels"},
            "tenant": "nord",
            "configuration_set": "own-set",
        },
    },
    {
        "channel": "sms",
        "sender": "+12065550100",
        "recipient": "+14255550156",
        "sms": {
            "message": "The code is 123456.",
            "message_type": "PROMOTIONAL",
            "time_to_live_seconds": 60,
            "max_price": "0.10",
            "protect_configuration_id": "protect-1",
            "country_parameters": {"entity_id": "1", "template_id": "2"},
            "configuration_set": "own-set",
        },
    },
    {
        "channel": "rcs",
        "sender": "rcs-0123456789abcdef0123456789abcdef",
        "recipient": "+14255550158",
        "rcs": {
            "message": "The code is 123456.",
            "message_traffic_type": "AUTHENTICATION",
            "time_to_live_seconds": 60,
            "max_price": "0.10",
            "protect_configuration_id": "protect-1",
            "configuration_set": "own-set",
        },
    },
    {
        "channel": "rcs",
        "sender": "rcs-0123456789abcdef0123456789abcdef",
        "recipient": "+14255550158",
        "rcs": {
            "file": {
                "url": "https://example.com/menu.pdf",
                "thumbnail_url": "https://example.com/menu.png",
            }
        },
    },
]


def bodies(steps: list[dict[str, Any]], channel: str) -> Iterator[dict[str, Any]]:
    return (step[channel] for step in steps if step["channel"] == channel)


@pytest.fixture(scope="module")
def steps() -> list[dict[str, Any]]:
    """Steps of every kind: those of the example requests, and the maximal ones."""
    found = list(MAXIMAL)
    for path in sorted((ROOT / "docs" / "requests").glob("*.json")):
        request = json.loads(path.read_text(encoding="utf-8"))
        further = request.get("fc", [])
        found += [request["pc"], *(further if isinstance(further, list) else [further])]
    return [{**step, "channel": step["channel"].lower()} for step in found]


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of an environment with the oldest botocore, made when it is missing."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    installed, python = ENVIRONMENT / ".installed", ENVIRONMENT / "bin" / "python"
    if not installed.exists() or installed.read_text() != digest:
        subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)
        command = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet")
        hashed = ("--require-hashes", "--requirement", REQUIREMENTS)
        subprocess.run([python, *command, *hashed], check=True)
        installed.write_text(digest)
    return python


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The functions' code, unpacked as Lambda does it."""
    folder = tmp_path_factory.mktemp("task")
    for name, path in runtime_files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(path.read_bytes())
    return folder


def calls(
    python: Path, archive: Path, steps: list[dict[str, Any]], data_path: Path | None
) -> list[dict[str, str]]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(archive),  # models of the user's own, in ~/.aws, are no part of Lambda
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
    }
    if data_path:
        environment["AWS_DATA_PATH"] = str(data_path)
    done = subprocess.run(
        [python, "-W", "ignore", "-B", HERE / "oldest_botocore.py", archive],
        input=json.dumps(steps),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_steps_have_every_member_that_a_request_can_have(steps: Any) -> None:
    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))["definitions"]
    for channel in ("email", "sms", "whatsapp", "rcs"):
        used = {name for body in bodies(steps, channel) for name in body}
        assert used == set(schema[channel]["properties"]), channel


def test_the_steps_are_valid(steps: Any) -> None:
    for step in steps:
        assert find_faults({"use_case": "broadcast", "pc": step, "fc": [step]}) == [], step


def test_every_call_is_there_and_takes_what_the_channels_say(
    python: Path, archive: Path, steps: Any
) -> None:
    made = calls(python, archive, steps, archive / Path(AWS_DATA_PATH).name)

    assert [call for call in made if call["fault"]] == []
    assert {call["operation"]: call["url"].split("/")[2] for call in made} == {
        "sesv2.send_email": "email.eu-west-1.amazonaws.com",
        "pinpoint-sms-voice-v2.send_text_message": "sms-voice.eu-west-1.amazonaws.com",
        "pinpoint-sms-voice-v2.send_media_message": "sms-voice.eu-west-1.amazonaws.com",
        "pinpoint-sms-voice-v2.send_rcs_message": "sms-voice.eu-west-1.amazonaws.com",
        "socialmessaging.send_whatsapp_message": "social-messaging.eu-west-1.amazonaws.com",
    }


def test_the_models_take_every_value_of_the_calls(steps: Any) -> None:
    # botocore checks names and types; choices, patterns and lengths it leaves to the service.
    for step in steps:
        channel = CHANNELS[step["channel"]]
        content = StepContent(
            step["channel"], step["sender"], step["recipient"], step[step["channel"]]
        )
        request = channel.build_request(content, CONTEXT)
        name = api_models.operation_of(channel.service, request.operation)
        assert api_models.faults(api_models.operation(name), request.parameters) == [], step


def test_without_the_models_of_the_archive_there_is_no_rcs(
    python: Path, archive: Path, steps: Any
) -> None:
    made = calls(python, archive, steps, None)

    faults = {call["operation"]: call["fault"] for call in made if call["fault"]}
    assert "send_rcs_message" in faults["pinpoint-sms-voice-v2.send_rcs_message"]


def test_a_folder_of_models_that_is_not_there_does_no_harm(
    python: Path, archive: Path, steps: Any
) -> None:
    # On one machine the functions run from another folder than Lambda's.
    (text,) = [step for step in MAXIMAL if step["channel"] == "sms"]

    (made,) = calls(python, archive, [text], Path("/there/is/no/such/folder"))

    assert made["fault"] == ""


def test_both_senders_are_pointed_at_the_models() -> None:
    folder = f"{Path(AWS_DATA_PATH).name}/"

    assert AWS_DATA_PATH.startswith("/var/task/")
    assert {name.split("/")[1] for name in runtime_files() if name.startswith(folder)} == {
        *("pinpoint-sms-voice-v2", "sesv2", "socialmessaging")
    }
