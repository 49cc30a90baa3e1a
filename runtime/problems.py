"""Errors of the API as RFC 9457 problem documents."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from .request_schema import Fault

PROBLEM_JSON: Final = "application/problem+json"

_TITLES: Final = {
    400: "The request is not valid",
    403: "The request is not allowed",
    404: "There is no such message",
    409: "There is nothing left to cancel",
    413: "The request is too large",
    422: "The Idempotency-Key was used for another request",
    429: "The recipient has got too many messages",
    503: "The request cannot be taken now",
}


class ProblemError(Exception):
    """An answer of 4xx or 503: a status, a sentence, and the faults where there are several."""

    def __init__(
        self,
        status: int,
        detail: str,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.faults = faults
        self.headers = dict(headers or {})

    def document(self) -> dict[str, Any]:
        """Return the body of the answer."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": _TITLES[self.status],
            "status": self.status,
            "detail": self.detail,
        }
        if self.faults:
            document["errors"] = [asdict(fault) for fault in self.faults]
        return document
