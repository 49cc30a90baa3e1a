"""Web ACLs, and the stages that they stand before."""

from typing import Any

from local.cloud import Cloud
from local.resources.registration import Created, Registration, tag_list


def create_web_acl(cloud: Cloud, resource: Registration) -> Created:
    """Create a web ACL with its rules."""
    inputs = resource.inputs
    name = resource.physical_name()
    summary = cloud.client("wafv2").create_web_acl(
        Name=name,
        Scope=inputs["scope"],
        DefaultAction=_parameters(inputs["defaultAction"]),
        Rules=[_parameters(rule) for rule in inputs.get("rules") or []],
        VisibilityConfig=_parameters(inputs["visibilityConfig"]),
        Tags=tag_list(inputs),
    )["Summary"]
    return summary["Id"], {"name": name, "arn": summary["ARN"]}


def associate_web_acl(cloud: Cloud, resource: Registration) -> Created:
    """Put a web ACL before a stage."""
    acl, stage = resource.inputs["webAclArn"], resource.inputs["resourceArn"]
    cloud.client("wafv2").associate_web_acl(WebACLArn=acl, ResourceArn=stage)
    return f"{acl},{stage}", {}


def _parameters(value: Any) -> Any:  # noqa: ANN401 -- any JSON value
    # The API spells its parameters like Pulumi, but for the first letter and a few acronyms.
    if isinstance(value, dict):
        return {
            {"cloudwatchMetricsEnabled": "CloudWatchMetricsEnabled"}.get(
                name, name[0].upper() + name[1:]
            ): _parameters(inner)
            for name, inner in value.items()
            if inner is not None
        }
    return [_parameters(item) for item in value] if isinstance(value, list) else value


CREATORS = {
    "aws:wafv2/webAcl:WebAcl": create_web_acl,
    "aws:wafv2/webAclAssociation:WebAclAssociation": associate_web_acl,
}
