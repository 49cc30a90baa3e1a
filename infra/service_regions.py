"""The Regions that have SES and SMS, as AWS's SDK lists them; nothing here imports pulumi.

Of botocore's `get_available_regions` (a test compares them). Where a service is not, its endpoint
has no address, and an update stops there with nothing but that. The list may be older than a
Region, so that it is good for a warning only.
"""

from collections.abc import Iterator

from .policies import Location

__all__ = ["SERVICE_REGIONS", "region_warnings"]

# By the name that botocore has for the service.
SERVICE_REGIONS = {
    "sesv2": frozenset(
        (
            *("af-south-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1"),
            *("ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3"),
            *("ap-southeast-5", "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2"),
            *("eu-north-1", "eu-south-1", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1"),
            *("me-central-1", "me-south-1", "sa-east-1", "us-east-1", "us-east-2"),
            *("us-gov-east-1", "us-gov-west-1", "us-west-1", "us-west-2"),
        )
    ),
    "pinpoint-sms-voice-v2": frozenset(
        (
            *("af-south-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
            *("ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3"),
            *("ap-southeast-4", "ap-southeast-6", "ca-central-1", "ca-west-1", "eu-central-1"),
            *("eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2"),
            *("eu-west-3", "il-central-1", "me-central-1", "me-south-1", "mx-central-1"),
            *("sa-east-1", "us-east-1", "us-east-2", "us-gov-east-1", "us-gov-west-1"),
            *("us-west-1", "us-west-2"),
        )
    ),
}


def region_warnings(place: Location, *, ses: bool, sms: bool) -> Iterator[str]:
    """Yield a sentence for each service that the stack sets up in a Region without it."""
    for wanted, service, name, parameters in (
        (ses, "sesv2", "SES", "createSESConfigSet and attachSESEventDestination"),
        (
            *(sms, "pinpoint-sms-voice-v2", "End User Messaging SMS"),
            "createSMSConfigSet and attachSMSEventDestination",
        ),
    ):
        if wanted and place.region not in SERVICE_REGIONS[service]:
            yield (
                f"{name} is not in {place.region}, as far as AWS's SDK knows: pulumi up will "
                f"probably stop at it halfway. Take another Region, or set {parameters} to false"
            )
