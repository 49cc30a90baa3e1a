"""API Gateway stages, and the keys and usage plans that open them."""

from local.cloud import Cloud
from local.resources.registration import Created, Registration, given, same

# Pulumi's setting of a method -> the path of the patch that changes it.
METHOD_SETTINGS = {
    "dataTraceEnabled": "logging/dataTrace",
    "loggingLevel": "logging/loglevel",
    "metricsEnabled": "metrics/enabled",
    "throttlingBurstLimit": "throttling/burstLimit",
    "throttlingRateLimit": "throttling/rateLimit",
}


def stage_url(cloud: Cloud, api_id: str, stage_name: str) -> str:
    """Return the URL of a stage.

    In the form with a path, since the form with a host (`<id>.execute-api.localhost`) needs a
    resolver that knows subdomains of localhost, and not every system has one.
    """
    return f"{cloud.emulator_url}/_aws/execute-api/{api_id}/{stage_name}"


def create_deployment(cloud: Cloud, resource: Registration) -> Created:
    """Deploy an API."""
    inputs = resource.inputs
    answer = cloud.client("apigateway").create_deployment(
        restApiId=inputs["restApi"], **same(inputs, ["description"])
    )
    return answer["id"], {}


def create_stage(cloud: Cloud, resource: Registration) -> Created:
    """Serve a deployment under a stage's name."""
    inputs = resource.inputs
    api_id, name = inputs["restApi"], inputs["stageName"]
    cloud.client("apigateway").create_stage(
        restApiId=api_id,
        deploymentId=inputs["deployment"],
        **same(inputs, ["description", "stageName", "tags", "variables"]),
        **given(tracingEnabled=inputs.get("xrayTracingEnabled")),
    )
    logs = inputs.get("accessLogSettings") or {}
    _patch_stage(
        cloud,
        api_id,
        name,
        {f"/accessLogSettings/{key}": value for key, value in logs.items()},
    )
    return f"ags-{api_id}-{name}", {
        "arn": f"arn:aws:apigateway:{cloud.region}::/restapis/{api_id}/stages/{name}",
        "executionArn": f"arn:aws:execute-api:{cloud.region}:{cloud.account_id}:{api_id}/{name}",
        "invokeUrl": stage_url(cloud, api_id, name),
    }


def set_method_settings(cloud: Cloud, resource: Registration) -> Created:
    """Set logging, metrics and throttling of a stage's methods."""
    inputs = resource.inputs
    path = inputs["methodPath"]
    changes = {
        f"/{path}/{setting}": inputs["settings"][name]
        for name, setting in METHOD_SETTINGS.items()
        if inputs["settings"].get(name) is not None
    }
    _patch_stage(cloud, inputs["restApi"], inputs["stageName"], changes)
    return f"{inputs['restApi']}-{inputs['stageName']}-{path}", {}


def create_api_key(cloud: Cloud, resource: Registration) -> Created:
    """Create an API key; a key is enabled unless the program says otherwise."""
    inputs = resource.inputs
    name = resource.physical_name()
    answer = cloud.client("apigateway").create_api_key(
        name=name,
        enabled=inputs.get("enabled", True),
        **same(inputs, ["description", "tags", "value"]),
    )
    arn = f"arn:aws:apigateway:{cloud.region}::/apikeys/{answer['id']}"
    return answer["id"], {"name": name, "arn": arn, "value": answer["value"]}


def create_usage_plan(cloud: Cloud, resource: Registration) -> Created:
    """Create a usage plan for stages, with its rate and its quota."""
    inputs = resource.inputs
    name = resource.physical_name()
    answer = cloud.client("apigateway").create_usage_plan(
        name=name,
        apiStages=[same(stage, ["apiId", "stage"]) for stage in inputs.get("apiStages") or []],
        **same(inputs, ["description", "tags"]),
        **given(quota=inputs.get("quotaSettings"), throttle=inputs.get("throttleSettings")),
    )
    arn = f"arn:aws:apigateway:{cloud.region}::/usageplans/{answer['id']}"
    return answer["id"], {"name": name, "arn": arn}


def add_key_to_usage_plan(cloud: Cloud, resource: Registration) -> Created:
    """Let a key use a plan."""
    inputs = resource.inputs
    answer = cloud.client("apigateway").create_usage_plan_key(
        **same(inputs, ["usagePlanId", "keyId", "keyType"])
    )
    return inputs["keyId"], {"name": answer.get("name", ""), "value": answer.get("value", "")}


def _patch_stage(cloud: Cloud, api_id: str, name: str, changes: dict[str, object]) -> None:
    operations = [
        {
            "op": "replace",
            "path": path,
            "value": str(value).lower() if isinstance(value, bool) else str(value),
        }
        for path, value in changes.items()
    ]
    if operations:
        cloud.client("apigateway").update_stage(
            restApiId=api_id, stageName=name, patchOperations=operations
        )


CREATORS = {
    "aws:apigateway/apiKey:ApiKey": create_api_key,
    "aws:apigateway/deployment:Deployment": create_deployment,
    "aws:apigateway/methodSettings:MethodSettings": set_method_settings,
    "aws:apigateway/stage:Stage": create_stage,
    "aws:apigateway/usagePlan:UsagePlan": create_usage_plan,
    "aws:apigateway/usagePlanKey:UsagePlanKey": add_key_to_usage_plan,
}
