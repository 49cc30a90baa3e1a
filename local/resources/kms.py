"""KMS keys, their policies and aliases."""

from local.cloud import Cloud
from local.resources.registration import Created, Registration, given, pick


def create_key(cloud: Cloud, resource: Registration) -> Created:
    """Create a key, with rotation when it is asked for."""
    inputs = resource.inputs
    kms = cloud.client("kms")
    metadata = kms.create_key(
        **pick(inputs, ["description", "policy", "keyUsage", "multiRegion"]),
        **given(
            Tags=[
                {"TagKey": key, "TagValue": value}
                for key, value in (inputs.get("tags") or {}).items()
            ]
        ),
    )["KeyMetadata"]
    if inputs.get("enableKeyRotation"):
        kms.enable_key_rotation(KeyId=metadata["KeyId"])
    return metadata["KeyId"], {"arn": metadata["Arn"], "keyId": metadata["KeyId"]}


def set_key_policy(cloud: Cloud, resource: Registration) -> Created:
    """Set the policy of a key."""
    key_id = resource.inputs["keyId"]
    cloud.client("kms").put_key_policy(
        KeyId=key_id, PolicyName="default", Policy=resource.inputs["policy"]
    )
    return key_id, {}


def create_alias(cloud: Cloud, resource: Registration) -> Created:
    """Name a key."""
    name = resource.physical_name()
    name = name if name.startswith("alias/") else f"alias/{name}"
    key_id = resource.inputs["targetKeyId"]
    cloud.client("kms").create_alias(AliasName=name, TargetKeyId=key_id)
    arn = f"arn:aws:kms:{cloud.region}:{cloud.account_id}:{name}"
    return name, {"name": name, "arn": arn}


CREATORS = {
    "aws:kms/alias:Alias": create_alias,
    "aws:kms/key:Key": create_key,
    "aws:kms/keyPolicy:KeyPolicy": set_key_policy,
}
