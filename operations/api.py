"""The stack's own API, called as its callers call it."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError

from operations.stack import Stack, StackError

_TIMEOUT_SECONDS: Final = 30
# What Pulumi prints instead of a secret output.
_HIDDEN: Final = "[secret]"


@dataclass(frozen=True)
class Answer:
    """What the API has answered; `document` is empty where it was no JSON object."""

    status: int
    document: dict[str, Any]


Call = Callable[[str, str, dict[str, Any] | None], Answer]
"""Calls a method and a path of the API with a body. Raises StackError if there is no answer."""


def caller(stack: Stack) -> Call:
    """Return what calls the API of a stack: by its key, or signed where it has none.

    Raises StackError if the stack has no API, or its key cannot be read.
    """
    if "api_url" not in stack.outputs:
        raise StackError("the stack has no output api_url")
    base_url = str(stack.outputs["api_url"]).rstrip("/")
    if not base_url.startswith(("https://", "http://")):
        raise StackError(f"the output api_url is no URL of an API: {base_url}")
    key = _key(stack)

    def call(method: str, path: str, body: dict[str, Any] | None) -> Answer:
        request = AWSRequest(
            method,
            base_url + path,
            headers={"content-type": "application/json"},
            data=b"" if body is None else json.dumps(body).encode(),
        )
        if key:
            request.headers["x-api-key"] = key
        else:
            _sign(stack, request)
        return _send(request)

    return call


def _key(stack: Stack) -> str:
    key = str(stack.outputs.get("api_key") or "")
    if key != _HIDDEN:
        return key
    try:
        answer = stack.client("apigateway").get_api_key(
            apiKey=str(stack.outputs.get("api_key_id")), includeValue=True
        )
    except (BotoCoreError, ClientError) as error:
        raise StackError(f"the API key cannot be read: {error}") from error
    return str(answer["value"])


def _sign(stack: Stack, request: AWSRequest) -> None:
    credentials = boto3.Session().get_credentials()
    if credentials is None:
        raise StackError("no AWS credentials to sign requests with")
    SigV4Auth(credentials, "execute-api", stack.region).add_auth(request)


def _send(request: AWSRequest) -> Answer:
    url = str(request.url)
    prepared = urllib.request.Request(  # noqa: S310  the caller has checked it
        url, data=request.data or None, method=request.method, headers=dict(request.headers.items())
    )
    try:
        with urllib.request.urlopen(  # noqa: S310  as above
            prepared, timeout=_TIMEOUT_SECONDS
        ) as response:
            return Answer(response.status, _object(response.read()))
    except urllib.error.HTTPError as error:
        return Answer(error.code, _object(error.read()))
    except OSError as error:
        raise StackError(f"{url} does not answer: {error}") from error


def _object(text: bytes) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
