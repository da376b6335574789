"""What the tenant knows of people and applications: who gets tokens, for what, with which roles."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from sandbox.tenant import Person


class Resource(BaseModel):
    """A registered API: `uri` is its application id URI, `scopes` what people can consent to.

    Its tokens are of the version it asks for: 1 names it by its URI, 2 by its application id.
    """

    model_config = ConfigDict(frozen=True)

    app_id: str
    uri: str
    scopes: tuple[str, ...]
    token_version: int = 2


class Client(BaseModel):
    """A registered application that gets tokens; one without a secret is public."""

    model_config = ConfigDict(frozen=True)

    app_id: str
    object_id: str
    secret: str | None = None


class Directory:
    """People and applications, and the roles given to either for a resource.

    `lifetime_seconds` is that of tokens from now on.
    """

    def __init__(self, people: Sequence[Person] = ()) -> None:
        self._people = {person.upn.lower(): person for person in people}
        self._resources: list[Resource] = []
        self._clients: dict[str, Client] = {}
        self._roles: dict[tuple[str, str], tuple[str, ...]] = {}
        self.lifetime_seconds = 3600

    def register(self, application: Resource | Client) -> None:
        """Register an application; one of the same id is replaced."""
        if isinstance(application, Client):
            self._clients[application.app_id] = application
        else:
            others = [one for one in self._resources if one.app_id != application.app_id]
            self._resources = [*others, application]

    def give_roles(self, resource: Resource, object_id: str, *roles: str) -> None:
        """Give somebody these roles for a resource, instead of those before."""
        self._roles[resource.app_id, object_id] = roles

    def roles(self, resource: Resource, object_id: str) -> tuple[str, ...]:
        """Return the roles that somebody has for a resource."""
        return self._roles.get((resource.app_id, object_id), ())

    def person(self, upn: str) -> Person | None:
        """Return who has this name to sign in with."""
        return self._people.get(upn.lower())

    def client(self, app_id: str) -> Client | None:
        """Return the application of this id."""
        return self._clients.get(app_id.lower())

    def resource(self, name: str) -> Resource | None:
        """Return the API of this URI or application id."""
        return next((one for one in self._resources if name in (one.uri, one.app_id)), None)
