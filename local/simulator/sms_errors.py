"""The errors of the SMS service, with the further members that its shapes have."""

from local.simulator.wire import Fault, ServiceError


def validation(message: str, reason: str, fields: list[Fault] | None = None) -> ServiceError:
    """Make a ValidationException with its reason and the fields that are wrong."""
    named = [{"Name": fault.path, "Message": str(fault)} for fault in fields or []]
    return ServiceError("ValidationException", message, Reason=reason, Fields=named)


def conflict(message: str, reason: str, resource_type: str, resource_id: str) -> ServiceError:
    """Make a ConflictException with its reason."""
    return ServiceError(
        "ConflictException",
        message,
        Reason=reason,
        ResourceType=resource_type,
        ResourceId=resource_id,
    )


def not_found(resource_type: str, resource_id: str) -> ServiceError:
    """Make a ResourceNotFoundException."""
    message = f"Resource not found: {resource_type}/{resource_id}"
    return ServiceError(
        "ResourceNotFoundException", message, ResourceType=resource_type, ResourceId=resource_id
    )
