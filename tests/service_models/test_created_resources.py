"""Every input of every resource is what AWS takes: by its services' models and CloudFormation's."""

import copy
import dataclasses
from typing import Any

import pytest

from local.recording import Recorded
from tests.service_models.checking import (
    api_faults,
    cloudformation_faults,
    requests,
    without_row,
)
from tests.service_models.stacks import STACKS, recorded
from tests.service_models.table import ROWS

LAMBDA = "aws:lambda/function:Function"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
PERMISSION = "aws:lambda/permission:Permission"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
QUEUE = "aws:sqs/queue:Queue"
TOPIC = "aws:sns/topic:Topic"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
STREAM = "aws:kinesis/stream:Stream"
TABLE = "aws:dynamodb/table:Table"
ROLE = "aws:iam/role:Role"
WEB_ACL = "aws:wafv2/webAcl:WebAcl"
USAGE_PLAN = "aws:apigateway/usagePlan:UsagePlan"
SES_SET = "aws:sesv2/configurationSet:ConfigurationSet"
SES_EVENTS = "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination"
SMS_SET = "aws:pinpoint/smsvoicev2ConfigurationSet:Smsvoicev2ConfigurationSet"
SMS_EVENTS = "aws:pinpoint/smsvoicev2EventDestination:Smsvoicev2EventDestination"
WHATSAPP_EVENTS = "pulumi-python:dynamic/whatsapp:EventDestination"


@pytest.mark.parametrize("stack", STACKS)
def test_the_table_has_a_row_for_every_type(stack: str) -> None:
    assert without_row(recorded(stack)) == set()


def test_a_type_without_a_row_is_noticed() -> None:
    assert without_row([Recorded("aws:s3/bucket:Bucket", "b", {})]) == {"aws:s3/bucket:Bucket"}


def test_every_row_is_of_a_type_that_is_created() -> None:
    created = {resource.type for stack in STACKS for resource in recorded(stack)}

    assert set(ROWS) == created


def test_a_row_without_a_description_says_why() -> None:
    for row in ROWS.values():
        assert bool(row.calls) != bool(row.no_call), row.type
        assert bool(row.cloudformation) != bool(row.no_cloudformation), row.type


@pytest.mark.parametrize("stack", STACKS)
def test_the_models_of_the_services_take_every_call(stack: str) -> None:
    resources = recorded(stack)

    assert api_faults(resources) == []
    called = {each.resource for resource in resources for each in requests(resource)}
    assert called == {each.name for each in resources if ROWS[each.type].calls}


@pytest.mark.parametrize("stack", STACKS)
def test_the_schemas_of_cloudformation_take_every_resource(stack: str) -> None:
    assert cloudformation_faults(recorded(stack)) == []


@dataclasses.dataclass(frozen=True)
class Defect:
    """A wrong input of one resource, and a word of what each description says of it."""

    type: str
    path: str
    value: Any
    api: str = ""
    cloudformation: str = ""


MISSING = object()
DEFECTS = [
    # A choice that there is not.
    Defect(LAMBDA, "runtime", "python2.14", "none of its choices", "E3030 Runtime"),
    Defect(LAMBDA, "architectures", ["arm"], "none of its choices", "Architectures"),
    Defect(MAPPING, "functionResponseTypes", ["All"], "none of its choices", "E3030"),
    Defect(ALARM, "comparisonOperator", "MoreThan", "none of its choices", "E3030"),
    Defect(STREAM, "streamModeDetails.streamMode", "DEMAND", "none of its choices", "E3030"),
    Defect(TABLE, "attributes.0.type", "T", "none of its choices", "E3030"),
    Defect(TABLE, "billingMode", "PAY", "none of its choices", "E3030"),
    Defect(USAGE_PLAN, "quotaSettings.period", "YEAR", "none of its choices"),
    Defect(WEB_ACL, "scope", "GLOBAL", "none of its choices", "E3030"),
    Defect(SES_EVENTS, "eventDestination.matchingEventTypes", ["OPENED"], "none of its choices"),
    Defect(SMS_EVENTS, "matchingEventTypes", ["SOME"], "none of its choices"),
    # Too long.
    Defect(ROLE, "name", "r" * 65, "length 65 is above 64", "E3033"),
    Defect(LAMBDA, "name", "f" * 141, "length 141 is above 140", "E3031"),
    Defect(SMS_SET, "name", "s" * 65, "length 65 is above 64", "E3033"),
    Defect(LOG_GROUP, "name", "g" * 513, "length 513 is above 512", "E3033"),
    Defect("aws:kms/key:Key", "description", "d" * 8193, "length 8193 is above 8192", "E3033"),
    # Out of its range.
    Defect(LAMBDA, "timeout", 901, "", "E3717 Timeout"),
    Defect(LAMBDA, "memorySize", 64, "valid min value: 128", "E3034"),
    Defect(MAPPING, "batchSize", 10_001, "10001 is above 10000", "E3034"),
    Defect(MAPPING, "scalingConfig.maximumConcurrency", 1, "valid min value: 2", "E3034"),
    Defect(QUEUE, "messageRetentionSeconds", 1_209_601, "", "E3034"),
    Defect(QUEUE, "visibilityTimeoutSeconds", 43_201, "", "E3034"),
    Defect(LOG_GROUP, "retentionInDays", 31, "", "E3030 RetentionInDays"),
    Defect(
        WEB_ACL, "rules.0.statement.rateBasedStatement.limit", 9, "valid min value: 10", "E3034"
    ),
    # What does not match its pattern.
    Defect(SMS_SET, "name", "two words", "does not match", "E3031"),
    Defect(ROLE, "name", "a role", "does not match", "E3031"),
    Defect(LAMBDA, "role", "role/r", "does not match", "E"),
    Defect(WHATSAPP_EVENTS, "topic_arn", "a topic", "does not match"),
    # Missing.
    Defect(
        PERMISSION,
        "principal",
        MISSING,
        'Missing required parameter in input: "Principal"',
        "E3003",
    ),
    Defect(MAPPING, "functionName", MISSING, "FunctionName", "E3003"),
    Defect(ROLE, "assumeRolePolicy", MISSING, "AssumeRolePolicyDocument", "E3003"),
    Defect(SUBSCRIPTION, "protocol", MISSING, "Protocol", "E3003"),
    # Unknown.
    Defect(QUEUE, "delay", 3, "no member for the input delay", "no property for the input delay"),
    Defect(TOPIC, "kmsKey", "k", "no member for the input kmsKey", "E3002"),
    Defect(LAMBDA, "tracingConfig.level", "All", "tracingConfig.level", "E3002"),
    # Of the wrong type.
    Defect(STREAM, "shardCount", "one", "Invalid type for parameter ShardCount", "E3012"),
    Defect(MAPPING, "bisectBatchOnFunctionError", "often", "Invalid type", "E3012"),
    Defect(SES_SET, "sendingOptions.sendingEnabled", "maybe", "Invalid type", "E3012"),
]


def planted(defect: Defect) -> Recorded:
    """Return a resource of the largest stack with the defect in it."""
    *outer, last = defect.path.split(".")
    for resource in recorded("largest"):
        if resource.type != defect.type:
            continue
        inputs = copy.deepcopy(resource.inputs)
        inside: Any = inputs
        for step in outer:
            inside = inside[int(step)] if isinstance(inside, list) else inside.get(step)
            if inside is None:
                break
        if inside is None or (defect.value is MISSING and last not in inside):
            continue
        if defect.value is MISSING:
            del inside[last]
        else:
            inside[last] = defect.value
        return dataclasses.replace(resource, inputs=inputs)
    raise LookupError(f"no {defect.type} has {defect.path}")


@pytest.fixture(scope="module")
def schema_faults() -> list[list[str]]:
    """What CloudFormation's schemas say of each defect; in one template, which takes seconds."""
    resources = [
        dataclasses.replace(planted(defect), name=f"defect-{number:03}")
        for number, defect in enumerate(DEFECTS)
    ]
    faults = cloudformation_faults(resources)
    return [[fault for fault in faults if fault.startswith(f"{each.name} ")] for each in resources]


@pytest.mark.parametrize(
    ("number", "defect"),
    list(enumerate(DEFECTS)),
    ids=[f"{defect.type.rpartition(':')[2]}.{defect.path}" for defect in DEFECTS],
)
def test_a_planted_defect_is_found(
    schema_faults: list[list[str]], number: int, defect: Defect
) -> None:
    api, cloudformation = api_faults([planted(defect)]), schema_faults[number]

    # Nothing, where a description does not say it: that is why there are two.
    assert any(defect.api in fault for fault in api) if defect.api else api == []
    assert (
        any(defect.cloudformation in fault for fault in cloudformation)
        if defect.cloudformation
        else cloudformation == []
    )
    assert api + cloudformation
