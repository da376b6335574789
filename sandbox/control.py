"""The sandbox's own API, under `/_sandbox/`: mail and calendars in, clock, faults, a look in."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from sandbox.faults import Fault
from sandbox.graph.errors import GraphError
from sandbox.graph.icalendar_import import imported
from sandbox.graph.lifecycle import LifecycleEvent
from sandbox.graph.mailbox import Mailbox
from sandbox.graph.server import Graph
from sandbox.store import Document
from sandbox.web import Handler, Surroundings


class FaultPart(Protocol):
    """Faults of a service with a plan of its own, such as the message broker."""

    def replace(self, faults: list[Document]) -> None:
        """Put faults in force instead of those before; ValueError says what is wrong with one."""

    def current(self) -> list[Document]:
        """Return the faults in force."""


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Advance(_Wire):
    """How far to move the clock."""

    advance_seconds: float = Field(ge=0, allow_inf_nan=False)


class Announcement(_Wire):
    """A lifecycle event for every subscription of a mailbox."""

    event: LifecycleEvent


class Arrival(_Wire):
    """How a message arrives: folder, comma-separated categories, when."""

    folder: str = "inbox"
    categories: str = ""
    received: datetime | None = None


class Import(_Wire):
    """How a calendar is imported: comma-separated categories."""

    categories: str = ""


_FAULTS = TypeAdapter(list[Document])


class Control:
    """Serves the control API on a Graph's address; no token is asked for.

    `fault_parts` are plans by the `service` their faults name, beside those of the surroundings.
    """

    def __init__(
        self,
        graph: Graph,
        surroundings: Surroundings,
        *,
        fault_parts: dict[str, FaultPart] | None = None,
        snapshot: Callable[[], Document] | None = None,
    ) -> None:
        self._graph = graph
        self._surroundings = surroundings
        self._parts = fault_parts or {}
        self._snapshot = snapshot or (lambda: dict(surroundings.stats.snapshot()))
        app = web.Application(middlewares=[_explained], client_max_size=160 * 1024 * 1024)
        app.router.add_routes(
            [
                web.get("/mailboxes", self._mailboxes),
                web.post("/mailboxes/{upn}/deliver", self._deliver),
                web.post("/mailboxes/{upn}/import", self._import),
                web.post("/mailboxes/{upn}/lifecycle", self._lifecycle),
                web.get("/notifications", self._notifications),
                web.get("/stats", self._stats),
                web.delete("/stats", self._reset_stats),
                web.get("/faults", self._faults),
                web.put("/faults", self._plan_faults),
                web.delete("/faults", self._clear_faults),
                web.get("/clock", self._clock),
                web.put("/clock", self._advance),
            ]
        )
        graph.app.add_subapp("/_sandbox/", app)

    async def _mailboxes(self, _: web.Request) -> web.Response:
        return web.json_response({"value": [_shown(box) for box in self._graph.mailboxes.all()]})

    async def _deliver(self, request: web.Request) -> web.Response:
        mailbox = self._graph.mailboxes.mailbox(request.match_info["upn"])
        arrival = Arrival.model_validate(dict(request.query))
        received = arrival.received
        if received is not None:
            received = received.replace(tzinfo=received.tzinfo or UTC).astimezone(UTC)
        message = mailbox.deliver(
            await request.read(),
            folder=arrival.folder,
            categories=_listed(arrival.categories),
            received=received,
        )
        self._graph.store.commit()
        names = ("id", "internetMessageId", "conversationId", "parentFolderId")
        return web.json_response({name: message[name] for name in names}, status=201)

    async def _import(self, request: web.Request) -> web.Response:
        calendar = self._graph.calendars.calendar(request.match_info["upn"])
        asked = Import.model_validate(dict(request.query))
        answer = imported(calendar, await request.read(), _listed(asked.categories))
        self._graph.store.commit()
        return web.json_response(answer, status=201)

    async def _lifecycle(self, request: web.Request) -> web.Response:
        mailbox = self._graph.mailboxes.mailbox(request.match_info["upn"])
        event = Announcement.model_validate_json(await request.read()).event
        told = [row["id"] for row in self._graph.notifications.of_mailbox(mailbox.id)]
        for subscription_id in told:
            self._graph.lifecycle.announce(subscription_id, event)
        self._graph.store.commit()
        return web.json_response({"subscriptions": told}, status=202)

    async def _notifications(self, _: web.Request) -> web.Response:
        return web.json_response(self._graph.delivery.counts())

    async def _stats(self, _: web.Request) -> web.Response:
        return web.json_response(self._snapshot())

    async def _reset_stats(self, _: web.Request) -> web.Response:
        self._surroundings.stats.reset()
        return web.Response(status=204)

    async def _faults(self, _: web.Request) -> web.Response:
        return web.json_response(self._faults_in_force())

    async def _plan_faults(self, request: web.Request) -> web.Response:
        given = _FAULTS.validate_json(await request.read())
        elsewhere: dict[str, list[Document]] = {name: [] for name in self._parts}
        own: list[Fault] = []
        for one in given:
            if one.get("service") in elsewhere:
                elsewhere[str(one["service"])].append(one)
            else:
                own.append(Fault.model_validate(one))
        for name, faults in elsewhere.items():
            self._parts[name].replace(faults)
        self._surroundings.faults.replace(own)
        return web.json_response(self._faults_in_force())

    async def _clear_faults(self, _: web.Request) -> web.Response:
        self._surroundings.faults.replace([])
        for part in self._parts.values():
            part.replace([])
        return web.Response(status=204)

    async def _clock(self, _: web.Request) -> web.Response:
        return web.json_response({"now": self._surroundings.clock.now().isoformat()})

    async def _advance(self, request: web.Request) -> web.Response:
        asked = Advance.model_validate_json(await request.read())
        self._surroundings.clock.advance(timedelta(seconds=asked.advance_seconds))
        return await self._clock(request)

    def _faults_in_force(self) -> Document:
        own = [fault.model_dump() for fault in self._surroundings.faults.faults]
        return {"value": own + [one for part in self._parts.values() for one in part.current()]}


@web.middleware
async def _explained(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ValidationError as error:
        problems = [
            {
                "field": ".".join(str(part) for part in problem["loc"]) or "body",
                "message": problem["msg"],
                "remedy": f"got {problem['input']!r:.120}; correct it and send the request again",
            }
            for problem in error.errors(include_url=False)
        ]
        return web.json_response({"error": {"problems": problems}}, status=400)
    except ValueError as error:
        return _explanation(400, "body", str(error), "correct it and send the request again")
    except GraphError as error:
        field = "upn" if error.code == "ErrorInvalidUser" else "folder"
        remedy = "GET /_sandbox/mailboxes lists the mailboxes and their folders"
        return _explanation(404 if field == "upn" else 400, field, error.message, remedy)
    except web.HTTPException as error:
        return _explanation(error.status, "path", error.reason, "see sandbox/README.md")


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _explanation(status: int, field: str, message: str, remedy: str) -> web.Response:
    problem = {"field": field, "message": message, "remedy": remedy}
    return web.json_response({"error": {"problems": [problem]}}, status=status)


def _shown(mailbox: Mailbox) -> Document:
    folders = {
        str(folder["wellKnownName"] or folder["displayName"]): sum(
            1 for _ in mailbox.in_folder(folder["id"])
        )
        for folder in mailbox.folders.values()
    }
    person = mailbox.person
    return {**person.model_dump(), "messages": len(mailbox.messages), "folders": folders}
