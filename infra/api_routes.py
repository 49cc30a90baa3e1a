"""The methods of the HTTP API."""

import hashlib
import json

import pulumi
import pulumi_aws as aws

from .gateway_responses import refusals

__all__ = ["api_definition", "api_routes"]

_MESSAGES = "/messages"
_MESSAGE = "/messages/{message_id}"
_CANCEL = "/messages/{message_id}/cancel"
_ROUTES = (("POST", _MESSAGES), ("GET", _MESSAGE), ("POST", _CANCEL))


def api_routes(
    name: str,
    api: aws.apigateway.RestApi,
    function: aws.lambda_.Function,
    authorization: str,
    parent: pulumi.Resource,
) -> list[pulumi.Resource]:
    """Create the methods of the API, each handed to `function` as it came; return them."""
    options = pulumi.ResourceOptions(parent=parent)
    resources: dict[str, aws.apigateway.Resource] = {}
    methods: list[pulumi.Resource] = []
    for verb, path in _ROUTES:
        above, _, part = path.rpartition("/")
        noun = part.strip("{}").replace("_", "-")
        resources[path] = aws.apigateway.Resource(
            f"{name}-{noun}-resource",
            rest_api=api.id,
            parent_id=resources[above].id if above else api.root_resource_id,
            path_part=part,
            opts=options,
        )
        method = aws.apigateway.Method(
            f"{name}-{verb.lower()}-{noun}-method",
            rest_api=api.id,
            resource_id=resources[path].id,
            http_method=verb,
            authorization="AWS_IAM" if authorization == "IAM" else "NONE",
            api_key_required=authorization == "API_KEY",
            opts=options,
        )
        integration = aws.apigateway.Integration(
            f"{name}-{verb.lower()}-{noun}-integration",
            rest_api=api.id,
            resource_id=resources[path].id,
            http_method=method.http_method,
            type="AWS_PROXY",
            # Lambda is invoked by POST, whatever the client's verb.
            integration_http_method="POST",
            uri=function.invoke_arn,
            opts=options,
        )
        methods += [method, integration]
    return methods


def api_definition(uri: str, authorization: str, allowed_cidrs: list[str]) -> str:
    """Return a hash that changes when, and only when, the API does."""
    definition = json.dumps([_ROUTES, refusals(), authorization, allowed_cidrs, uri])
    return hashlib.sha256(definition.encode()).hexdigest()
