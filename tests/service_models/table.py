"""Which operation and which CloudFormation type each Pulumi type of the program stands for.

A type that the program creates and that has no row here fails the tests. What the provider names as
AWS does, but for letter case and number, needs no entry.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.service_models.renaming import Renames


@dataclass(frozen=True)
class Call:
    """One call that creates a resource or a part of it.

    `inputs` are what it takes, where others take the rest. `own` is what it has besides: how it
    names the resource, and what is always the same.
    """

    operation: str
    renames: Renames = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    own: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A Pulumi type. Where it has no call or no CloudFormation type of its own, the row says why.

    `part` is one that CloudFormation has as a property of `cloudformation`, another row's type.
    `name` is the input that the engine makes a name for, if the program gives none.
    """

    type: str
    calls: tuple[Call, ...] = ()
    cloudformation: str = ""
    renames: Renames = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)
    part: bool = False
    name: str = ""
    arn: str = ""
    no_call: str = ""
    no_cloudformation: str = ""


def _dropped(_value: object) -> dict[str, Any]:
    return {}


def _attributes(*names: str) -> Renames:
    """Return renames into the one map of texts that SQS and SNS take."""

    def set_to(name: str) -> Any:
        def attribute(value: Any) -> dict[str, Any]:
            number = isinstance(value, float) and value.is_integer()
            text = str(int(value)) if number else str(value)
            return {"Attributes": {name: text.lower() if isinstance(value, bool) else text}}

        return attribute

    return {name[0].lower() + name[1:]: set_to(name) for name in names}


_HASH_KEY: Renames = {
    "attributes": lambda attributes: {
        "AttributeDefinitions": [
            {"AttributeName": each["name"], "AttributeType": each["type"]} for each in attributes
        ]
    },
    "hashKey": lambda name: {"KeySchema": [{"AttributeName": name, "KeyType": "HASH"}]},
}


def _by_key(arn: str) -> dict[str, Any]:
    # The provider says the type, which is always the same.
    return {"KMSMasterKeyId": arn, "SSEType": "KMS"}


_QUERIES = {
    "metricQueries": "Metrics",
    "metricQueries.metric.namespace": "Metric.Namespace",
    "metricQueries.metric.metricName": "Metric.MetricName",
    "metricQueries.metric.dimensions": "Metric.Dimensions",
    "metricQueries.metric": "MetricStat",
}
_PATCH = "a list of patches, whose values the model does not describe"
_PART_OF = "a part of {}, which has a row"
_ROOT = "arn:aws:{}:{{region}}:{{account}}:{}"
_TABLE_NAME = {"TableName": "{name}"}

_ALL = (
    Row(
        "aws:apigateway/account:Account",
        no_call=_PATCH,
        cloudformation="AWS::ApiGateway::Account",
    ),
    Row(
        "aws:apigateway/apiKey:ApiKey",
        (Call("apigateway.CreateApiKey"),),
        "AWS::ApiGateway::ApiKey",
        name="name",
    ),
    Row(
        "aws:apigateway/deployment:Deployment",
        (Call("apigateway.CreateDeployment", {"restApi": "restApiId", "triggers": _dropped}),),
        "AWS::ApiGateway::Deployment",
        {"restApi": "RestApiId", "triggers": _dropped},
    ),
    Row(
        "aws:apigateway/integration:Integration",
        (
            Call(
                "apigateway.PutIntegration",
                {"restApi": "restApiId"},
            ),
        ),
        "AWS::ApiGateway::Method",
        {
            "restApi": "RestApiId",
            "type": "Integration.Type",
            "integrationHttpMethod": "Integration.IntegrationHttpMethod",
            "uri": "Integration.Uri",
        },
        part=True,
    ),
    Row(
        "aws:apigateway/method:Method",
        (
            Call(
                "apigateway.PutMethod",
                {"restApi": "restApiId", "authorization": "authorizationType"},
            ),
        ),
        "AWS::ApiGateway::Method",
        {"restApi": "RestApiId", "authorization": "AuthorizationType"},
    ),
    Row(
        "aws:apigateway/methodSettings:MethodSettings",
        no_call=_PATCH,
        cloudformation="AWS::ApiGateway::Stage",
        renames={
            "restApi": "RestApiId",
            "methodPath": _dropped,
            "settings": lambda settings: {
                "MethodSettings": [
                    {
                        "HttpMethod": "*",
                        "ResourcePath": "/*",
                        **{name[0].upper() + name[1:]: value for name, value in settings.items()},
                    }
                ]
            },
        },
        part=True,
    ),
    Row(
        "aws:apigateway/resource:Resource",
        (Call("apigateway.CreateResource", {"restApi": "restApiId"}),),
        "AWS::ApiGateway::Resource",
        {"restApi": "RestApiId"},
    ),
    Row(
        "aws:apigateway/response:Response",
        (Call("apigateway.PutGatewayResponse"),),
        "AWS::ApiGateway::GatewayResponse",
    ),
    Row(
        "aws:apigateway/restApi:RestApi",
        (Call("apigateway.CreateRestApi"),),
        "AWS::ApiGateway::RestApi",
        name="name",
    ),
    Row(
        "aws:apigateway/restApiPolicy:RestApiPolicy",
        no_call=_PATCH,
        cloudformation="AWS::ApiGateway::RestApi",
        renames={"restApiId": "Name"},
        part=True,
    ),
    Row(
        "aws:apigateway/stage:Stage",
        (
            Call(
                "apigateway.CreateStage",
                {
                    "restApi": "restApiId",
                    "deployment": "deploymentId",
                    "xrayTracingEnabled": "tracingEnabled",
                    "accessLogSettings": _dropped,  # by a patch, once there is a stage
                },
            ),
        ),
        "AWS::ApiGateway::Stage",
        {
            "restApi": "RestApiId",
            "deployment": "DeploymentId",
            "xrayTracingEnabled": "TracingEnabled",
            "accessLogSettings": "AccessLogSetting",
        },
        arn="arn:aws:apigateway:{region}::/restapis/api1234567/stages/v1",
    ),
    Row(
        "aws:apigateway/usagePlan:UsagePlan",
        (
            Call(
                "apigateway.CreateUsagePlan",
                {"quotaSettings": "quota", "throttleSettings": "throttle"},
            ),
        ),
        "AWS::ApiGateway::UsagePlan",
        {
            "name": "UsagePlanName",
            "quotaSettings": "Quota",
            "throttleSettings": "Throttle",
        },
        name="name",
    ),
    Row(
        "aws:apigateway/usagePlanKey:UsagePlanKey",
        (Call("apigateway.CreateUsagePlanKey"),),
        "AWS::ApiGateway::UsagePlanKey",
    ),
    Row(
        "aws:cloudwatch/dashboard:Dashboard",
        (Call("cloudwatch.PutDashboard"),),
        "AWS::CloudWatch::Dashboard",
    ),
    Row(
        "aws:cloudwatch/logGroup:LogGroup",
        (
            Call("logs.CreateLogGroup", {"name": "logGroupName"}, ("name", "tags")),
            Call("logs.PutRetentionPolicy", own={"logGroupName": "{name}"}),
        ),
        "AWS::Logs::LogGroup",
        {"name": "LogGroupName"},
        name="name",
        arn=_ROOT.format("logs", "log-group:{name}"),
    ),
    Row(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        (Call("cloudwatch.PutMetricAlarm", {"name": "AlarmName", **_QUERIES}),),
        "AWS::CloudWatch::Alarm",
        {"name": "AlarmName", **_QUERIES},
        name="name",
    ),
    Row(
        "aws:cloudwatch/queryDefinition:QueryDefinition",
        (Call("logs.PutQueryDefinition"),),
        "AWS::Logs::QueryDefinition",
    ),
    Row(
        "aws:dynamodb/table:Table",
        (
            Call(
                "dynamodb.CreateTable",
                {
                    **_HASH_KEY,
                    "name": "TableName",
                    "serverSideEncryption": "SSESpecification",
                    "serverSideEncryption.kmsKeyArn": _by_key,
                },
                (
                    *("attributes", "billingMode", "deletionProtectionEnabled", "hashKey"),
                    *("name", "serverSideEncryption", "tags"),
                ),
            ),
            Call(
                "dynamodb.UpdateTimeToLive",
                {"ttl": "TimeToLiveSpecification"},
                ("ttl",),
                _TABLE_NAME,
            ),
            Call(
                "dynamodb.UpdateContinuousBackups",
                {
                    "pointInTimeRecovery": "PointInTimeRecoverySpecification",
                    "pointInTimeRecovery.enabled": "PointInTimeRecoveryEnabled",
                },
                ("pointInTimeRecovery",),
                _TABLE_NAME,
            ),
        ),
        "AWS::DynamoDB::Table",
        {
            **_HASH_KEY,
            "name": "TableName",
            "pointInTimeRecovery": "PointInTimeRecoverySpecification",
            "pointInTimeRecovery.enabled": "PointInTimeRecoveryEnabled",
            "serverSideEncryption": "SSESpecification",
            "serverSideEncryption.enabled": "SSEEnabled",
            "serverSideEncryption.kmsKeyArn": _by_key,
            "ttl": "TimeToLiveSpecification",
        },
        name="name",
        arn=_ROOT.format("dynamodb", "table/{name}"),
    ),
    Row(
        "aws:iam/role:Role",
        (
            Call(
                "iam.CreateRole",
                {"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"},
            ),
        ),
        "AWS::IAM::Role",
        {"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"},
        name="name",
        arn="arn:aws:iam::{account}:role/{name}",
    ),
    Row(
        "aws:iam/rolePolicy:RolePolicy",
        (
            Call(
                "iam.PutRolePolicy",
                {"name": "PolicyName", "role": "RoleName", "policy": "PolicyDocument"},
            ),
        ),
        "AWS::IAM::RolePolicy",
        {"name": "PolicyName", "role": "RoleName", "policy": "PolicyDocument"},
        name="name",
    ),
    Row(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        (Call("iam.AttachRolePolicy", {"role": "RoleName"}),),
        no_cloudformation=_PART_OF.format("AWS::IAM::Role"),
    ),
    Row(
        "aws:kinesis/stream:Stream",
        (
            Call(
                "kinesis.CreateStream",
                {"name": "StreamName"},
                ("name", "shardCount", "streamModeDetails", "tags"),
            ),
            Call(
                "kinesis.IncreaseStreamRetentionPeriod",
                {"retentionPeriod": "RetentionPeriodHours"},
                ("retentionPeriod",),
                {"StreamName": "{name}"},
            ),
            Call(
                "kinesis.StartStreamEncryption",
                {"kmsKeyId": "KeyId"},
                ("encryptionType", "kmsKeyId"),
                {"StreamName": "{name}"},
            ),
        ),
        "AWS::Kinesis::Stream",
        {
            "retentionPeriod": "RetentionPeriodHours",
            "encryptionType": "StreamEncryption.EncryptionType",
            "kmsKeyId": "StreamEncryption.KeyId",
        },
        name="name",
        arn=_ROOT.format("kinesis", "stream/{name}"),
    ),
    Row(
        "aws:kms/alias:Alias",
        (Call("kms.CreateAlias", {"name": "AliasName"}),),
        "AWS::KMS::Alias",
        {"name": "AliasName"},
    ),
    Row(
        "aws:kms/key:Key",
        (
            Call("kms.CreateKey", inputs=("description", "policy", "tags")),
            Call(
                "kms.EnableKeyRotation",
                {"enableKeyRotation": _dropped},  # the call itself says so
                ("enableKeyRotation",),
                {"KeyId": "{name}"},
            ),
            Call(
                "kms.ScheduleKeyDeletion",
                {"deletionWindowInDays": "PendingWindowInDays"},
                ("deletionWindowInDays",),
                {"KeyId": "{name}"},
            ),
        ),
        "AWS::KMS::Key",
        {"deletionWindowInDays": "PendingWindowInDays", "policy": "KeyPolicy"},
        arn=_ROOT.format("kms", "key/11111111-2222-3333-4444-555555555555"),
    ),
    Row(
        "aws:lambda/eventSourceMapping:EventSourceMapping",
        (
            Call(
                "lambda.CreateEventSourceMapping",
                {"destinationConfig.onFailure.destinationArn": "Destination"},
            ),
        ),
        "AWS::Lambda::EventSourceMapping",
        {"destinationConfig.onFailure.destinationArn": "Destination"},
    ),
    Row(
        "aws:lambda/function:Function",
        (
            Call(
                "lambda.CreateFunction",
                {"name": "FunctionName", "code": lambda _: {"Code": {"ZipFile": b"PK"}}},
            ),
        ),
        "AWS::Lambda::Function",
        {
            "name": "FunctionName",
            "code": lambda _: {"Code": {"S3Bucket": "a-bucket", "S3Key": "code.zip"}},
        },
        name="name",
        arn=_ROOT.format("lambda", "function:{name}"),
    ),
    Row(
        "aws:lambda/functionRecursionConfig:FunctionRecursionConfig",
        (Call("lambda.PutFunctionRecursionConfig"),),
        no_cloudformation=_PART_OF.format("AWS::Lambda::Function"),
    ),
    Row(
        "aws:lambda/permission:Permission",
        (
            Call(
                "lambda.AddPermission",
                {"function": "FunctionName"},
                own={"StatementId": "{name}"},
            ),
        ),
        "AWS::Lambda::Permission",
        {"function": "FunctionName"},
    ),
    Row(
        "aws:pinpoint/smsvoicev2ConfigurationSet:Smsvoicev2ConfigurationSet",
        (Call("pinpoint-sms-voice-v2.CreateConfigurationSet", {"name": "ConfigurationSetName"}),),
        "AWS::SMSVOICE::ConfigurationSet",
        {"name": "ConfigurationSetName"},
    ),
    Row(
        "aws:pinpoint/smsvoicev2EventDestination:Smsvoicev2EventDestination",
        (Call("pinpoint-sms-voice-v2.CreateEventDestination"),),
        "AWS::SMSVOICE::ConfigurationSet",
        {
            name: f"EventDestinations.{name[0].upper()}{name[1:]}"
            for name in ("eventDestinationName", "matchingEventTypes", "snsDestination")
        },
        {"EventDestinations": [{"Enabled": True}]},  # the default of the provider and the service
        part=True,
    ),
    Row(
        "aws:sesv2/configurationSet:ConfigurationSet",
        (Call("sesv2.CreateConfigurationSet"),),
        "AWS::SES::ConfigurationSet",
        {"configurationSetName": "Name"},
    ),
    Row(
        "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination",
        (Call("sesv2.CreateConfigurationSetEventDestination"),),
        "AWS::SES::ConfigurationSetEventDestination",
        {"eventDestinationName": "EventDestination.Name"},
    ),
    Row(
        "aws:sns/topic:Topic",
        (Call("sns.CreateTopic", _attributes("KmsMasterKeyId")),),
        "AWS::SNS::Topic",
        {"name": "TopicName"},
        name="name",
        arn=_ROOT.format("sns", "{name}"),
    ),
    Row(
        "aws:sns/topicPolicy:TopicPolicy",
        (
            Call(
                "sns.SetTopicAttributes",
                {"arn": "TopicArn", "policy": "AttributeValue"},
                own={"AttributeName": "Policy"},
            ),
        ),
        "AWS::SNS::TopicPolicy",
        {"arn": "Topics", "policy": "PolicyDocument"},
    ),
    Row(
        "aws:sns/topicSubscription:TopicSubscription",
        (
            Call(
                "sns.Subscribe",
                {"topic": "TopicArn", **_attributes("RawMessageDelivery", "RedrivePolicy")},
            ),
        ),
        "AWS::SNS::Subscription",
        {"topic": "TopicArn"},
    ),
    Row(
        "aws:sqs/queue:Queue",
        (
            Call(
                "sqs.CreateQueue",
                {
                    "name": "QueueName",
                    **_attributes("KmsMasterKeyId", "RedriveAllowPolicy", "RedrivePolicy"),
                    **{
                        ours: _attributes(theirs)[theirs[0].lower() + theirs[1:]]
                        for ours, theirs in {
                            "messageRetentionSeconds": "MessageRetentionPeriod",
                            "visibilityTimeoutSeconds": "VisibilityTimeout",
                        }.items()
                    },
                },
            ),
        ),
        "AWS::SQS::Queue",
        {
            "name": "QueueName",
            "messageRetentionSeconds": "MessageRetentionPeriod",
            "visibilityTimeoutSeconds": "VisibilityTimeout",
        },
        name="name",
        arn=_ROOT.format("sqs", "{name}"),
    ),
    Row(
        "aws:sqs/queuePolicy:QueuePolicy",
        (Call("sqs.SetQueueAttributes", _attributes("Policy")),),
        "AWS::SQS::QueuePolicy",
        {"queueUrl": "Queues", "policy": "PolicyDocument"},
    ),
    Row(
        "aws:wafv2/webAcl:WebAcl",
        (
            Call(
                "wafv2.CreateWebACL",
                {"visibilityConfig.cloudwatchMetricsEnabled": "CloudWatchMetricsEnabled"},
            ),
        ),
        "AWS::WAFv2::WebACL",
        name="name",
        arn=_ROOT.format("wafv2", "regional/webacl/{name}/11111111-2222-3333-4444-555555555555"),
    ),
    Row(
        "aws:wafv2/webAclAssociation:WebAclAssociation",
        (Call("wafv2.AssociateWebACL"),),
        "AWS::WAFv2::WebACLAssociation",
    ),
    Row(
        "pulumi-python:dynamic/whatsapp:EventDestination",
        (
            Call(
                "socialmessaging.PutWhatsAppBusinessAccountEventDestinations",
                {
                    "business_account_id": "id",
                    # Where the call is made.
                    "account_id": _dropped,
                    "region": _dropped,
                    "topic_arn": lambda arn: {"eventDestinations": [{"eventDestinationArn": arn}]},
                },
            ),
        ),
        no_cloudformation="End User Messaging Social has no types",
    ),
)
ROWS: Mapping[str, Row] = {row.type: row for row in _ALL}
