"""IAM roles and policies."""

import json
from typing import Any

from local.cloud import Cloud
from local.resources.registration import Created, Registration, pick, tag_list


def create_role(cloud: Cloud, resource: Registration) -> Created:
    """Create a role with its inline and attached policies."""
    inputs = resource.inputs
    iam = cloud.client("iam")
    name = resource.physical_name()
    role = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=_document(inputs["assumeRolePolicy"]),
        Tags=tag_list(inputs),
        **pick(inputs, ["description", "path", "maxSessionDuration", "permissionsBoundary"]),
    )["Role"]
    for policy in inputs.get("inlinePolicies") or []:
        iam.put_role_policy(
            RoleName=name, PolicyName=policy["name"], PolicyDocument=_document(policy["policy"])
        )
    for policy_arn in inputs.get("managedPolicyArns") or []:
        iam.attach_role_policy(RoleName=name, PolicyArn=policy_arn)
    return name, {"name": name, "arn": role["Arn"], "uniqueId": role["RoleId"]}


def put_role_policy(cloud: Cloud, resource: Registration) -> Created:
    """Put an inline policy into a role."""
    role, name = resource.inputs["role"], resource.physical_name()
    cloud.client("iam").put_role_policy(
        RoleName=role, PolicyName=name, PolicyDocument=_document(resource.inputs["policy"])
    )
    return f"{role}:{name}", {"name": name}


def attach_role_policy(cloud: Cloud, resource: Registration) -> Created:
    """Attach a managed policy to a role."""
    role, arn = resource.inputs["role"], resource.inputs["policyArn"]
    cloud.client("iam").attach_role_policy(RoleName=role, PolicyArn=arn)
    return f"{role}/{arn}", {}


def create_policy(cloud: Cloud, resource: Registration) -> Created:
    """Create a managed policy."""
    name = resource.physical_name()
    policy = cloud.client("iam").create_policy(
        PolicyName=name,
        PolicyDocument=_document(resource.inputs["policy"]),
        Tags=tag_list(resource.inputs),
        **pick(resource.inputs, ["description", "path"]),
    )["Policy"]
    return policy["Arn"], {"name": name, "arn": policy["Arn"], "policyId": policy["PolicyId"]}


def _document(policy: Any) -> str:  # noqa: ANN401 -- a policy as text or as JSON value
    return policy if isinstance(policy, str) else json.dumps(policy)


CREATORS = {
    "aws:iam/policy:Policy": create_policy,
    "aws:iam/role:Role": create_role,
    "aws:iam/rolePolicy:RolePolicy": put_role_policy,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": attach_role_policy,
}
