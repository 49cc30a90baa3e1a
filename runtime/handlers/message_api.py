"""The HTTP API: POST /messages, GET /messages/{message_id}, POST /messages/{message_id}/cancel.

On Powertools' resolver, although three routes could be told apart by hand in 60 ms less of a cold
start: it is what readers know, and with it the import stays below 250 ms (docs/performance.md).
"""

import base64
import json
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from botocore.exceptions import BotoCoreError, ClientError

from runtime import clock
from runtime.accepting import Acceptor, no_such_message
from runtime.clients import data_client
from runtime.problems import PROBLEM_JSON, ProblemError
from runtime.settings import ApiSettings
from runtime.store import ConflictError, Store, UnavailableError
from runtime.telemetry import instrumented, log_error
from runtime.timers import Intake

app: Final = APIGatewayRestResolver()


@cache
def acceptor() -> Acceptor:
    """Return the use cases of this environment, made at the first invocation."""
    settings = ApiSettings.from_environment()
    return Acceptor(
        store=Store(data_client("dynamodb"), settings.messages_table, settings.payloads_table),
        intake=Intake(data_client("sqs"), settings.intake_queue_url),
        settings=settings,
        clock=clock.now,
    )


@instrumented
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401  Lambda's type
    """Answer one request."""
    return app.resolve({**event, "path": _path(event)}, context)


def _path(event: dict[str, Any]) -> str:
    """Return the path of the route: that of the request may begin with a custom domain's own."""
    path = str(event["resource"])
    for name, value in (event.get("pathParameters") or {}).items():
        path = path.replace(f"{{{name}}}", value)
    return path


@app.post("/messages")
def post_message() -> Response[str]:
    """Take a message: 202 with its id."""
    key = app.current_event.headers.get("Idempotency-Key")
    message_id = acceptor().accept(_body(), _client(), key)
    answer = {
        "message": "Message sent to the queue",
        "message_id": message_id,
        "status_url": f"{_base_url()}/messages/{message_id}",
    }
    return _json(202, answer)


@app.get("/messages/<message_id>")
def get_message(message_id: str) -> Response[str]:
    """Describe what has become of a message."""
    return _json(200, acceptor().status(message_id))


@app.post("/messages/<message_id>/cancel")
def cancel_message(message_id: str) -> Response[str]:
    """Stop the steps that are not yet claimed; a second time changes nothing."""
    return _json(200, acceptor().cancel(message_id))


@app.not_found
def answer_not_found(_error: Exception) -> Response[str]:
    """Answer a path that no message id can have; API Gateway refuses all other routes itself."""
    return _problem(no_such_message())


@app.exception_handler(ProblemError)  # type: ignore[untyped-decorator]
def answer_problem(problem: ProblemError) -> Response[str]:
    """Answer what the caller can mend."""
    return _problem(problem)


@app.exception_handler(  # type: ignore[untyped-decorator]
    [BotoCoreError, ClientError, ConflictError, UnavailableError]
)
def answer_unavailable(error: Exception) -> Response[str]:
    """Answer that a table or queue did not take it; a retry completes what this one left."""
    log_error("request not taken", error)
    detail = "Try again; with the same Idempotency-Key it stays one message."
    return _problem(ProblemError(503, detail, headers={"Retry-After": "2"}))


def _body() -> bytes:
    event = app.current_event
    body = event.body or ""
    if event.is_base64_encoded:
        return base64.b64decode(body)  # API Gateway has encoded it
    return body.encode("utf-8", "surrogatepass")


def _json(status: int, document: dict[str, Any]) -> Response[str]:
    return Response(status_code=status, content_type="application/json", body=json.dumps(document))


def _problem(problem: ProblemError) -> Response[str]:
    return Response(
        status_code=problem.status,
        content_type=PROBLEM_JSON,
        body=json.dumps(problem.document()),
        headers=problem.headers,
    )


def _client() -> str:
    """Name the caller, so that the idempotency keys of two callers do not collide."""
    identity = app.current_event.raw_event["requestContext"].get("identity", {})
    # The last part of an assumed role's ARN names the session: another one at the next retry.
    role, _, session = str(identity.get("userArn") or "").rpartition("/")
    principal = role if ":assumed-role/" in role else f"{role}/{session}" if session else ""
    return str(
        identity.get("apiKeyId") or principal or app.current_event.headers.get("x-api-key", "")
    )


def _base_url() -> str:
    """Return the address that the caller used, without /messages."""
    if acceptor().settings.api_base_url:
        return acceptor().settings.api_base_url.rstrip("/")
    request = app.current_event.raw_event["requestContext"]
    return f"https://{request['domainName']}{request['path'].removesuffix('/messages')}"
