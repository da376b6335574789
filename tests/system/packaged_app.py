"""Run the packaged app as the platform does, and answer one handshake: `APP_DIR STARTED`.

STARTED is the monotonic time at which the process was asked for. Prints one line of JSON: the
functions, status and body, the seconds since STARTED, and the files of all modules loaded.
"""

import asyncio
import json
import sys
import time
from datetime import timedelta
from pathlib import Path

APP = Path(sys.argv[1])
BUNDLED = APP / ".python_packages" / "lib" / "site-packages"
# The worker library is the platform's; here it comes with the app, which pins the same one.
sys.path.insert(0, str(BUNDLED))

from sandbox.functionshost import protos  # noqa: E402
from sandbox.functionshost.functions import Function, HttpTrigger  # noqa: E402
from sandbox.functionshost.worker import Input, Worker, order_sys_path  # noqa: E402

TOKEN = "Validation: Testing client application reachability for subscription"


async def main() -> None:
    """Index the app and have its webhook answer."""
    worker = Worker(timeout=timedelta(seconds=30), on_timeout=lambda: sys.exit(1))
    indexed = {metadata.name: metadata for metadata in await worker.index(APP)}
    trigger = HttpTrigger("req", "graph/notifications", frozenset({"POST"}), "ANONYMOUS")
    webhook = Function(
        "notifications", indexed["notifications"].function_id, trigger, bindings=[], retry=None
    )
    url = "https://tether.azurewebsites.net/api/graph/notifications"
    request = protos.RpcHttp(method="POST", url=url, query={"validationToken": TOKEN})
    answered = await worker.invoke(webhook, Input(protos.TypedData(http=request), metadata={}))
    seconds = time.monotonic() - float(sys.argv[2])
    answer = answered.returned.content if answered.returned else None
    if not isinstance(answer, protos.RpcHttp):
        sys.exit(f"the webhook gave no answer: {answered.failure}")
    told = {
        "functions": sorted(indexed),
        "status": int(answer.status_code),
        "body": _text(answer.body.content),
        "token": TOKEN,
        "seconds": seconds,
        "files": [
            module.__file__
            for name, module in sys.modules.items()
            if name.partition(".")[0] not in {"sandbox", "__main__"}
            and getattr(module, "__file__", None)
        ],
    }
    print(json.dumps(told))


def _text(body: object) -> str:
    return body.decode() if isinstance(body, bytes) else str(body)


order_sys_path(APP)
asyncio.run(main())
