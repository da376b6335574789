"""Run the packaged app as the platform does, and have its webhook answer: `APP_DIR STARTED`.

STARTED is the monotonic time at which the process was asked for. Standard input has the requests, a
JSON list of query and body. Prints one line of JSON: the functions, the answers, each with the
seconds since STARTED, and the files of all modules loaded.
"""

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

APP = Path(sys.argv[1])
BUNDLED = APP / ".python_packages" / "lib" / "site-packages"
# The worker library is the platform's; here it comes with the app, which pins the same one.
sys.path.insert(0, str(BUNDLED))

from sandbox.functionshost import protos  # noqa: E402
from sandbox.functionshost.functions import Function, HttpTrigger  # noqa: E402
from sandbox.functionshost.worker import Input, Worker, order_sys_path  # noqa: E402


async def main() -> None:
    """Index the app and hand it the requests, one after the other."""
    worker = Worker(timeout=timedelta(seconds=30), on_timeout=lambda: sys.exit(1))
    indexed = {metadata.name: metadata for metadata in await worker.index(APP)}
    trigger = HttpTrigger("req", "graph/notifications", frozenset({"POST"}), "ANONYMOUS")
    webhook = Function(
        "notifications", indexed["notifications"].function_id, trigger, bindings=[], retry=None
    )
    told = {
        "functions": sorted(indexed),
        "answers": [await _answer(worker, webhook, request) for request in json.load(sys.stdin)],
        "files": [
            module.__file__
            for name, module in sys.modules.items()
            if name.partition(".")[0] not in {"sandbox", "__main__"}
            and getattr(module, "__file__", None)
        ],
    }
    print(json.dumps(told))


async def _answer(worker: Worker, webhook: Function, asked: Mapping[str, Any]) -> dict[str, Any]:
    request = protos.RpcHttp(
        method="POST",
        url="https://tether.azurewebsites.net/api/graph/notifications",
        query=asked["query"],
        body=protos.TypedData(bytes=asked["body"].encode()),
    )
    outcome = await worker.invoke(webhook, Input(protos.TypedData(http=request), metadata={}))
    answer = outcome.returned.content if outcome.returned else None
    if not isinstance(answer, protos.RpcHttp):
        sys.exit(f"the webhook gave no answer: {outcome.failure}")
    body = answer.body.content
    return {
        "status": int(answer.status_code),
        "body": body.decode() if isinstance(body, bytes) else str(body or ""),
        "seconds": time.monotonic() - float(sys.argv[2]),
    }


order_sys_path(APP)
asyncio.run(main())
