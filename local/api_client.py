"""A plain HTTP client of the message API."""

import json
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

TIMEOUT_SECONDS = 30
# The emulator starts a process for every concurrent call of a function. A few of them answer
# sooner than many that all start at once.
CONCURRENT_CALLS = 3


@dataclass(frozen=True)
class Answer:
    """An HTTP response with a JSON body."""

    status: int
    content_type: str
    document: dict[str, Any]


class ApiClient:
    """Calls the API with its key; safe to use from many threads."""

    def __init__(self, api_url: str, api_key: str) -> None:
        self._api_url = api_url
        self._api_key = api_key
        self._calls = threading.Semaphore(CONCURRENT_CALLS)

    def post(self, request: dict[str, Any], idempotency_key: str | None = None) -> Answer:
        """Ask for a message."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._call("POST", "/messages", json.dumps(request).encode(), headers)

    def status(self, message_id: str) -> Answer:
        """Ask what became of a message."""
        return self._call("GET", f"/messages/{message_id}")

    def cancel(self, message_id: str) -> Answer:
        """Stop the steps of a message that have not been sent."""
        return self._call("POST", f"/messages/{message_id}/cancel", b"")

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        request = urllib.request.Request(  # noqa: S310 -- the deployment's own http URL
            self._api_url + path,
            data=body,
            method=method,
            headers={
                "x-api-key": self._api_key,
                "content-type": "application/json",
                **(headers or {}),
            },
        )
        with self._calls:
            try:
                with urllib.request.urlopen(  # noqa: S310 -- as above
                    request, timeout=TIMEOUT_SECONDS
                ) as response:
                    return _answer(response.status, response.headers, response.read())
            except urllib.error.HTTPError as error:
                with error:
                    return _answer(error.code, error.headers, error.read())


def _answer(status: int, headers: Any, body: bytes) -> Answer:  # noqa: ANN401 -- an email.Message
    try:
        document = json.loads(body)
    except ValueError:
        document = {"body": body.decode(errors="replace")}
    return Answer(status, headers.get("content-type", ""), document)


def fetch_outbox(simulator_url: str) -> list[dict[str, Any]]:
    """Return every send that the simulated providers accepted, oldest first."""
    with urllib.request.urlopen(  # noqa: S310 -- the simulator's own http URL
        f"{simulator_url}/outbox", timeout=TIMEOUT_SECONDS
    ) as response:
        messages: list[dict[str, Any]] = json.load(response)["messages"]
        return messages
