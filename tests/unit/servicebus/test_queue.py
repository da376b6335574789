from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from sandbox.clock import Clock
from sandbox.servicebus.amqp.encode import encode
from sandbox.servicebus.amqp.types import Described, ULong
from sandbox.servicebus.broker.broker import Broker
from sandbox.servicebus.broker.errors import BrokerError
from sandbox.servicebus.broker.message import Message, Settlement
from sandbox.servicebus.broker.queue import Queue, SessionWanted
from sandbox.servicebus.broker.session_queue import Session, SessionQueue
from sandbox.servicebus.entities import QueueSettings
from sandbox.servicebus.store.base import NoStore

NEXT = SessionWanted(None, 60)


def message(
    message_id: str = "", *, session_id: str | None = None, ttl: int | None = None, size: int = 1
) -> bytes:
    header = [None, None, None if ttl is None else ttl]
    fields = [message_id or uuid4().hex, *[None] * 9, session_id]
    while fields[-1] is None:
        fields.pop()
    sections: list[tuple[int, object]] = [(0x73, fields), (0x75, bytes(size))]
    if ttl is not None:
        sections.insert(0, (0x70, header))
    return b"".join(encode(Described(ULong(code), value)) for code, value in sections)


@dataclass(eq=False)
class Hand:
    """A receiver that keeps what it is given."""

    credit: int = 100
    deletes: bool = False
    owner: object = None
    got: list[Message] = field(default_factory=list)
    tokens: list[UUID] = field(default_factory=list)
    session: Session | None = None
    why: str = ""

    @property
    def ready(self) -> bool:
        return self.credit > 0

    def deliver(self, given: Message) -> None:
        self.credit -= 1
        self.got.append(given)
        if given.lock:
            self.tokens.append(given.lock.token)

    def granted(self, session: Session) -> None:
        self.session = session

    def fail(self, error: BrokerError) -> None:
        self.why = error.condition


class Namespace:
    """A broker with one queue, and time to spare."""

    def __init__(self, **settings: object) -> None:
        self.clock = Clock()
        declared = {"q": QueueSettings.model_validate(settings)}
        self.broker = Broker(declared, clock=self.clock, store=NoStore())
        self.queue = self.broker.queue("q")
        self.dead = self.broker.queue("q/$DeadLetterQueue")

    @property
    def sessions(self) -> SessionQueue:
        assert isinstance(self.queue, SessionQueue)
        return self.queue

    def send(self, *messages: bytes) -> None:
        self.broker.send("q", list(messages))
        self.broker.turn()

    def attach(self, hand: Hand, wanted: SessionWanted | None = None) -> Hand:
        self.queue.attach(hand, wanted)
        self.broker.turn()
        return hand

    def advance(self, **by: float) -> None:
        self.clock.advance(timedelta(**by))

    def counts(self) -> Counter[str]:
        return Counter(self.queue.counts() | {"dead": self.dead.depth})


def only(**counts: int) -> Counter[str]:
    names = ("active", "locked", "scheduled", "deferred", "dead")
    return Counter({name: counts.get(name, 0) for name in names})


async def test_receivers_are_served_in_turn_and_within_their_credit() -> None:
    space = Namespace()
    first, second = space.attach(Hand(credit=3)), space.attach(Hand(credit=1))
    space.send(*(message(str(n)) for n in range(6)))
    assert [m.message_id for m in first.got] == ["0", "2", "3"]
    assert [m.message_id for m in second.got] == ["1"]
    assert space.counts() == only(active=2, locked=4)


async def test_an_abandoned_message_returns_to_its_place() -> None:
    space = Namespace()
    hand = space.attach(Hand(credit=1))
    space.send(message("a"), message("b"))
    space.queue.settle(hand.tokens[0], Settlement.ABANDON)
    hand.credit = 2
    space.broker.turn()
    assert [m.message_id for m in hand.got] == ["a", "a", "b"]
    assert hand.got[0].delivery_count == 1


async def test_release_costs_no_delivery() -> None:
    space = Namespace(max_delivery_count=1)
    hand = space.attach(Hand(credit=1))
    space.send(message())
    space.queue.settle(hand.tokens[0], Settlement.RELEASE)
    assert hand.got[0].delivery_count == 0
    assert space.counts() == only(active=1)


async def test_locks_end_by_the_clock_and_the_limit_buries() -> None:
    space = Namespace(max_delivery_count=2, lock_duration=timedelta(seconds=30))
    hand = space.attach(Hand())
    space.send(message("a"))
    space.advance(seconds=29)
    assert len(hand.got) == 1
    space.advance(seconds=1)
    assert len(hand.got) == 2, "served again at once"
    space.advance(seconds=30)
    assert space.counts() == only(dead=1)
    [dead] = space.dead.peek(1, 9)
    assert dead.sections.application_properties()["DeadLetterReason"] == "MaxDeliveryCountExceeded"
    assert dead.source == "q"


async def test_a_renewed_lock_outlives_the_first_timer_and_those_after_it_do_not() -> None:
    space = Namespace(lock_duration=timedelta(seconds=30))
    hand = space.attach(Hand(credit=2))
    space.send(message("a"), message("b"))
    space.advance(seconds=20)
    [until] = space.queue.renew(hand.tokens[:1])
    assert until == pytest.approx(space.clock.timestamp() + 30, abs=1)
    space.advance(seconds=10)
    assert space.counts() == only(active=1, locked=1)
    with pytest.raises(BrokerError, match="message-lock-lost"):
        space.queue.settle(hand.tokens[1], Settlement.COMPLETE)
    space.queue.settle(hand.tokens[0], Settlement.COMPLETE)
    with pytest.raises(BrokerError, match="message-lock-lost"):
        space.queue.settle(hand.tokens[0], Settlement.COMPLETE)


def test_a_lock_past_its_time_is_lost_before_any_timer_says_so() -> None:
    clock = Clock()
    queue = Queue("q", QueueSettings(), clock, NoStore(), Counter())
    hand = Hand()
    queue.attach(hand, None)
    queue.enqueue(Message.read(message()))
    queue.pump()
    clock.advance(timedelta(minutes=1))
    with pytest.raises(BrokerError, match="message-lock-lost"):
        queue.settle(hand.tokens[0], Settlement.COMPLETE)
    with pytest.raises(BrokerError, match="message-lock-lost"):
        queue.renew(hand.tokens)


async def test_a_closed_receivers_locks_stay() -> None:
    space = Namespace()
    hand = space.attach(Hand())
    space.send(message())
    space.queue.detach(hand)
    assert space.counts() == only(locked=1)
    space.queue.settle(hand.tokens[0], Settlement.COMPLETE)
    assert space.counts() == only()


async def test_a_deferred_message_can_be_held_by_one_only() -> None:
    space = Namespace(lock_duration=timedelta(seconds=30))
    hand = space.attach(Hand())
    space.send(message())
    space.queue.settle(hand.tokens[0], Settlement.DEFER)
    [again] = space.queue.receive_deferred([1], deletes=False, session_id=None, owner=None)
    with pytest.raises(BrokerError, match="message-not-found"):
        space.queue.receive_deferred([1], deletes=False, session_id=None, owner=None)
    space.advance(seconds=30)
    assert (again.delivery_count, space.counts()) == (1, only(deferred=1))
    assert len(hand.got) == 1, "it stays deferred"
    space.queue.receive_deferred([1], deletes=True, session_id=None, owner=None)
    assert space.counts() == only()


async def test_time_to_live_spares_the_locked_and_the_deferred() -> None:
    space = Namespace(default_message_time_to_live=timedelta(hours=1))
    hand = space.attach(Hand(credit=2))
    space.send(message("locked", ttl=1000), message("deferred", ttl=1000), message("free", ttl=500))
    space.queue.settle(hand.tokens[1], Settlement.DEFER)
    space.advance(seconds=2)
    assert space.counts() == only(locked=1, deferred=1)
    space.queue.settle(hand.tokens[0], Settlement.RELEASE)
    space.broker.turn()
    hand.credit = 1
    space.broker.turn()
    assert space.counts() == only(deferred=1), "what was locked expires when it is free again"


async def test_all_of_a_batch_or_nothing() -> None:
    space = Namespace(max_message_size_in_kilobytes=1)
    with pytest.raises(BrokerError, match="size-exceeded"):
        space.broker.send("q", [message("fine"), message("large", size=2000)])
    with pytest.raises(BrokerError, match="decode-error"):
        space.broker.send("q", [message("fine"), b"nonsense"])
    with pytest.raises(BrokerError, match="128"):
        space.broker.send("q", [message("x" * 129)])
    assert space.counts() == only()


async def test_a_full_queue_takes_no_more() -> None:
    space = Namespace(max_size_in_megabytes=1, max_message_size_in_kilobytes=1024)
    space.send(message(size=700_000))
    with pytest.raises(BrokerError, match="resource-limit-exceeded"):
        space.send(message(size=400_000))
    hand = space.attach(Hand(deletes=True))
    assert len(hand.got) == 1
    space.send(message(size=400_000))
    assert len(hand.got) == 2


async def test_the_duplicate_window_ends_even_when_nothing_else_happens() -> None:
    window = timedelta(seconds=20)
    space = Namespace(
        requires_duplicate_detection=True, duplicate_detection_history_time_window=window
    )
    space.send(message("a"))
    space.advance(seconds=19)
    space.send(message("a"))
    assert space.counts() == only(active=1)
    space.advance(seconds=1)
    space.send(message("a"))
    assert space.counts() == only(active=2)


async def test_a_waiter_gets_the_next_session_and_a_gone_one_none() -> None:
    space = Namespace(requires_session=True)
    gone, waiting = space.attach(Hand(), NEXT), space.attach(Hand(), NEXT)
    space.queue.detach(gone)
    space.send(message(session_id="A"))
    assert gone.session is None
    assert waiting.session
    assert [m.session_id for m in waiting.got] == ["A"]


async def test_waiting_for_a_session_ends_in_a_timeout() -> None:
    space = Namespace(requires_session=True)
    waiting = space.attach(Hand(), SessionWanted(None, 5))
    space.advance(seconds=5)
    assert waiting.why == "com.microsoft:timeout"
    space.send(message(session_id="A"))
    assert waiting.session is None


async def test_a_session_is_exclusive_until_its_lock_ends() -> None:
    space = Namespace(requires_session=True, lock_duration=timedelta(seconds=30))
    space.send(message(session_id="A"))
    holder = space.attach(Hand(owner="one"), SessionWanted("A", 5))
    with pytest.raises(BrokerError, match="cannot-be-locked"):
        space.attach(Hand(), SessionWanted("A", 5))
    with pytest.raises(BrokerError, match="session-lock-lost"):
        space.sessions.set_session_state("A", b"x", "somebody else")
    space.advance(seconds=20)
    space.sessions.renew_session("A", "one")
    space.advance(seconds=20)
    assert holder.why == ""
    space.advance(seconds=10)
    assert holder.why == "com.microsoft:session-lock-lost"
    with pytest.raises(BrokerError, match="session-lock-lost"):
        space.queue.settle(holder.tokens[0], Settlement.COMPLETE)
    after = space.attach(Hand(), SessionWanted("A", 5))
    assert [m.delivery_count for m in after.got] == [1]


async def test_a_closed_session_counts_nothing_and_makes_room_for_others() -> None:
    space = Namespace(requires_session=True)
    space.send(message(session_id="A"), message(session_id="B"))
    holder = space.attach(Hand(), NEXT)
    space.queue.detach(holder)
    after = space.attach(Hand(), NEXT)
    assert (after.session and after.session.id) == "B", "A was held before: B comes first"
    [again] = space.attach(Hand(), NEXT).got
    assert (again.session_id, again.delivery_count) == ("A", 0)


async def test_a_session_nobody_emptied_waits_behind_the_others() -> None:
    space = Namespace(requires_session=True)
    space.send(message(session_id="A"), message(session_id="A"), message(session_id="B"))
    idle = space.attach(Hand(credit=0), NEXT)
    space.queue.detach(idle)
    assert [m.session_id for m in space.attach(Hand(), NEXT).got] == ["B"]


async def test_peeking_is_by_sequence_number_and_session() -> None:
    space = Namespace(requires_session=True)
    space.send(*(message(str(n), session_id="AB"[n % 2]) for n in range(6)))
    assert [m.sequence for m in space.queue.peek(3, 2)] == [3, 4]
    assert [m.sequence for m in space.queue.peek(1, 9, "B")] == [2, 4, 6]


async def test_declarations_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="duplicate detection"):
        Broker(
            {"t/subscriptions/s": QueueSettings(requires_duplicate_detection=True)},
            clock=Clock(),
            store=NoStore(),
        )
    with pytest.raises(ValueError, match="lockDuration"):
        QueueSettings.model_validate({"lockDuration": "PT10M"})
    assert isinstance(Namespace().queue, Queue)
