"""`python -m sandbox`: the sandbox as a program."""

import argparse
import asyncio
import logging
import os
import signal
import textwrap
from pathlib import Path

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from sandbox import faults
from sandbox.app import build
from sandbox.options import ENVIRONMENT, Options
from sandbox.prompt_faults import PROMPT_FAULTS


def _parser() -> argparse.ArgumentParser:
    environment = "\n".join(f"  {name:<30} {meaning}" for name, meaning in ENVIRONMENT.items())
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="A stand-in for fal: speaks its queue protocol and renders real videos.",
        epilog=f"environment (default):\n{environment}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--directory", type=Path, default=Path("var/sandbox"), help="requests, files and renders")
    parser.add_argument("--faults", action="store_true", help="list the fault words and the kinds of faults, and leave")
    return parser


def describe_faults() -> str:
    """The fault words and the kinds of faults, as `--faults` prints them."""

    def table(rows: dict[str, str]) -> str:
        return "\n".join(textwrap.fill(f"{n:<28} {m}", 118, subsequent_indent=" " * 29) for n, m in rows.items())

    words = table({name: word.meaning for name, word in PROMPT_FAULTS.items()})
    return (
        f"In a prompt, [sandbox: NAME] makes that request fail:\n\n{words}\n\n"
        "SANDBOX_FAULTS=kind=probability,…,seed=N (or PUT /sandbox/faults) lets faults strike by chance:\n\n"
        f"{table(faults.KINDS)}"
    )


async def serve(host: str, port: int, options: Options) -> None:
    """Serve until SIGTERM or SIGINT, in this one process: killing it leaves nothing behind."""
    app = build(options)
    server = Server(app, host, port, interface=Interfaces.ASGI, websockets=False, log_level=LogLevels.error)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    logging.getLogger("sandbox").info("fal's stand-in on http://%s:%s, files in %s", host, port, options.directory)
    await server.serve()


def main() -> None:
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.faults:
        print(describe_faults())  # noqa: T201 - what was asked for
        return
    logging.basicConfig(level=logging.INFO, format="%(asctime)s sandbox %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        options = Options.from_environment(arguments.directory.resolve(), os.environ)
        faults.parse(options.faults)
    except ValueError as error:
        parser.error(str(error))
    asyncio.run(serve(arguments.host, arguments.port, options))


if __name__ == "__main__":
    main()
