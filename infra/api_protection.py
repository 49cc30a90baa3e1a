"""Where the API may be called from, and how often from one address."""

import re

import pulumi
import pulumi_aws as aws

from . import resource_policies
from .location import json_document

__all__ = ["network_policy", "web_acl"]


def network_policy(
    name: str,
    api: aws.apigateway.RestApi,
    *,
    allowed_cidrs: list[str],
    authorization: str,
    parent: pulumi.Resource,
) -> aws.apigateway.RestApiPolicy:
    """Create the policy that lets only some networks call `api`; none allows all of them.

    There is always one: a policy that is taken away goes after the deployment that should be
    without it, which would keep it.
    """
    return aws.apigateway.RestApiPolicy(
        f"{name}-network-policy",
        rest_api_id=api.id,
        policy=json_document(
            resource_policies.api_policy,
            execution_arn=api.execution_arn,
            allowed_cidrs=allowed_cidrs or ["0.0.0.0/0", "::/0"],
            authorization=authorization,
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def web_acl(
    name: str,
    stage: aws.apigateway.Stage,
    *,
    rate_limit: int,
    stack_name: str,
    tags: dict[str, str],
    parent: pulumi.Resource,
) -> None:
    """Create the web ACL of `stage`, which refuses an address beyond `rate_limit` in 5 minutes."""
    # The console lists the metrics of all stacks together. Their names have up to 128 letters,
    # digits, hyphens and underscores:
    # https://docs.aws.amazon.com/waf/latest/APIReference/API_VisibilityConfig.html
    metric = re.sub("[^A-Za-z0-9_-]", "-", stack_name)[:100]
    acl = aws.wafv2.WebAcl(
        f"{name}-web-acl",
        scope="REGIONAL",
        default_action=aws.wafv2.WebAclDefaultActionArgs(
            allow=aws.wafv2.WebAclDefaultActionAllowArgs()
        ),
        rules=[_rate_rule(rate_limit, f"{metric}-rate-by-address")],
        visibility_config=aws.wafv2.WebAclVisibilityConfigArgs(
            cloudwatch_metrics_enabled=True,
            metric_name=f"{metric}-web-acl",
            # Samples keep requests with their headers, the client's key among them.
            sampled_requests_enabled=False,
        ),
        tags=tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    aws.wafv2.WebAclAssociation(
        f"{name}-web-acl-association",
        resource_arn=stage.arn,
        web_acl_arn=acl.arn,
        # A stage has one. Deleted after its replacement was made, the old one would take it along.
        opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=True),
    )


def _rate_rule(limit: int, metric: str) -> aws.wafv2.WebAclRuleArgs:
    return aws.wafv2.WebAclRuleArgs(
        name="rate-by-address",
        priority=1,
        action=aws.wafv2.WebAclRuleActionArgs(block=aws.wafv2.WebAclRuleActionBlockArgs()),
        statement=aws.wafv2.WebAclRuleStatementArgs(
            rate_based_statement=aws.wafv2.WebAclRuleStatementRateBasedStatementArgs(
                limit=limit, aggregate_key_type="IP", evaluation_window_sec=300
            )
        ),
        visibility_config=aws.wafv2.WebAclRuleVisibilityConfigArgs(
            cloudwatch_metrics_enabled=True,
            metric_name=metric,
            sampled_requests_enabled=False,
        ),
    )
