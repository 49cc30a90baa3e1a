"""`python -m local up`, `python -m local demo` and `python -m local preview`."""

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from infra.settings import SettingsError
from local.recording import ProjectError


def main() -> int:
    """Run one of the commands and return the exit status."""
    arguments = _arguments()
    # What the encoding of the output lacks is no reason to stop.
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a text file
    try:
        return _run(arguments)
    except (ProjectError, SettingsError) as error:
        # The sentence says it all; the way to it through Pulumi's engine says nothing.
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever reads has enough, like `head`. At exit Python would flush, and fail, once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "preview":
        from local.preview import preview  # noqa: PLC0415 -- for this command only

        print(
            _writable(preview(arguments.project, arguments.stack, as_json=arguments.json)),
            flush=True,
        )
        return 0
    # These have what only a deployment needs: the emulator, the scenarios.
    from local.emulator import EmulatorError  # noqa: PLC0415

    # Raised in the main thread wherever it is, so that everything started is stopped in order.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if arguments.command == "demo":
            from local.demo import demo  # noqa: PLC0415 -- for this command only

            return demo()
        from local.up import up  # noqa: PLC0415 -- for this command only

        up()
    except EmulatorError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0 if arguments.command == "up" else 130
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="deploy and keep running")
    commands.add_parser("demo", help="deploy, run every scenario, stop")
    preview = commands.add_parser("preview", help="show what a stack would create, and create none")
    preview.add_argument(
        "--stack", default="dev", help="dev, staging, prod or another (%(default)s)"
    )
    preview.add_argument(
        "--project", type=Path, default=Path.cwd(), help="directory of a Pulumi program"
    )
    preview.add_argument("--json", action="store_true", help="for tools")
    return parser.parse_args()


def _writable(text: str) -> str:
    """Return the text with the lines of its tree as plain characters where no others can be."""
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return text.translate({ord("├"): "|", ord("└"): "`", ord("─"): "-", ord("│"): "|"})
    return text


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
