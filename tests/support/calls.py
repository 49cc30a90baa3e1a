"""What the deployed functions call, noted by themselves, as the permissions that it takes."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from local.deployment import Deployment, start_functions

RECORDER = Path(__file__).parent / "recorder"
TRANSACTION = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}
STATEMENTS = {"UPDATE": "PartiQLUpdate", "DELETE": "PartiQLDelete", "SELECT": "PartiQLSelect"}


@dataclass(frozen=True)
class Permission:
    """An action, and the end of the ARN that it is for: `table/messages`, `pool/p`, a queue."""

    action: str
    resource: str


def note_calls(deployment: Deployment, file: Path) -> None:
    """Have every deployed function note its calls in a file from now on."""
    client = deployment.cloud.client("lambda")
    names = [name for output, name in deployment.outputs.items() if output.endswith("_function")]
    for name in names:
        environment = client.get_function_configuration(FunctionName=name)["Environment"]
        noting = {"PYTHONPATH": str(RECORDER), "CALLS_FILE": str(file)}
        client.update_function_configuration(
            FunctionName=name, Environment={"Variables": {**environment["Variables"], **noting}}
        )
    # The change has ended their processes, and the first message should not wait for new ones.
    start_functions(deployment.cloud, names)


def permissions_allowed(deployment: Deployment, function: str) -> set[Permission]:
    """Return what the deployed role of a function allows, with whole ARNs."""
    lambda_, iam = deployment.cloud.client("lambda"), deployment.cloud.client("iam")
    role = lambda_.get_function_configuration(FunctionName=function)["Role"].rpartition("/")[2]
    documents = [
        iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    ]
    return {
        Permission(action, resource)
        for document in documents
        for statement in document["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
    }


def permissions_used(file: Path) -> dict[str, set[Permission]]:
    """Return by function what its noted calls take."""
    used: dict[str, set[Permission]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        call = json.loads(line)
        taken = permissions_of(call["service"], call["operation"], call["parameters"])
        used.setdefault(call["function"], set()).update(taken)
    return used


def permissions_of(service: str, operation: str, given: dict[str, Any]) -> Iterator[Permission]:
    """Yield what one call takes; raises KeyError for a service that is not known here."""
    return BY_SERVICE[service](operation, given)


def tables(operation: str, given: dict[str, Any]) -> Iterator[Permission]:
    if operation == "TransactWriteItems":
        for item in given["TransactItems"]:
            for kind, parameters in item.items():
                table = f"table/{parameters['TableName']}"
                yield Permission(f"dynamodb:{TRANSACTION[kind]}", table)
    elif operation == "BatchGetItem":
        for table in given["RequestItems"]:
            yield Permission("dynamodb:BatchGetItem", f"table/{table}")
    elif operation == "BatchExecuteStatement":
        for statement in given["Statements"]:
            found = re.match(r'(\w+)(?: FROM)? "([^"]+)"', statement["Statement"])
            assert found, statement
            yield Permission(f"dynamodb:{STATEMENTS[found[1]]}", f"table/{found[2]}")
    else:
        yield Permission(f"dynamodb:{operation}", f"table/{given['TableName']}")


def queues(operation: str, given: dict[str, Any]) -> Iterator[Permission]:
    # A batch is allowed by the action of a single message.
    action = operation.removesuffix("Batch")
    yield Permission(f"sqs:{action}", given["QueueUrl"].rpartition("/")[2])


def streams(operation: str, given: dict[str, Any]) -> Iterator[Permission]:
    yield Permission(f"kinesis:{operation}", f"stream/{given['StreamName']}")


def texts(operation: str, given: dict[str, Any]) -> Iterator[Permission]:
    yield Permission(f"sms-voice:{operation}", sender(given["OriginationIdentity"]))
    if "ConfigurationSetName" in given:
        named = f"configuration-set/{given['ConfigurationSetName']}"
        yield Permission(f"sms-voice:{operation}", named)


def chats(operation: str, given: dict[str, Any]) -> Iterator[Permission]:
    identity = given["originationPhoneNumberId"].removeprefix("phone-number-id-")
    yield Permission(f"social-messaging:{operation}", f"phone-number-id/{identity}")


def mail(operation: str, given: dict[str, Any]) -> Iterator[Permission]:
    template = given["Content"].get("Template")
    actions = [f"ses:{operation}", *(["ses:SendTemplatedEmail"] if template else [])]
    address = parseaddr(given["FromEmailAddress"])[1]
    resources = [f"identity/{address}"]
    if "ConfigurationSetName" in given:
        resources.append(f"configuration-set/{given['ConfigurationSetName']}")
    if template and "TemplateName" in template:
        resources.append(f"template/{template['TemplateName']}")
    yield from (Permission(action, resource) for action in actions for resource in resources)


def sender(identity: str) -> str:
    if identity.startswith("arn:"):
        return identity.split(":", 5)[5]
    for prefix, kind in (("pool-", "pool"), ("rcs-", "rcs-agent"), ("+", "phone-number")):
        if identity.startswith(prefix):
            return f"{kind}/{identity}"
    return f"sender-id/{identity}"


BY_SERVICE: dict[str, Callable[[str, dict[str, Any]], Iterator[Permission]]] = {
    "dynamodb": tables,
    "kinesis": streams,
    "pinpoint-sms-voice-v2": texts,
    "sesv2": mail,
    "socialmessaging": chats,
    "sqs": queues,
}
