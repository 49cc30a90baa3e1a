"""What an operator does about a call to AWS that has failed, in one line."""

from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  the base of botocore's own
    CredentialRetrievalError,
    HTTPClientError,
    LoginError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

_LOG_IN: Final = "log in (aws sso login, aws login), or set AWS_PROFILE to the stack's account"
_NO_CREDENTIALS: Final = (
    CredentialRetrievalError,
    LoginError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
# The services' own spellings: query protocols, JSON protocols, SQS with both.
_NOT_VALID: Final = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "KMSAccessDeniedException"})
_MISSING: Final = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
    }
)


def advice(error: BotoCoreError | ClientError, local_url: str | None) -> str:
    """Say what was wrong, and what to do about it; `local_url` is where `make local` should be."""
    if isinstance(error, ClientError):
        return _about_answer(error)
    if isinstance(error, _NO_CREDENTIALS):
        return f"no AWS credentials ({_one_line(error)}): {_LOG_IN}"
    if isinstance(error, ConnectionError | HTTPClientError):
        if local_url:
            return f"nothing answers at {local_url}: is `make local` running?"
        return f"AWS cannot be reached ({_one_line(error)}): check network and Region"
    return _one_line(error)


def _about_answer(error: ClientError) -> str:
    code = str(error.response.get("Error", {}).get("Code", "Unknown"))
    if code in _NOT_VALID:
        return f"the AWS credentials are not valid, or not any more ({code}): {_LOG_IN}"
    if code in _DENIED:
        return f"{_one_line(error)}: use credentials of the stack's account that may do this"
    if code in _MISSING:
        return (
            f"{_one_line(error)}: are these credentials of the stack's account, and the outputs "
            f"those of the stack as it is?"
        )
    return _one_line(error)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
