"""Notes each AWS call of a Python process in the file CALLS_FILE.

Python runs this at its start where the folder is on PYTHONPATH: the functions of the emulator do,
when a test wants to know what they call.
"""

import json
import os
from pathlib import Path

from botocore.client import BaseClient

_make_api_call = BaseClient._make_api_call


def _noting(client, operation, parameters):
    call = {
        "function": os.environ["AWS_LAMBDA_FUNCTION_NAME"],
        "service": client.meta.service_model.service_name,
        "operation": operation,
        "parameters": parameters,
    }
    # One write of a line is not mixed with those of other processes.
    with Path(os.environ["CALLS_FILE"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(call, default=lambda value: type(value).__name__) + "\n")
    return _make_api_call(client, operation, parameters)


BaseClient._make_api_call = _noting
