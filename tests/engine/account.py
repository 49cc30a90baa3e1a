"""A made-up AWS account (and the provider `random`): what is in it, what it makes, what it refuses.

No rule here is the project's own: each is the provider's or AWS's, for the types that are in use.
"""

import base64
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ACCOUNT_ID", "REPLACED_BY", "Account", "RefusedError", "replaced_by"]

ACCOUNT_ID = "123456789012"

# The inputs whose change the provider answers with a new resource ("Forces new resource" in its
# documentation, RequiresReplace or ForceNew in its source). Every AWS type has `region` besides.
REPLACED_BY: Mapping[str, frozenset[str]] = {
    token: frozenset(inputs.split())
    for token, inputs in {
        "aws:apigateway/account:Account": "",
        "aws:apigateway/apiKey:ApiKey": "value",
        "aws:apigateway/deployment:Deployment": "restApi triggers variables",
        "aws:apigateway/integration:Integration": "restApi resourceId httpMethod type "
        "integrationHttpMethod credentials passthroughBehavior",
        "aws:apigateway/method:Method": "restApi resourceId httpMethod",
        "aws:apigateway/methodSettings:MethodSettings": "restApi stageName methodPath",
        "aws:apigateway/resource:Resource": "restApi",
        "aws:apigateway/response:Response": "restApiId responseType",
        "aws:apigateway/restApi:RestApi": "",
        "aws:apigateway/restApiPolicy:RestApiPolicy": "restApiId",
        "aws:apigateway/stage:Stage": "restApi stageName",
        "aws:apigateway/usagePlan:UsagePlan": "",
        "aws:apigateway/usagePlanKey:UsagePlanKey": "keyId keyType usagePlanId",
        "aws:cloudwatch/dashboard:Dashboard": "dashboardName",
        "aws:cloudwatch/eventBus:EventBus": "name eventSourceName",
        "aws:cloudwatch/eventRule:EventRule": "name namePrefix eventBusName",
        "aws:cloudwatch/eventTarget:EventTarget": "rule targetId eventBusName",
        "aws:cloudwatch/logGroup:LogGroup": "name namePrefix logGroupClass",
        "aws:cloudwatch/metricAlarm:MetricAlarm": "name",
        "aws:cloudwatch/queryDefinition:QueryDefinition": "",
        "aws:dynamodb/table:Table": "name hashKey rangeKey localSecondaryIndexes importTable",
        "aws:ec2/securityGroup:SecurityGroup": "name namePrefix description vpcId",
        "aws:ec2/subnet:Subnet": "vpcId cidrBlock availabilityZone availabilityZoneId",
        "aws:iam/role:Role": "name namePrefix path",
        "aws:iam/rolePolicy:RolePolicy": "name namePrefix role",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "role policyArn",
        "aws:kinesis/stream:Stream": "name",
        "aws:kms/alias:Alias": "name namePrefix",
        "aws:kms/key:Key": "customerMasterKeySpec keyUsage multiRegion customKeyStoreId xksKeyId",
        "aws:lambda/eventSourceMapping:EventSourceMapping": "eventSourceArn startingPosition "
        "startingPositionTimestamp topics queues selfManagedEventSource",
        "aws:lambda/function:Function": "name packageType",
        "aws:lambda/functionRecursionConfig:FunctionRecursionConfig": "functionName",
        "aws:lambda/permission:Permission": "action eventSourceToken function functionUrlAuthType "
        "principal principalOrgId qualifier sourceAccount sourceArn statementId statementIdPrefix",
        "aws:pinpoint/smsvoicev2ConfigurationSet:Smsvoicev2ConfigurationSet": "name",
        "aws:pinpoint/smsvoicev2EventDestination:Smsvoicev2EventDestination": (
            "configurationSetName eventDestinationName"
        ),
        "aws:secretsmanager/secret:Secret": "name namePrefix",
        "aws:secretsmanager/secretVersion:SecretVersion": "secretId secretString secretBinary",
        "aws:sesv2/configurationSet:ConfigurationSet": "configurationSetName",
        "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination": (
            "configurationSetName eventDestinationName"
        ),
        "aws:sns/topic:Topic": "name namePrefix fifoTopic",
        "aws:sns/topicPolicy:TopicPolicy": "arn",
        "aws:sns/topicSubscription:TopicSubscription": "topic protocol endpoint",
        "aws:sqs/queue:Queue": "name namePrefix fifoQueue",
        "aws:sqs/queuePolicy:QueuePolicy": "queueUrl",
        "aws:ssm/parameter:Parameter": "name",
        "aws:wafv2/webAcl:WebAcl": "name namePrefix scope",
        "aws:wafv2/webAclAssociation:WebAclAssociation": "resourceArn webAclArn",
        "random:index/randomBytes:RandomBytes": "length keepers",
    }.items()
}
# What there can be only one of, in an account and Region. Some of these calls overwrite instead of
# refusing (alarms, dashboards, policies): that is worse, so it is refused here too.
_ONE_OF = {
    "aws:apigateway/method:Method": ("restApi", "resourceId", "httpMethod"),
    "aws:apigateway/resource:Resource": ("restApi", "parentId", "pathPart"),
    "aws:apigateway/stage:Stage": ("restApi", "stageName"),
    "aws:apigateway/usagePlanKey:UsagePlanKey": ("usagePlanId", "keyId"),
    "aws:cloudwatch/dashboard:Dashboard": ("dashboardName",),
    "aws:cloudwatch/eventBus:EventBus": ("name",),
    "aws:cloudwatch/eventRule:EventRule": ("eventBusName", "name"),
    "aws:cloudwatch/logGroup:LogGroup": ("name",),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ("name",),
    "aws:dynamodb/table:Table": ("name",),
    "aws:iam/role:Role": ("name",),
    "aws:iam/rolePolicy:RolePolicy": ("role", "name"),
    "aws:kinesis/stream:Stream": ("name",),
    "aws:kms/alias:Alias": ("name",),
    "aws:lambda/eventSourceMapping:EventSourceMapping": ("functionName", "eventSourceArn"),
    "aws:lambda/function:Function": ("name",),
    "aws:pinpoint/smsvoicev2ConfigurationSet:Smsvoicev2ConfigurationSet": ("name",),
    "aws:pinpoint/smsvoicev2EventDestination:Smsvoicev2EventDestination": (
        *("configurationSetName", "eventDestinationName"),
    ),
    "aws:secretsmanager/secret:Secret": ("name",),
    "aws:sesv2/configurationSet:ConfigurationSet": ("configurationSetName",),
    "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination": (
        *("configurationSetName", "eventDestinationName"),
    ),
    "aws:sns/topic:Topic": ("name",),
    "aws:sqs/queue:Queue": ("name",),
    "aws:ssm/parameter:Parameter": ("name",),
    "aws:wafv2/webAcl:WebAcl": ("scope", "name"),
}
# The services of these have no Regions.
_GLOBAL = {
    "aws:cloudwatch/dashboard:Dashboard",
    "aws:iam/role:Role",
    "aws:iam/rolePolicy:RolePolicy",
}
_LONGEST_NAME = {
    "aws:iam/role:Role": 64,
    "aws:lambda/function:Function": 64,
    "aws:sqs/queue:Queue": 80,
    "aws:kinesis/stream:Stream": 128,
    "aws:wafv2/webAcl:WebAcl": 128,
}
_SERVICES = {"cloudwatch/logGroup": "logs", "pinpoint": "sms-voice", "sesv2": "ses"}
_ARN_FORMS = {
    "aws:apigateway/restApi:RestApi": "arn:aws:apigateway:{region}::/restapis/{id}",
    "aws:cloudwatch/dashboard:Dashboard": "arn:aws:cloudwatch::{account}:dashboard/{name}",
    "aws:cloudwatch/eventBus:EventBus": "arn:aws:events:{region}:{account}:event-bus/{name}",
    "aws:cloudwatch/eventRule:EventRule": "arn:aws:events:{region}:{account}:rule/{name}",
    "aws:cloudwatch/logGroup:LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
    "aws:dynamodb/table:Table": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "aws:iam/role:Role": "arn:aws:iam::{account}:role/{name}",
    "aws:kinesis/stream:Stream": "arn:aws:kinesis:{region}:{account}:stream/{name}",
    "aws:kms/key:Key": "arn:aws:kms:{region}:{account}:key/{id}",
    "aws:lambda/function:Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "aws:wafv2/webAcl:WebAcl": "arn:aws:wafv2:{region}:{account}:regional/webacl/{name}/{id}",
}
# These are their names; others get an id.
_NAMED_BY_ID = {
    *("cloudwatch/logGroup", "cloudwatch/metricAlarm", "dynamodb/table", "iam/role"),
    *("lambda/function", "pinpoint/smsvoicev2ConfigurationSet"),
}


class RefusedError(Exception):
    """AWS would refuse it."""


def replaced_by(token: str) -> frozenset[str]:
    """Return the inputs of a type whose change replaces. Raises RefusedError if it is unknown."""
    if token not in REPLACED_BY:
        raise RefusedError(
            f"{token}: tests/engine/account.py does not say which of its inputs force a new "
            f"resource; add it from the provider's documentation"
        )
    return REPLACED_BY[token] | {"region"}


@dataclass
class Account:
    """The resources of one account, by type and id, and every secret that AWS has made for them.

    `calls` are what the provider was asked, as (call, type, name in the program).
    """

    region: str = "us-east-1"
    resources: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    # Keys that wait for their deletion: nothing that they have encrypted can be read any more.
    keys_pending_deletion: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def create(self, token: str, name: str, inputs: Mapping[str, Any]) -> tuple[str, dict]:
        """Return the new resource's id and what AWS has made of it. Raises RefusedError."""
        with self.lock:
            self._refuse_a_second(token, inputs)
            given = inputs.get("name")
            if isinstance(given, str) and len(given) > _LONGEST_NAME.get(token, 1024):
                raise RefusedError(f"{token}: the name {given} is too long")
            service = token.partition(":")[2].rpartition(":")[0]
            if service in _NAMED_BY_ID:
                id_ = str(given)
            elif service == "sqs/queue":
                id_ = self._url(str(given))
            else:
                id_ = f"{name[-20:]}-{secrets.token_hex(5)}"
            made = self._made(token, inputs, id_)
            self.resources[token, id_] = {**inputs, **made}
            return id_, made

    def update(self, token: str, id_: str, inputs: Mapping[str, Any]) -> None:
        """Change a resource. Raises RefusedError if it is not there."""
        with self.lock:
            if (token, id_) not in self.resources:
                raise RefusedError(f"{token} {id_} does not exist")
            self.resources[token, id_].update(inputs)

    def delete(self, token: str, id_: str) -> None:
        """Delete a resource, which may be gone already. Raises RefusedError if it is protected."""
        with self.lock:
            found = self.resources.get((token, id_), {})
            if found.get("deletionProtectionEnabled"):
                raise RefusedError(f"{token} {id_} is protected against deletion")
            if token == "aws:kms/key:Key":
                self.keys_pending_deletion.add(id_)
            self.resources.pop((token, id_), None)

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Return the resources of a kind, the last part of their type."""
        return [found for (token, _), found in self.resources.items() if token.endswith(f":{kind}")]

    def _refuse_a_second(self, token: str, inputs: Mapping[str, Any]) -> None:
        keys = _ONE_OF.get(token, ())
        place = () if token in _GLOBAL else (self.region,)
        same = [inputs.get(key) for key in keys]
        for (other_token, _), other in self.resources.items():
            other_place = () if token in _GLOBAL else (other.get("region"),)
            if (
                keys
                and token == other_token
                and place == other_place
                and same == [other.get(key) for key in keys]
            ):
                raise RefusedError(f"{token}: {' '.join(map(str, same))} exists already")

    def _made(self, token: str, inputs: Mapping[str, Any], id_: str) -> dict[str, Any]:
        if token.startswith("random:"):
            return self._random(inputs)
        service = token.split(":")[1]
        service = _SERVICES.get(service) or _SERVICES.get(
            service.split("/")[0], service.split("/")[0]
        )
        known = inputs.get("name") or inputs.get("configurationSetName") or id_
        form = _ARN_FORMS.get(token, f"arn:aws:{service}:{{region}}:{{account}}:{{name}}")
        arn = form.format(region=self.region, account=ACCOUNT_ID, name=known, id=id_)
        if token == "aws:apigateway/stage:Stage":
            api = f"{inputs.get('restApi')}/stages/{inputs.get('stageName')}"
            arn = f"arn:aws:apigateway:{self.region}::/restapis/{api}"
        lambda_path = f"arn:aws:apigateway:{self.region}:lambda:path/2015-03-31/functions"
        return {
            "arn": arn,
            "dashboardArn": arn,
            "region": self.region,
            "url": self._url(str(known)),
            "invokeArn": f"{lambda_path}/{arn}/invocations",
            "invokeUrl": f"https://{id_}.execute-api.{self.region}.amazonaws.com/v1",
            "executionArn": f"arn:aws:execute-api:{self.region}:{ACCOUNT_ID}:{id_}",
            "rootResourceId": f"{id_}-root",
            "streamArn": f"{arn}/stream/2027-01-15T08:00:00.000",
            "value": self._key_value(token, inputs),
            "keyId": id_,
            "uniqueId": id_,
            "uuid": id_,
            "version": "1",
            "qualifiedArn": f"{arn}:1",
            "qualifiedInvokeArn": f"{lambda_path}/{arn}:1/invocations",
            "tagsAll": inputs.get("tags") or {},
        }

    def _key_value(self, token: str, inputs: Mapping[str, Any]) -> str:
        if token == "aws:apigateway/usagePlanKey:UsagePlanKey":
            # AWS answers with the key itself.
            key = self.resources.get(("aws:apigateway/apiKey:ApiKey", str(inputs["keyId"])), {})
            return str(key.get("value"))
        if token != "aws:apigateway/apiKey:ApiKey":
            return ""
        value = secrets.token_hex(20)
        self.secrets.add(value)
        return value

    def _random(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        value = secrets.token_bytes(int(inputs.get("length") or 32))
        made = {
            "base64": base64.b64encode(value).decode(),
            "hex": value.hex(),
            "result": base64.urlsafe_b64encode(value).decode()[: len(value)],
        }
        self.secrets.update(made.values())
        return made

    def _url(self, name: str) -> str:
        return f"https://sqs.{self.region}.amazonaws.com/{ACCOUNT_ID}/{name}"
