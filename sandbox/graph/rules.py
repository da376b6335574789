"""The service's figures, in one place so that they can be set (graph.md 1.2, 2.2, 7)."""

from pydantic import BaseModel, ConfigDict


class Rules(BaseModel):
    """How much is let in, how subscriptions live, how notifications are delivered; in seconds.

    `latency` is how long an operation on a mailbox keeps its place among the `concurrent` ones.

    An endpoint is slow when more than `slow_share` of the answers of the last `window` took longer
    than `slow_after`: what is new then waits for `penalty`. It is dropping when more than
    `drop_share` took longer than `drop_after`: what is new is then discarded for `penalty`. Neither
    is judged before `judged_after` answers.
    """

    model_config = ConfigDict(frozen=True)

    concurrent: int = 4
    request_window: float = 600
    requests_per_window: int = 10_000
    upload_window: float = 300
    upload_bytes_per_window: int = 150_000_000
    latency: float = 0

    longest_subscription: float = 10_070 * 60
    longest_task_subscription: float = 4_230 * 60
    shortest_subscription: float = 45 * 60
    subscriptions_per_mailbox: int = 1000
    validation_timeout: float = 10
    reauthorization_interval: float = 15 * 60

    collect: float = 0.05
    largest_post: int = 100
    first_timeout: float = 3
    retry_timeout: float = 10
    first_retry: float = 2
    longest_retry: float = 30 * 60
    give_up: float = 4 * 3600

    window: float = 600
    penalty: float = 600
    slow_share: float = 0.10
    slow_after: float = 3
    drop_share: float = 0.15
    drop_after: float = 10
    judged_after: int = 100
