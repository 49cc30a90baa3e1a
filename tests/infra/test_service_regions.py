"""Where there is no SES or SMS, the program says so before anything is created."""

from pathlib import Path

import botocore.session
import pytest

from infra.policies import Location
from infra.service_regions import SERVICE_REGIONS, region_warnings
from local.recording import record_project

ROOT = Path(__file__).resolve().parents[2]
PARTITIONS = ("aws", "aws-us-gov", "aws-cn")


@pytest.mark.parametrize("service", SERVICE_REGIONS)
def test_the_regions_are_those_that_botocore_lists(service: str) -> None:
    session = botocore.session.get_session()
    known = {r for p in PARTITIONS for r in session.get_available_regions(service, p)}

    assert known
    assert known == SERVICE_REGIONS[service]


@pytest.mark.parametrize(
    ("region", "lacking"),
    [
        ("eu-west-1", []),
        ("us-gov-west-1", []),
        ("ap-southeast-5", ["End User Messaging SMS is not in ap-southeast-5"]),
        ("mx-central-1", ["SES is not in mx-central-1"]),
        ("cn-north-1", ["SES is not in cn-north-1", "End User Messaging SMS is not in cn-north-1"]),
    ],
)
def test_a_region_without_a_service_is_warned_of(region: str, lacking: list[str]) -> None:
    warnings = [
        each for each in record_project(ROOT, "dev", region).warnings if " is not in " in each
    ]

    assert len(warnings) == len(lacking)
    for warning, sentence in zip(warnings, lacking, strict=True):
        assert warning.startswith(sentence)


def test_what_is_not_set_up_is_not_warned_of() -> None:
    place = Location("aws-cn", "cn-north-1", "123456789012")

    assert len(list(region_warnings(place, ses=True, sms=True))) == 2
    assert list(region_warnings(place, ses=False, sms=False)) == []
