"""Serve Service Bus by itself: `python -m sandbox.servicebus --entities infra/queues.json`."""

import argparse
import asyncio
from pathlib import Path

from sandbox.clock import Clock
from sandbox.servicebus.entities import read_entities
from sandbox.servicebus.server import ServiceBus


async def _serve(arguments: argparse.Namespace) -> None:
    service = ServiceBus(read_entities(arguments.entities), clock=Clock(), state=arguments.state)
    await service.start(arguments.host, arguments.port)
    print(service.connection_string, flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await service.stop()


def main() -> None:
    """Serve until interrupted; the first line printed is the connection string."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.servicebus", description=__doc__)
    parser.add_argument("--entities", type=Path, required=True, help="queues, as in infra/")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--state", type=Path, help="a file that outlives the process")
    try:
        asyncio.run(_serve(parser.parse_args()))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
