"""What a provider's error proves: taken or not, and of which class the failure is."""

import botocore.session
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
    SSLError,
)

from runtime.channels import CHANNELS
from runtime.channels.channel import Ambiguous, NotAccepted, Rejected, read_error
from runtime.domain.status import FailureClass

SESSION = botocore.session.get_session()
OPERATIONS = {
    "email": ("SendEmail",),
    "sms": ("SendTextMessage", "SendMediaMessage"),
    "whatsapp": ("SendWhatsAppMessage",),
    "rcs": ("SendRcsMessage",),
}
URL = {"endpoint_url": "https://provider"}


def error(code: str, status: int = 400, **extra) -> ClientError:
    body = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}, **extra}
    return ClientError(body, "Send")


def modelled_errors(channel: str) -> dict[str, int]:
    """The error codes of the channel's operations, with their HTTP status, from AWS's models."""
    model = SESSION.get_service_model(CHANNELS[channel].service)
    return {
        shape.metadata.get("error", {}).get("code") or shape.name: shape.metadata.get(
            "error", {}
        ).get("httpStatusCode", 500 if shape.metadata.get("fault") else 400)
        for operation in OPERATIONS[channel]
        for shape in model.operation_model(operation).error_shapes
    }


@pytest.mark.parametrize("channel", list(CHANNELS))
def test_every_modelled_error_is_read_on_purpose(channel) -> None:
    codes = modelled_errors(channel)
    assert len(codes) >= 5
    for code, status in codes.items():
        outcome = read_error(CHANNELS[channel], error(code, status))
        if isinstance(outcome, Rejected):
            assert outcome.failure_class is not FailureClass.UNKNOWN, code
        elif isinstance(outcome, NotAccepted):
            assert "Throttl" in code or "TooMany" in code, code
        else:
            assert isinstance(outcome, Ambiguous)
            assert status >= 500 or code.startswith(("Internal", "Dependency")), code


@pytest.mark.parametrize(
    ("channel", "code", "reason", "expected"),
    [
        ("sms", "ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT", "opted_out"),
        (
            "sms",
            "ConflictException",
            "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION",
            "blocked",
        ),
        ("sms", "ConflictException", "NO_ORIGINATION_IDENTITIES_FOUND", "configuration"),
        ("sms", "AccessDeniedException", "ACCOUNT_DISABLED", "account"),
        ("sms", "AccessDeniedException", None, "configuration"),
        ("sms", "ServiceQuotaExceededException", "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT", "account"),
        ("sms", "ValidationException", "PRICE_OVER_THRESHOLD", "blocked"),
        ("sms", "ValidationException", "SENDER_ID_NOT_SUPPORTED", "configuration"),
        ("rcs", "ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT", "opted_out"),
        ("email", "MessageRejected", None, "content_rejected"),
        ("email", "AccountSuspendedException", None, "account"),
        ("email", "NotFoundException", None, "configuration"),
        ("whatsapp", "InvalidParametersException", None, "content_rejected"),
        ("whatsapp", "ResourceNotFoundException", None, "configuration"),
    ],
)
def test_a_rejection_has_its_class(channel, code, reason, expected) -> None:
    extra = {"Reason": reason} if reason else {}
    outcome = read_error(CHANNELS[channel], error(code, **extra))
    assert isinstance(outcome, Rejected)
    assert outcome.failure_class == expected
    assert outcome.reason == (f"{code}/{reason}" if reason else code)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (ConnectTimeoutError(**URL), NotAccepted),
        (EndpointConnectionError(**URL), NotAccepted),
        (error("Throttling"), NotAccepted),
        (error("TooManyRequestsException", 429), NotAccepted),
        (error("SomethingNew", 429), NotAccepted),
        (ReadTimeoutError(**URL), Ambiguous),
        # botocore says it of a broken answer too, when the request has gone out.
        (SSLError(**URL, error="x"), Ambiguous),
        (ConnectionClosedError(**URL), Ambiguous),
        (error("InternalFailure", 500), Ambiguous),
        (error("503", 503), Ambiguous),
        (NoCredentialsError(), Rejected),
        (ParamValidationError(report="x"), Rejected),
        (error("SomethingNew", 400), Rejected),
    ],
)
def test_what_an_error_proves(raised, expected) -> None:
    assert isinstance(read_error(CHANNELS["email"], raised), expected)


def test_an_errors_text_is_never_kept() -> None:
    raised = error("MessageRejected")
    raised.response["Error"]["Message"] = "Email address is not verified: ann@example.org"
    assert "ann" not in repr(read_error(CHANNELS["email"], raised))
