"""Cold starts: each handler in a fresh process, with bytecode as Lambda has it.

Lambda's own libraries (boto3, botocore) come compiled. The archive and the layer come as sources,
and cannot be compiled for good: their folders are read-only, so each cold start compiles them.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from bench.functions import ENVIRONMENT
from bench.measure import Figure

HANDLERS = ("message_api", "send_primary", "send_fallback", "relay_events", "normalize_events")
_RUNS = 5
# What comes with the Powertools layer.
_LAYER = ("aws_lambda_powertools", "typing_extensions.py")
Result = dict[str, Any]


def run() -> Result:
    """Measure every handler, and what each import costs the API."""
    with tempfile.TemporaryDirectory() as folder:
        code = _lay_out(Path(folder))
        results: Result = {}
        # Once before, so that the libraries' bytecode and the disk's cache are there.
        for handler in HANDLERS:
            _start(code, handler)
        samples: dict[str, list[dict[str, float]]] = {handler: [] for handler in HANDLERS}
        for _ in range(_RUNS):
            for handler in HANDLERS:
                samples[handler].append(_start(code, handler))
        for handler, measured in samples.items():
            results[handler] = {
                name: Figure.of([sample[name] for sample in measured]) for name in measured[0]
            }
        return {
            "handlers": results,
            "imports": {handler: _imports(code, handler) for handler in HANDLERS},
        }


def _lay_out(folder: Path) -> list[str]:
    """Copy archive and layer without bytecode; return the path as Lambda has it."""
    from infra.archive import runtime_files  # noqa: PLC0415  pulumi is slow to import

    task, layer = folder / "task", folder / "layer"
    for name, path in runtime_files().items():
        (task / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, task / name)
    layer.mkdir()
    import aws_lambda_powertools  # noqa: PLC0415

    packages = Path(aws_lambda_powertools.__file__).parent.parent
    ignore = shutil.ignore_patterns("__pycache__")
    for name in _LAYER:
        if (packages / name).is_dir():
            shutil.copytree(packages / name, layer / name, ignore=ignore)
        elif (packages / name).exists():
            shutil.copy(packages / name, layer / name)
    return [str(task), str(layer), str(packages)]


def _environment(code: list[str]) -> dict[str, str]:
    # Reads the libraries' bytecode, writes none for the archive and the layer.
    return {
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_DATA_PATH": f"{code[0]}/aws_models",
        **ENVIRONMENT,
    }


def _start(code: list[str], handler: str) -> dict[str, float]:
    project = str(Path(__file__).parent.parent)
    program = [sys.executable, "-S", "-c", _PROGRAM, handler, project, *code]
    output = subprocess.run(  # noqa: S603  our own program
        program, env=_environment(code), check=True, capture_output=True, text=True
    ).stdout
    measured: dict[str, float] = json.loads(output.splitlines()[-1])
    return measured


# Runs on nothing but what a function has; the stand-in comes after the import was measured.
_PROGRAM = """
import sys, time, resource, json, importlib
handler, project, *code = sys.argv[1:]
sys.path[:0] = code

def peak():
    # Not ru_maxrss: a process that was forked starts with its parent's.
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
    except OSError:
        usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return usage / (1024 ** (1 + (sys.platform == "darwin")))

wall, cpu = time.perf_counter(), time.process_time()
module = importlib.import_module("runtime.handlers." + handler)
result = {
    "import_ms": 1000 * (time.perf_counter() - wall),
    "import_cpu_ms": 1000 * (time.process_time() - cpu),
    "import_mb": peak(),
    "modules": len(sys.modules),
}
sys.path.append(project)
from bench.cold_start_call import first_event
from bench.stand_in import StandIn
stand_in = StandIn(0, 0)
stand_in.install()
event, context = first_event(handler, stand_in)
stand_in.cpu_seconds = 0.0
wall, cpu = time.perf_counter(), time.process_time()
module.handler(event, context)
result["first_call_ms"] = 1000 * (time.perf_counter() - wall - stand_in.cpu_seconds)
wall = time.perf_counter()
module.handler(first_event(handler, stand_in)[0], context)
result["second_call_ms"] = 1000 * (time.perf_counter() - wall)
result["first_call_mb"] = peak()
sys.stdout.write("\\n" + json.dumps(result) + "\\n")
"""


def _imports(code: list[str], handler: str) -> dict[str, float]:
    """Return the milliseconds that each package's own modules take, the largest first."""
    program = f"import sys; sys.path[:0] = {code!r}; import runtime.handlers.{handler}"
    lines = subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-S", "-X", "importtime", "-c", program],
        env=_environment(code),
        check=True,
        capture_output=True,
        text=True,
    ).stderr.splitlines()
    packages: Counter[str] = Counter()
    known = {
        "aws_lambda_powertools",
        "boto3",
        "botocore",
        "fastjsonschema",
        "runtime",
        "s3transfer",
        "urllib3",
        "jmespath",
        "dateutil",
        "asyncio",
        "multiprocessing",
    }
    for line in lines[1:]:
        own, _, name = line.removeprefix("import time:").split("|")
        if own.strip().isdigit():
            package = name.strip().split(".")[0]
            kind = package if package in known else "the rest of the standard library"
            packages[kind] += int(own)
    return {name: micros / 1000 for name, micros in packages.most_common()}
