"""Tether's API as the tenant knows it: its registration, the add-in's, and a person's token."""

from collections.abc import Mapping
from typing import Any

import aiohttp

from sandbox.identity.directory import Client, Directory, Resource
from sandbox.tenant import Person, Tenant

SCOPE = "access_as_user"
ADMINISTRATOR = "Tether.Administrator"


class SigningIn:
    """The registrations: of the API, of an add-in, and of a script with a secret.

    The last of the people is an administrator.
    """

    def __init__(self, tenant: Tenant, directory: Directory) -> None:
        app_id = tenant.stable_id("tether api")
        self.api = Resource(app_id=app_id, uri=f"api://{app_id}", scopes=(SCOPE, "other"))
        self.add_in = Client(
            app_id=tenant.stable_id("add-in"), object_id=tenant.stable_id("add-in's principal")
        )
        self.script = Client(
            app_id=tenant.stable_id("script"),
            object_id=tenant.stable_id("script's principal"),
            secret="hush",
        )
        self._tenant = tenant
        self.directory = directory
        for application in (self.api, self.add_in, self.script):
            directory.register(application)
        directory.give_roles(self.api, self.administrator.id, ADMINISTRATOR)

    @property
    def administrator(self) -> Person:
        """Who has the administrator's role."""
        return self._tenant.people[-1]

    def settings(self, login: str) -> dict[str, str]:
        """Return the app settings of the API; `login` is where the tenant signs people in."""
        return {"API_AUDIENCE": self.api.uri, "LOGIN_ENDPOINT": login}

    def form(self, person: Person, scope: str = SCOPE) -> dict[str, str]:
        """Return what the add-in asks the token endpoint for a person with."""
        return {
            "grant_type": "password",
            "client_id": self.add_in.app_id,
            "username": person.upn,
            "password": person.password,
            "scope": f"{self.api.uri}/{scope}",
        }

    def script_form(self) -> dict[str, str]:
        """Return what the script asks the token endpoint with."""
        return {
            "grant_type": "client_credentials",
            "client_id": self.script.app_id,
            "client_secret": self.script.secret or "",
            "scope": f"{self.api.uri}/.default",
        }


async def token_of(login: str, tenant_id: str, form: Mapping[str, str]) -> str:
    """Return the access token that a form gets."""
    address = f"{login}/{tenant_id}/oauth2/v2.0/token"
    async with aiohttp.request("POST", address, data=dict(form)) as answer:
        answer.raise_for_status()
        granted: dict[str, Any] = await answer.json()
        token: str = granted["access_token"]
        return token
