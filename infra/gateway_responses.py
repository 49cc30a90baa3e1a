"""What API Gateway itself answers when it refuses a request: problem documents, like the API's."""

import json
from typing import Any

import pulumi
import pulumi_aws as aws

__all__ = ["gateway_responses", "refusals"]

# Type of response -> status and title. DEFAULT_4XX and DEFAULT_5XX keep the status of what they
# stand for, so their documents have none of their own.
RESPONSES: dict[str, tuple[str, str]] = {
    "ACCESS_DENIED": ("403", "Forbidden"),
    "INVALID_API_KEY": ("403", "Missing or unknown API key"),
    "MISSING_AUTHENTICATION_TOKEN": ("403", "There is no such route, or the request is not signed"),
    "WAF_FILTERED": ("403", "Forbidden"),
    "THROTTLED": ("429", "Too Many Requests"),
    "QUOTA_EXCEEDED": ("429", "Too Many Requests"),
    "REQUEST_TOO_LARGE": ("413", "Content Too Large"),
    "DEFAULT_4XX": ("", "Bad Request"),
    "DEFAULT_5XX": ("", "Internal Server Error"),
}
_RETRY_AFTER_SECONDS = {"THROTTLED": "1", "QUOTA_EXCEEDED": "3600", "DEFAULT_5XX": "5"}


def refusals() -> list[dict[str, Any]]:
    """Return the inputs of all responses."""
    return [
        {
            "response_type": response_type,
            "status_code": status or None,
            "response_parameters": _headers(response_type),
            "response_templates": {"application/json": problem(status, title)},
        }
        for response_type, (status, title) in RESPONSES.items()
    ]


def gateway_responses(
    name: str, api: aws.apigateway.RestApi, parent: pulumi.Resource
) -> list[pulumi.Resource]:
    """Create the responses of `api` as children of `parent`; return them."""
    return [
        aws.apigateway.Response(
            f"{name}-{refusal['response_type'].lower().replace('_', '-')}-response",
            rest_api_id=api.id,
            opts=pulumi.ResourceOptions(parent=parent),
            **refusal,
        )
        for refusal in refusals()
    ]


def problem(status: str, title: str) -> str:
    """Return the template of a problem document (RFC 9457); API Gateway fills in the detail."""
    document: dict[str, object] = {"type": "about:blank", "title": title}
    if status:
        document["status"] = int(status)
    # Unquoted: the variable is the message as a JSON text.
    text = json.dumps({**document, "detail": "DETAIL"})
    return text.replace('"DETAIL"', "$context.error.messageString")


def _headers(response_type: str) -> dict[str, str]:
    headers = {"gatewayresponse.header.Content-Type": "'application/problem+json'"}
    seconds = _RETRY_AFTER_SECONDS.get(response_type)
    if seconds:
        headers["gatewayresponse.header.Retry-After"] = f"'{seconds}'"
    return headers
