"""Policy documents for callers of an API with IAM authorization; nothing here imports pulumi."""

from typing import Any

from .policies import document

__all__ = ["cancel_policy", "send_policy", "status_policy"]


def send_policy(api_execution_arn: str) -> dict[str, Any]:
    """Allow handing over messages. `api_execution_arn` is that of the API's stage."""
    return _call(f"{api_execution_arn}/POST/messages")


def status_policy(api_execution_arn: str) -> dict[str, Any]:
    """Allow asking for the status of messages."""
    return _call(f"{api_execution_arn}/GET/messages/*")


def cancel_policy(api_execution_arn: str) -> dict[str, Any]:
    """Allow cancelling messages."""
    return _call(f"{api_execution_arn}/POST/messages/*/cancel")


def _call(resource: str) -> dict[str, Any]:
    return document([{"Effect": "Allow", "Action": ["execute-api:Invoke"], "Resource": [resource]}])
