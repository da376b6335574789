"""Notifications on their way to a webhook: collected, posted, retried, kept over a restart."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp

from sandbox.clock import Clock
from sandbox.faults import Fault, FaultPlan
from sandbox.graph.rules import Rules
from sandbox.store import Document, Store

_RELEASE_REORDERED_SECONDS = 1.0


class Delivery:
    """Posts entries to webhooks until they are accepted (graph.md 2.2).

    Posts start in the order of the changes and overlap; nothing promises the order of arrival.

    What was given to `post` survives the process once the store is committed. `on_dropped` is told
    the subscription of each entry that is given up.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        faults: FaultPlan,
        rules: Rules,
        on_dropped: Callable[[str], None],
    ) -> None:
        self.store = store
        self.clock = clock
        self.faults = faults
        self.rules = rules
        self.on_dropped = on_dropped
        self.pending = store.collection("notifications")
        self.delivered = 0
        self.failed = 0
        self._endpoints: dict[str, Endpoint] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._last = max(map(int, self.pending), default=0)

    async def start(self) -> None:
        """Open for business and take up what an earlier process left undelivered."""
        self._session = aiohttp.ClientSession(auto_decompress=False)
        for key in sorted(self.pending, key=int):
            self.endpoint(self.pending[key]["url"]).take(key)

    async def stop(self) -> None:
        """Stop posting; what is undelivered stays in the store."""
        for endpoint in self._endpoints.values():
            endpoint.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()
            self._session = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The connection pool towards webhooks."""
        if self._session is None:
            raise RuntimeError("the service has not been started")
        return self._session

    def post(
        self, url: str, subscription_id: str, entry: Document, *, struck: bool = False
    ) -> None:
        """Have `entry` delivered to `url` soon."""
        endpoint = self.endpoint(url)
        if endpoint.dropping():
            self.failed += 1
            self.on_dropped(subscription_id)
            return
        self._last += 1
        key = str(self._last)
        self.pending[key] = {
            "url": url,
            "subscription": subscription_id,
            "entry": entry,
            "struck": struck,
            "attempts": 0,
            "since": self.clock.timestamp(),
        }
        endpoint.take_new(key)

    def forget(self, subscription_id: str) -> None:
        """Drop what is undelivered of a subscription that is no more."""
        for key in [k for k, one in self.pending.items() if one["subscription"] == subscription_id]:
            del self.pending[key]

    def counts(self) -> dict[str, int]:
        """Return how many entries are on their way, were accepted, and were given up."""
        return {"pending": len(self.pending), "delivered": self.delivered, "failed": self.failed}

    def endpoint(self, url: str) -> "Endpoint":
        """Return the endpoint of that URL."""
        if url not in self._endpoints:
            self._endpoints[url] = Endpoint(url, self)
        return self._endpoints[url]

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` until it ends or the service stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Endpoint:
    """One webhook: what waits for it, and how quickly it has answered of late."""

    def __init__(self, url: str, delivery: Delivery) -> None:
        self._url = url
        self._delivery = delivery
        self._waiting: deque[str] = deque()
        self._aside: list[str] = []
        self._collecting = False
        self._closed = False
        self._answers: deque[tuple[float, float]] = deque()
        self._slow_until = 0.0
        self._drop_until = 0.0

    def take(self, key: str) -> None:
        """Put an entry in the queue and see that it is worked on."""
        if self._closed:
            return
        self._waiting.append(key)
        if not self._collecting:
            self._collecting = True
            self._delivery.clock.call_later(self._delivery.rules.collect, self._begin)

    def take_new(self, key: str) -> None:
        """Put a new entry in the queue; while the endpoint is slow, only later."""
        if self._slow_until > self._delivery.clock.timestamp():
            self._later(key, self._delivery.rules.penalty)
        else:
            self.take(key)

    def dropping(self) -> bool:
        """Tell whether what is new is being discarded."""
        return self._drop_until > self._delivery.clock.timestamp()

    def close(self) -> None:
        """Take no more."""
        self._closed = True

    def _later(self, key: str, seconds: float) -> None:
        self._delivery.clock.call_later(seconds, lambda: self.take(key))

    def _begin(self) -> None:
        """Post what was collected; an answer that takes its time holds nothing else up."""
        self._collecting = False
        while self._waiting and not self._closed:
            keys = self._next_keys()
            if keys:
                self._delivery.spawn(self._post(keys))

    def _next_keys(self) -> list[str]:
        """Take what goes into one POST: first attempts and retries go apart."""
        pending = self._delivery.pending
        keys: list[str] = []
        while self._waiting and len(keys) < self._delivery.rules.largest_post:
            key = self._waiting[0]
            if key in pending and keys:
                is_retry = bool(pending[key]["attempts"])
                if is_retry != bool(pending[keys[0]]["attempts"]):
                    break
            self._waiting.popleft()
            if key in pending and self._passes(key):
                keys.append(key)
        return keys

    async def _post(self, keys: list[str]) -> None:
        delivery = self._delivery
        rules = delivery.rules
        delivery.store.commit()
        retry = bool(delivery.pending[keys[0]]["attempts"])
        timeout = rules.retry_timeout if retry else rules.first_timeout
        body = {"value": [delivery.pending[key]["entry"] for key in keys]}
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with delivery.session.post(
                self._url, json=body, timeout=aiohttp.ClientTimeout(total=timeout)
            ) as response:
                accepted = 200 <= response.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            accepted = False
        self._judge(max(loop.time() - began, 0.0))
        for key in keys:
            if key in delivery.pending:
                self._settle(key, accepted=accepted)
        delivery.store.commit()
        self._release_aside()

    def _settle(self, key: str, *, accepted: bool) -> None:
        delivery, rules = self._delivery, self._delivery.rules
        if accepted:
            delivery.delivered += 1
            del delivery.pending[key]
            return
        one = {**delivery.pending[key], "attempts": delivery.pending[key]["attempts"] + 1}
        if delivery.clock.timestamp() - one["since"] >= rules.give_up:
            del delivery.pending[key]
            delivery.failed += 1
            delivery.on_dropped(one["subscription"])
            return
        delivery.pending[key] = one
        wait = rules.first_retry * 2.0 ** min(one["attempts"] - 1, 20)
        self._later(key, min(wait, rules.longest_retry))

    def _judge(self, seconds: float) -> None:
        """Note how long an answer took, and whether the endpoint is slow or worse."""
        rules, now = self._delivery.rules, self._delivery.clock.timestamp()
        answers = self._answers
        answers.append((now, seconds))
        while answers[0][0] <= now - rules.window:
            answers.popleft()
        if len(answers) < rules.judged_after:
            return
        share_slow = sum(took >= rules.slow_after for _, took in answers) / len(answers)
        share_worse = sum(took >= rules.drop_after for _, took in answers) / len(answers)
        self._slow_until = now + rules.penalty if share_slow > rules.slow_share else 0.0
        self._drop_until = now + rules.penalty if share_worse > rules.drop_share else 0.0

    def _passes(self, key: str) -> bool:
        """Tell whether an entry goes out now; a planned fault may say otherwise, once."""
        delivery = self._delivery
        one = delivery.pending[key]
        if one["struck"] or one["attempts"]:
            return True
        fault = delivery.faults.strike(
            "graph", "notify", "lose", "duplicate", "reorder", "delay", "hold"
        )
        if fault is None:
            return True
        delivery.pending[key] = {**one, "struck": True}
        return self._struck(fault, key)

    def _struck(self, fault: Fault, key: str) -> bool:
        delivery = self._delivery
        match fault.action:
            case "lose":
                del delivery.pending[key]
                delivery.store.commit()
            case "duplicate":
                one = delivery.pending[key]
                delivery.post(self._url, one["subscription"], one["entry"], struck=True)
                return True
            case "reorder":
                self._aside.append(key)
                delivery.clock.call_later(_RELEASE_REORDERED_SECONDS, self._release_aside)
            case "delay":
                self._later(key, fault.seconds)
            case _:
                delivery.spawn(self._held(fault, key))
        return False

    async def _held(self, fault: Fault, key: str) -> None:
        await fault.cleared()
        self.take(key)

    def _release_aside(self) -> None:
        released, self._aside = self._aside, []
        for key in released:
            self.take(key)
