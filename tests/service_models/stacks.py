"""The stacks whose every input is checked, recorded with the names and ARNs of real resources."""

import json
import runpy
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from pulumi.runtime.mocks import MockResourceArgs

from infra.settings import PARAMETERS
from local.recording import ACCOUNT_ID, Recorded, Recording, record
from tests.service_models.table import ROWS

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "fallback-messaging"
REGION = "eu-west-1"
HOME = f"{REGION}:{ACCOUNT_ID}"
# What the engine appends to a name that the program does not give.
SUFFIX = "-0a1b2c3"

# What the table of parameters does not say: values of texts and lists, and of numbers that another
# parameter bounds.
ON: dict[str, Any] = {
    "CdkBackendStack": "F" * 27,
    # With the four of config.params.json as many as AWS allows. The schema of streams stops at 255
    # characters, the API at 256.
    "tags": {f"tag {number:02}": "v" * 255 for number in range(46)},
    "authorization": "API_KEY",
    "apiClients": ["c" * 31, *(f"client-{number}" for number in range(4))],
    "apiBaseUrl": "https://messages.example.com/v1",
    "allowedCidrs": ["203.0.113.0/24", "2001:db8::/32"],
    "allowedSenders": ["@example.com", "+12065550100"],
    "allowedCountryPrefixes": ["+49", "+1"],
    "streamMode": "PROVISIONED",
    "sesConfigSetName": "s" * 64,
    "sesIdentities": ["example.com", "shop@example.org"],
    "smsConfigSetName": "t" * 64,
    "smsOriginationIdentities": [
        f"arn:aws:sms-voice:{HOME}:{identity}"
        for identity in ("phone-number/n-1", "pool/p-1", "sender-id/ME/DE", "rcs-agent/r-1")
    ],
    "smsMaxPrice": "99.99999",
    "whatsAppBusinessAccountIds": ["waba-" + "0" * 32],
    "whatsAppPhoneNumberIds": ["phone-number-id-" + "0" * 32],
    "whatsAppPhoneNumbers": {"+12065550100": "phone-number-id-" + "0" * 32},
    "alarmEmail": "ops@company.test",
    "subnetIds": ["subnet-0123456789abcdef0"],
    "securityGroupIds": ["sg-0123456789abcdef0"],
}
ADOPTED: dict[str, Any] = {
    "CdkBackendStack": "F",
    "authorization": "IAM",
    "apiClients": [],
    "kmsKeyArn": f"arn:aws:kms:{HOME}:key/11111111-2222-3333-4444-555555555555",
    "eventsTopicArn": f"arn:aws:sns:{HOME}:events",
    "alarmTopicArn": f"arn:aws:sns:{HOME}:alarms",
    "powertoolsLayerArn": f"arn:aws:lambda:{HOME}:layer:mine:3",
    "sesConfigSetName": "ses-set",
    "smsConfigSetName": "sms-set",
    "streamMode": "ON_DEMAND",
    # At least a day above what its queues and its stream keep.
    "retentionDays": 15,
}
STACKS: dict[str, Callable[[], dict[str, Any]]] = {
    "dev": dict,
    "staging": dict,
    "prod": dict,
    "largest": lambda: _extremes(largest=True) | ON,
    "smallest": lambda: _extremes(largest=False) | ADOPTED,
}


def _extremes(*, largest: bool) -> dict[str, Any]:
    """Return every number at its bound and every switch on, or off."""
    found: dict[str, Any] = {}
    for parameter in PARAMETERS.values():
        if parameter.kind == "boolean":
            found[parameter.name] = largest
        elif parameter.kind == "integer" and parameter.choices:
            found[parameter.name] = parameter.choices[-1 if largest else 0]
        elif parameter.kind == "integer":
            found[parameter.name] = parameter.maximum if largest else parameter.minimum
    return found


class RealRecording(Recording):
    """Answers with names and ARNs as AWS's own look, in place of short ones."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        resource_id, outputs = super().new_resource(args)
        row = ROWS.get(args.typ)
        name = args.inputs.get("name", f"{args.name}{SUFFIX}")
        outputs["name"] = name
        if row and row.arn:
            outputs["arn"] = row.arn.format(region=self.region, account=ACCOUNT_ID, name=name)
        return resource_id, outputs


@cache
def recorded(stack: str) -> list[Recorded]:
    """Return the resources of one of STACKS, without its components."""
    recording = RealRecording(region=REGION)
    config = {
        f"{PROJECT}:{name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in STACKS[stack]().items()
    }
    record(
        recording,
        lambda: runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__"),
        project=PROJECT,
        stack=stack,
        config=config,
    )
    ours = [each for each in recording.resources if not each.is_component]
    # What the provider random makes is in the state only: no service is asked for it.
    return [each for each in ours if not each.type.startswith(("pulumi:", "random:"))]
