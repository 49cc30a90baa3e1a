"""A small language host for Python: what the engine starts as `pulumi-language-python`.

Only for a CLI that was built from its Go module, which is without its own host. It runs programs,
plugins and policy packs in their virtual environments and installs their dependencies with pip.
Runs with a Python that has pulumi, and `pulumi-language-python-exec` on the PATH.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

# By this code a program says that it has shown its error itself.
SHOWN = 32
# What the host has started and what has not ended.
RUNNING: "set[subprocess.Popen[bytes]]" = set()
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
# Installed packages with a pulumi-plugin.json name the plugin that they need.
FIND_PLUGINS = """
import json, pathlib, sysconfig
for file in pathlib.Path(sysconfig.get_path("purelib")).glob("*/pulumi-plugin.json"):
    print(json.dumps(json.loads(file.read_text())))
"""


def python_of(info: Any) -> Path:
    """Return the interpreter of a program: its virtual environment's, or the host's own."""
    virtualenv = dict(info.options).get("virtualenv")
    if not virtualenv:
        return Path(sys.executable)
    return Path(info.root_directory, virtualenv, "bin", "python")


def environment_of(info: Any) -> dict[str, str]:
    folder = python_of(info).parent
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "VIRTUAL_ENV": str(folder.parent), "PATH": path}


def streamed(
    command: Sequence[object], answer: Callable[..., Any], **options: Any
) -> Generator[Any, None, int]:
    """Run a command; yield what it prints as answers, and return its exit code."""
    process = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )
    RUNNING.add(process)
    printed: SimpleQueue[Any] = SimpleQueue()

    def pump(pipe: Any, name: str) -> None:
        while chunk := os.read(pipe.fileno(), 1 << 16):
            printed.put(answer(**{name: chunk}))
        printed.put(None)

    pipes = (("stdout", process.stdout), ("stderr", process.stderr))
    for name, pipe in pipes:
        threading.Thread(target=pump, args=(pipe, name), daemon=True).start()
    try:
        ended = 0
        while ended < len(pipes):
            item = printed.get()
            if item is None:
                ended += 1
            else:
                yield item
        return process.wait()
    finally:
        process.kill()
        RUNNING.discard(process)


class Host(language_pb2_grpc.LanguageRuntimeServicer):
    """The calls of the engine that these programs need."""

    def __init__(self, engine: str) -> None:
        self.engine = engine

    def Handshake(self, request, context):
        self.engine = request.engine_address or self.engine
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version="")

    def Cancel(self, request, context):
        return empty_pb2.Empty()

    def RuntimeOptionsPrompts(self, request, context):
        return language_pb2.RuntimeOptionsResponse()

    def About(self, request, context):
        return language_pb2.AboutResponse(executable=str(python_of(request.info)))

    def GetProgramDependencies(self, request, context):
        return language_pb2.GetProgramDependenciesResponse()

    def GetRequiredPackages(self, request, context):
        try:
            found = subprocess.run(
                [python_of(request.info), "-c", FIND_PLUGINS],
                capture_output=True,
                text=True,
                check=True,
            )
        except (OSError, subprocess.CalledProcessError) as error:
            context.abort(grpc.StatusCode.UNKNOWN, f"no usable virtual environment: {error}")
        plugins = [json.loads(line) for line in found.stdout.splitlines()]
        packages = [
            plugin_pb2.PackageDependency(
                name=plugin["name"],
                kind="resource",
                version=f"v{plugin.get('version', '').removeprefix('v')}",
            )
            for plugin in plugins
            if plugin.get("resource") and plugin.get("name")
        ]
        return language_pb2.GetRequiredPackagesResponse(packages=packages)

    def Run(self, request, context):
        info = request.info
        arguments = {
            "monitor": request.monitor_address,
            "engine": self.engine,
            "project": request.project,
            "root_directory": info.root_directory,
            "stack": request.stack,
            "pwd": request.pwd,
            "dry_run": "true" if request.dryRun else "false",
            "parallel": str(request.parallel),
            "organization": request.organization,
        }
        flags = [part for key, value in arguments.items() if value for part in (f"--{key}", value)]
        environment = {
            **environment_of(info),
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        executor = shutil.which("pulumi-language-python-exec")
        code = subprocess.run(
            [str(python_of(info)), "-u", str(executor), *flags, info.entry_point, *request.args],
            cwd=info.program_directory,
            env=environment,
            check=False,
        ).returncode
        if code == SHOWN:
            return language_pb2.RunResponse(bail=True)
        if code:
            error = f"program exited with non-zero exit code: {code}"
            return language_pb2.RunResponse(error=error)
        return language_pb2.RunResponse()

    def InstallDependencies(self, request, context):
        folder = Path(request.info.program_directory)
        python = python_of(request.info)
        steps: list[list[object]] = []
        if not python.exists():
            steps.append([sys.executable, "-m", "venv", python.parent.parent])
        if (folder / "requirements.txt").exists():
            steps.append([python, "-m", "pip", "install", "-r", "requirements.txt"])
        for step in steps:
            answer = language_pb2.InstallDependenciesResponse
            code = yield from streamed(step, answer, cwd=folder)
            if code:
                context.abort(grpc.StatusCode.UNKNOWN, f"{step}: exit code {code}")

    def RunPlugin(self, request, context):
        info = request.info
        folder = info.program_directory
        if request.kind == "analyzer":
            command: list[object] = ["-u", "-m", "pulumi.policy", *request.args, folder]
            where = folder
        else:
            command, where = [folder, *request.args], request.pwd
        own = dict(entry.partition("=")[::2] for entry in request.env)
        code = yield from streamed(
            [python_of(info), *command],
            language_pb2.RunPluginResponse,
            cwd=where,
            env={**environment_of(info), **own},
        )
        yield language_pb2.RunPluginResponse(exitcode=code)


def main() -> None:
    # The first argument that is no flag is the engine's address.
    engine = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), "")
    server = grpc.server(ThreadPoolExecutor(16), options=UNLIMITED)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Host(engine), server)
    sys.stdout.write(f"{server.add_insecure_port('127.0.0.1:0')}\n")
    sys.stdout.flush()
    server.start()
    # A Ctrl-C at the terminal is the engine's to handle, which then ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # An engine that ends on an error may leave its hosts behind, and they their plugins.
    starter = os.getppid()
    while server.wait_for_termination(timeout=0.5) and os.getppid() == starter:
        pass
    for process in list(RUNNING):
        process.kill()
    os._exit(0)


if __name__ == "__main__":
    main()
