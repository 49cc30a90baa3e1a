"""DynamoDB tables."""

from local.cloud import Cloud
from local.resources.registration import Created, Registration, given, tag_list


def create_table(cloud: Cloud, resource: Registration) -> Created:
    """Create a table with its indexes, stream, encryption, recovery and time to live."""
    inputs = resource.inputs
    dynamodb = cloud.client("dynamodb")
    name = resource.physical_name()
    provisioned = inputs.get("billingMode", "PROVISIONED") == "PROVISIONED"
    throughput = {
        "ReadCapacityUnits": inputs.get("readCapacity", 1),
        "WriteCapacityUnits": inputs.get("writeCapacity", 1),
    }
    encryption = inputs.get("serverSideEncryption") or {}
    indexes = [
        given(
            IndexName=index["name"],
            KeySchema=_key_schema(index["hashKey"], index.get("rangeKey")),
            Projection=given(
                ProjectionType=index["projectionType"],
                NonKeyAttributes=index.get("nonKeyAttributes"),
            ),
            ProvisionedThroughput=throughput if provisioned else None,
        )
        for index in inputs.get("globalSecondaryIndexes") or []
    ]
    description = dynamodb.create_table(
        **given(
            TableName=name,
            AttributeDefinitions=[
                {"AttributeName": attribute["name"], "AttributeType": attribute["type"]}
                for attribute in inputs["attributes"]
            ],
            KeySchema=_key_schema(inputs["hashKey"], inputs.get("rangeKey")),
            BillingMode=inputs.get("billingMode"),
            ProvisionedThroughput=throughput if provisioned else None,
            GlobalSecondaryIndexes=indexes or None,
            StreamSpecification=given(
                StreamEnabled=True, StreamViewType=inputs.get("streamViewType")
            )
            if inputs.get("streamEnabled")
            else None,
            SSESpecification=given(
                Enabled=True, SSEType="KMS", KMSMasterKeyId=encryption.get("kmsKeyArn")
            )
            if encryption.get("enabled")
            else None,
            DeletionProtectionEnabled=inputs.get("deletionProtectionEnabled"),
            Tags=tag_list(inputs) or None,
        )
    )["TableDescription"]
    time_to_live = inputs.get("ttl")
    if time_to_live and time_to_live.get("enabled", True):
        dynamodb.update_time_to_live(
            TableName=name,
            TimeToLiveSpecification={
                "Enabled": True,
                "AttributeName": time_to_live["attributeName"],
            },
        )
    if (inputs.get("pointInTimeRecovery") or {}).get("enabled"):
        dynamodb.update_continuous_backups(
            TableName=name,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )
    return name, given(
        name=name, arn=description["TableArn"], streamArn=description.get("LatestStreamArn")
    )


def _key_schema(hash_key: str, range_key: str | None) -> list[dict[str, str]]:
    schema = [{"AttributeName": hash_key, "KeyType": "HASH"}]
    if range_key:
        schema.append({"AttributeName": range_key, "KeyType": "RANGE"})
    return schema


CREATORS = {"aws:dynamodb/table:Table": create_table}
