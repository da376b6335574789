"""What was acknowledged is there after the process was killed."""

import asyncio
import os
import sys
from pathlib import Path

import aiohttp

from tests.contract.graph.service import Service, mail
from tests.contract.graph.webhook import Webhook

PROGRAM = """
import asyncio, sys
from pathlib import Path
from tests.contract.graph.service import Service

async def main():
    async with Service(state=Path(sys.argv[1])) as service:
        created = await service.subscribe(sys.argv[2])
        print(service.graph.url, created["id"], service.graph.token(), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_kill_9_loses_neither_mail_nor_subscription_nor_notification(
    tmp_path: Path, webhook: Webhook
) -> None:
    state = tmp_path / "graph.db"
    webhook.statuses = [503]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(state), webhook.url,
        stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3], env=dict(os.environ),
    )  # fmt: skip
    assert process.stdout
    url, subscription, token = (await process.stdout.readline()).decode().split()
    path = f"{url}/_sandbox/mailboxes/ada@contoso.example/deliver"
    async with aiohttp.request("POST", path, data=mail()) as response:
        delivered = (await response.json())["id"]
    path = f"{url}/v1.0/users/ada@contoso.example/messages/{delivered}"
    bearer = {"Authorization": f"Bearer {token}"}
    async with aiohttp.request("PATCH", path, json={"isRead": True}, headers=bearer) as response:
        assert response.status == 200
    process.kill()
    await process.wait()
    async with Service(state=state) as again:
        await webhook.until(
            lambda: {("created", delivered), ("updated", delivered)} == set(webhook.kinds())
        )
        assert webhook.entries[0]["subscriptionId"] == subscription
        _, message = await again.call("GET", f"/users/{again.ada.id}/messages/{delivered}")
        assert message["isRead"] is True
