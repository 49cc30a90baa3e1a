"""A program that violates every rule of the policy pack, by a resource named for the rule."""

import json

import pulumi
import pulumi_aws as aws

TAGS = {"team": "tests"}


def document(**statement: object) -> str:
    """Return an IAM document with one statement that allows."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def queue(name: str, **arguments: object) -> aws.sqs.Queue:
    return aws.sqs.Queue(name, kms_master_key_id=key.arn, tags=TAGS, **arguments)


def mapping(name: str, source: pulumi.Input[str], **arguments: object) -> None:
    aws.lambda_.EventSourceMapping(
        name,
        event_source_arn=source,
        function_name=function.arn,
        **{"function_response_types": ["ReportBatchItemFailures"], "tags": TAGS, **arguments},
    )


key = aws.kms.Key("key", enable_key_rotation=True, tags=TAGS)
role = aws.iam.Role(
    "role",
    tags=TAGS,
    assume_role_policy=document(
        Action="sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"}
    ),
)
topic = aws.sns.Topic("connections-are-encrypted", kms_master_key_id=key.arn, tags=TAGS)
function = aws.lambda_.Function(
    "logs-expire",
    role=role.arn,
    runtime="python3.13",
    handler="handler.handle",
    timeout=30,
    tags=TAGS,
)

aws.iam.RolePolicy(
    "no-wildcard-actions",
    role=role.name,
    policy=document(Action=["sqs:*"], Resource=["arn:aws:sqs:us-east-1:123456789012:queue"]),
)
aws.iam.RolePolicy(
    "no-resource-everywhere",
    role=role.name,
    policy=document(Action=["sqs:SendMessage"], Resource=["*"]),
)
aws.sns.TopicPolicy(
    "nobody-is-let-in-unnamed",
    arn=topic.arn,
    policy=document(Action="sns:Publish", Principal="*", Resource="*"),
)
aws.lambda_.Permission(
    "services-are-let-in-for-this-account",
    action="lambda:InvokeFunction",
    function=function.name,
    principal="sns.amazonaws.com",
)
aws.sns.Topic("data-is-encrypted", tags=TAGS)
aws.apigateway.MethodSettings(
    "bodies-are-not-logged",
    rest_api="api",
    stage_name="v1",
    method_path="*/*",
    settings={"data_trace_enabled": True},
)
aws.cloudwatch.LogGroup("everything-is-tagged", retention_in_days=7)
dead = queue("dead-letters-outlive-their-source", message_retention_seconds=86_400)
aws.cloudwatch.MetricAlarm(
    "alarm",
    comparison_operator="GreaterThanThreshold",
    evaluation_periods=1,
    namespace="AWS/SQS",
    metric_name="ApproximateNumberOfMessagesVisible",
    dimensions={"QueueName": dead.name},
    tags=TAGS,
)
unwatched = queue("dead-letters-have-alarms", message_retention_seconds=1_209_600)


def redrive(target: aws.sqs.Queue) -> pulumi.Output[str]:
    return target.arn.apply(
        lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
    )


short_lived = queue(
    "work",
    visibility_timeout_seconds=180,
    message_retention_seconds=86_400,
    redrive_policy=redrive(dead),
)
mapping("single-failures-are-reported", short_lived.arn, function_response_types=[])
hurried = queue(
    "messages-are-hidden-long-enough",
    visibility_timeout_seconds=30,
    redrive_policy=redrive(unwatched),
)
mapping("hurried", hurried.arn)
endless = queue("work-queues-have-dead-letters", visibility_timeout_seconds=180)
mapping("endless", endless.arn)
stream = aws.kinesis.Stream(
    "stream", shard_count=1, encryption_type="KMS", kms_key_id=key.arn, tags=TAGS
)
mapping("streams-are-not-blocked", stream.arn, starting_position="TRIM_HORIZON")
