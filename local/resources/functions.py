"""Lambda functions, their permissions and event source mappings."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pulumi

from local.cloud import Cloud
from local.resources.registration import Created, Registration, given, pick


def create_function(cloud: Cloud, resource: Registration) -> Created:
    """Create a function from the archive that the program built."""
    inputs = resource.inputs
    name = resource.physical_name()
    logging, tracing = inputs.get("loggingConfig"), inputs.get("tracingConfig")
    network = inputs.get("vpcConfig")
    function = cloud.client("lambda").create_function(
        FunctionName=name,
        Code={"ZipFile": archive_bytes(inputs["code"])},
        **pick(
            inputs,
            [
                "architectures",
                "description",
                "handler",
                "memorySize",
                "publish",
                "role",
                "runtime",
                "tags",
                "timeout",
            ],
        ),
        **given(
            Environment=pick(inputs.get("environment") or {}, ["variables"]) or None,
            KMSKeyArn=inputs.get("kmsKeyArn"),
            LoggingConfig=logging
            and pick(logging, ["applicationLogLevel", "logFormat", "logGroup", "systemLogLevel"]),
            TracingConfig=tracing and pick(tracing, ["mode"]),
            VpcConfig=network and pick(network, ["subnetIds", "securityGroupIds"]),
        ),
    )
    if inputs.get("reservedConcurrentExecutions", -1) >= 0:
        cloud.client("lambda").put_function_concurrency(
            FunctionName=name,
            ReservedConcurrentExecutions=inputs["reservedConcurrentExecutions"],
        )
    arn = function["FunctionArn"]
    path = f"2015-03-31/functions/{arn}/invocations"
    return name, {
        "name": name,
        "arn": arn,
        "invokeArn": f"arn:aws:apigateway:{cloud.region}:lambda:path/{path}",
        "qualifiedArn": f"{arn}:{function['Version']}",
        "version": function["Version"],
    }


def add_permission(cloud: Cloud, resource: Registration) -> Created:
    """Let a service invoke a function."""
    inputs = resource.inputs
    statement_id = resource.physical_name("statementId")
    cloud.client("lambda").add_permission(
        FunctionName=inputs["function"],
        StatementId=statement_id,
        **pick(inputs, ["action", "principal", "sourceArn", "sourceAccount", "qualifier"]),
    )
    return statement_id, {"statementId": statement_id}


def set_recursion(cloud: Cloud, resource: Registration) -> Created:
    """Say whether a function may start itself over a queue."""
    name = resource.inputs["functionName"]
    cloud.client("lambda").put_function_recursion_config(
        FunctionName=name, RecursiveLoop=resource.inputs["recursiveLoop"]
    )
    return name, {}


def create_event_source_mapping(cloud: Cloud, resource: Registration) -> Created:
    """Feed a function from a queue or a stream."""
    inputs = resource.inputs
    on_failure = (inputs.get("destinationConfig") or {}).get("onFailure")
    scaling = inputs.get("scalingConfig")
    filters = (inputs.get("filterCriteria") or {}).get("filters")
    mapping = cloud.client("lambda").create_event_source_mapping(
        **pick(
            inputs,
            [
                "batchSize",
                "bisectBatchOnFunctionError",
                "enabled",
                "eventSourceArn",
                "functionName",
                "functionResponseTypes",
                "maximumBatchingWindowInSeconds",
                "maximumRecordAgeInSeconds",
                "maximumRetryAttempts",
                "parallelizationFactor",
                "startingPosition",
                "tags",
                "tumblingWindowInSeconds",
            ],
        ),
        **given(
            DestinationConfig=on_failure
            and {"OnFailure": {"Destination": on_failure["destinationArn"]}},
            FilterCriteria=filters and {"Filters": [pick(item, ["pattern"]) for item in filters]},
            ScalingConfig=scaling and pick(scaling, ["maximumConcurrency"]),
        ),
    )
    return mapping["UUID"], {
        "uuid": mapping["UUID"],
        "functionArn": mapping["FunctionArn"],
        "state": mapping.get("State", "Enabled"),
    }


def archive_bytes(archive: pulumi.Archive) -> bytes:
    """Return the zip file that the Pulumi engine would upload for an archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for path, content in sorted(_files("", archive).items()):
            # A fixed time, as in the engine: the same tree gives the same bytes.
            entry = zipfile.ZipInfo(path, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            file.writestr(entry, content)
    return buffer.getvalue()


def _files(path: str, asset: Any) -> dict[str, bytes]:  # noqa: ANN401 -- an asset or archive
    if isinstance(asset, pulumi.AssetArchive):
        return {
            name: content
            for member, inner in asset.assets.items()
            for name, content in _files(f"{path}/{member}".lstrip("/"), inner).items()
        }
    if isinstance(asset, pulumi.StringAsset):
        return {path: asset.text.encode()}
    if isinstance(asset, pulumi.FileAsset):
        return {path: Path(asset.path).read_bytes()}
    if isinstance(asset, pulumi.FileArchive) and Path(asset.path).is_dir():
        root = Path(asset.path)
        return {
            f"{path}/{file.relative_to(root).as_posix()}".lstrip("/"): file.read_bytes()
            for file in sorted(root.rglob("*"))
            if file.is_file()
        }
    if isinstance(asset, pulumi.FileArchive):
        with zipfile.ZipFile(asset.path) as file:
            return {
                f"{path}/{name}".lstrip("/"): file.read(name)
                for name in file.namelist()
                if not name.endswith("/")
            }
    raise TypeError(f"cannot read {type(asset).__name__} without a network")


CREATORS = {
    "aws:lambda/eventSourceMapping:EventSourceMapping": create_event_source_mapping,
    "aws:lambda/function:Function": create_function,
    "aws:lambda/functionRecursionConfig:FunctionRecursionConfig": set_recursion,
    "aws:lambda/permission:Permission": add_permission,
}
