"""API Gateway REST APIs: paths, methods and what answers them."""

from typing import Any

from local.cloud import Cloud
from local.resources.registration import Created, Registration, given, same


def create_rest_api(cloud: Cloud, resource: Registration) -> Created:
    """Create a REST API, from an OpenAPI document when the program has one."""
    inputs = resource.inputs
    gateway = cloud.client("apigateway")
    name = resource.physical_name()
    types = (inputs.get("endpointConfiguration") or {}).get("types")
    api_id = gateway.create_rest_api(
        name=name,
        **same(
            inputs,
            [
                "apiKeySource",
                "binaryMediaTypes",
                "description",
                "disableExecuteApiEndpoint",
                "policy",
                "tags",
            ],
        ),
        **given(
            endpointConfiguration=types and {"types": [types] if isinstance(types, str) else types},
        ),
    )["id"]
    if inputs.get("body"):
        gateway.put_rest_api(restApiId=api_id, mode="overwrite", body=inputs["body"].encode())
    resources = gateway.get_resources(restApiId=api_id, limit=500)["items"]
    return api_id, {
        "name": name,
        "arn": f"arn:aws:apigateway:{cloud.region}::/restapis/{api_id}",
        "executionArn": f"arn:aws:execute-api:{cloud.region}:{cloud.account_id}:{api_id}",
        "rootResourceId": next(item["id"] for item in resources if item["path"] == "/"),
    }


def set_policy(cloud: Cloud, resource: Registration) -> Created:
    """Set the resource policy of an API."""
    api_id = resource.inputs["restApiId"]
    operation = {"op": "replace", "path": "/policy", "value": resource.inputs["policy"]}
    cloud.client("apigateway").update_rest_api(restApiId=api_id, patchOperations=[operation])
    return api_id, {}


def create_resource(cloud: Cloud, resource: Registration) -> Created:
    """Add a path segment."""
    inputs = resource.inputs
    answer = cloud.client("apigateway").create_resource(
        restApiId=inputs["restApi"], **same(inputs, ["parentId", "pathPart"])
    )
    return answer["id"], {"path": answer["path"]}


def create_model(cloud: Cloud, resource: Registration) -> Created:
    """Add a schema of bodies."""
    inputs = resource.inputs
    name = resource.physical_name()
    answer = cloud.client("apigateway").create_model(
        restApiId=inputs["restApi"],
        name=name,
        **same(inputs, ["contentType", "description", "schema"]),
    )
    return answer["id"], {"name": name}


def create_request_validator(cloud: Cloud, resource: Registration) -> Created:
    """Add a validator of bodies and parameters."""
    inputs = resource.inputs
    answer = cloud.client("apigateway").create_request_validator(
        restApiId=inputs["restApi"],
        name=resource.physical_name(),
        **same(inputs, ["validateRequestBody", "validateRequestParameters"]),
    )
    return answer["id"], {}


def put_method(cloud: Cloud, resource: Registration) -> Created:
    """Add a method to a path."""
    inputs = resource.inputs
    cloud.client("apigateway").put_method(
        **_method(inputs),
        authorizationType=inputs["authorization"],
        **same(
            inputs,
            [
                "apiKeyRequired",
                "authorizationScopes",
                "authorizerId",
                "operationName",
                "requestModels",
                "requestParameters",
                "requestValidatorId",
            ],
        ),
    )
    return f"agm-{_key(inputs)}", {}


def put_method_response(cloud: Cloud, resource: Registration) -> Created:
    """Declare a status code of a method."""
    inputs = resource.inputs
    cloud.client("apigateway").put_method_response(
        **_method(inputs), **same(inputs, ["responseModels", "responseParameters", "statusCode"])
    )
    return f"agmr-{_key(inputs)}-{inputs['statusCode']}", {}


def put_integration(cloud: Cloud, resource: Registration) -> Created:
    """Connect a method with what answers it."""
    inputs = resource.inputs
    cloud.client("apigateway").put_integration(
        **_method(inputs),
        **same(
            inputs,
            [
                "cacheKeyParameters",
                "connectionType",
                "contentHandling",
                "credentials",
                "integrationHttpMethod",
                "passthroughBehavior",
                "requestParameters",
                "requestTemplates",
                "type",
                "uri",
            ],
        ),
        **given(timeoutInMillis=inputs.get("timeoutMilliseconds")),
    )
    return f"agi-{_key(inputs)}", {}


def put_integration_response(cloud: Cloud, resource: Registration) -> Created:
    """Map an integration's answer to a status code."""
    inputs = resource.inputs
    cloud.client("apigateway").put_integration_response(
        **_method(inputs),
        **same(
            inputs,
            [
                "contentHandling",
                "responseParameters",
                "responseTemplates",
                "selectionPattern",
                "statusCode",
            ],
        ),
    )
    return f"agir-{_key(inputs)}-{inputs['statusCode']}", {}


def put_gateway_response(cloud: Cloud, resource: Registration) -> Created:
    """Set what the gateway itself answers when it refuses a request."""
    inputs = resource.inputs
    cloud.client("apigateway").put_gateway_response(
        **same(
            inputs,
            ["restApiId", "responseParameters", "responseTemplates", "responseType", "statusCode"],
        )
    )
    return f"aggr-{inputs['restApiId']}-{inputs['responseType']}", {}


def _method(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"restApiId": inputs["restApi"], **same(inputs, ["resourceId", "httpMethod"])}


def _key(inputs: dict[str, Any]) -> str:
    return f"{inputs['restApi']}-{inputs['resourceId']}-{inputs['httpMethod']}"


CREATORS = {
    "aws:apigateway/integration:Integration": put_integration,
    "aws:apigateway/integrationResponse:IntegrationResponse": put_integration_response,
    "aws:apigateway/method:Method": put_method,
    "aws:apigateway/methodResponse:MethodResponse": put_method_response,
    "aws:apigateway/model:Model": create_model,
    "aws:apigateway/requestValidator:RequestValidator": create_request_validator,
    "aws:apigateway/resource:Resource": create_resource,
    "aws:apigateway/response:Response": put_gateway_response,
    "aws:apigateway/restApi:RestApi": create_rest_api,
    "aws:apigateway/restApiPolicy:RestApiPolicy": set_policy,
}
