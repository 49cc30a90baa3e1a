"""Kinesis data streams."""

from local.cloud import Cloud
from local.resources.registration import Created, Registration, given


def create_stream(cloud: Cloud, resource: Registration) -> Created:
    """Create a stream, and set its retention and encryption."""
    inputs = resource.inputs
    kinesis = cloud.client("kinesis")
    name = resource.physical_name()
    mode = (inputs.get("streamModeDetails") or {}).get("streamMode", "PROVISIONED")
    kinesis.create_stream(
        **given(
            StreamName=name,
            ShardCount=inputs.get("shardCount"),
            StreamModeDetails={"StreamMode": mode},
            Tags=inputs.get("tags"),
        )
    )
    kinesis.get_waiter("stream_exists").wait(
        StreamName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 10}
    )
    arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    default_retention_hours = 24
    if inputs.get("retentionPeriod", default_retention_hours) > default_retention_hours:
        kinesis.increase_stream_retention_period(
            StreamName=name, RetentionPeriodHours=inputs["retentionPeriod"]
        )
    if inputs.get("encryptionType") == "KMS":
        kinesis.start_stream_encryption(
            StreamName=name, EncryptionType="KMS", KeyId=inputs["kmsKeyId"]
        )
    return arn, {"name": name, "arn": arn}


CREATORS = {"aws:kinesis/stream:Stream": create_stream}
