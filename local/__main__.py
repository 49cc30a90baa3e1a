"""`python -m local up` and `python -m local demo`."""

import argparse
import signal
import sys
from types import FrameType


def main() -> int:
    """Run one of the commands and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument(
        "command",
        choices=("up", "demo"),
        help="up: deploy and keep running; demo: deploy, run every scenario, stop",
    )
    command = parser.parse_args().command
    # Raised in the main thread wherever it is, so that everything started is stopped in order.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if command == "demo":
            # rich and the scenarios are for this command only.
            from local.demo import demo  # noqa: PLC0415

            return demo()
        from local.up import up  # noqa: PLC0415 -- for this command only

        up()
    except KeyboardInterrupt:
        return 0 if command == "up" else 130
    return 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
