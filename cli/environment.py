"""Where the settings of a command come from: a file, the environment, or a running `make up`."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from shared.config import ServiceUrl
from shared.dataverse.readiness import NativeSync
from shared.errors import Misconfigured

SETTINGS_FILE = Path(".tether/settings.json")
_IDENTITY = ("IDENTITY_ENDPOINT", "IDENTITY_HEADER")
_GRAPH = "https://graph.microsoft.com"
_CHOICES = " or ".join(NativeSync)
_URL: TypeAdapter[str] = TypeAdapter(ServiceUrl)


def find_settings(file: Path | None, environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the app settings to go by.

    A file that is named comes first, then the environment if it names a Dynamics, then the stack
    that `make up` runs in this folder.

    Raises:
        Misconfigured: the file is not there or holds no settings.
    """
    if file is None and not environment.get("DATAVERSE_URL") and SETTINGS_FILE.exists():
        file = SETTINGS_FILE
    return environment if file is None else _read(file)


def adopt_identity(settings: Mapping[str, str]) -> bool:
    """Tell whether there is a managed identity, and make it known to azure-identity.

    The library reads where it is from the process's environment alone.
    """
    if not settings.get("IDENTITY_ENDPOINT"):
        return False
    for name in _IDENTITY:
        os.environ[name] = settings.get(name, "")
    return True


def dataverse_url(settings: Mapping[str, str]) -> str:
    """Return where Dynamics is, for a command that needs nothing else.

    Raises:
        Misconfigured: the setting is missing or no address.
    """
    try:
        return _URL.validate_python(settings.get("DATAVERSE_URL") or "")
    except ValidationError:
        raise Misconfigured(
            "DATAVERSE_URL is missing or no https:// address: set it to your environment's, e.g."
            " https://contoso.crm4.dynamics.com, or name a file with --settings."
        ) from None


def graph_endpoint(settings: Mapping[str, str]) -> str:
    """Return where Graph is; there is one for most.

    Raises:
        Misconfigured: the setting is no address.
    """
    try:
        return _URL.validate_python(settings.get("GRAPH_ENDPOINT") or _GRAPH)
    except ValidationError:
        raise Misconfigured(f"GRAPH_ENDPOINT is no https:// address such as {_GRAPH}.") from None


def native_sync(settings: Mapping[str, str]) -> NativeSync:
    """Return how Tether stands to Dynamics' own synchronization.

    Raises:
        Misconfigured: the setting is neither of the two.
    """
    value = settings.get("NATIVE_SYNC") or NativeSync.BESIDE
    try:
        return NativeSync(value)
    except ValueError:
        raise Misconfigured(f"NATIVE_SYNC is '{value}': set it to {_CHOICES}.") from None


def _read(file: Path) -> dict[str, str]:
    try:
        document = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise Misconfigured(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise Misconfigured(f"{file} is no JSON; see tether --help for what it may be.") from None
    found = _settings_in(document)
    if not found:
        raise Misconfigured(f"{file} holds no app settings; see tether --help for what it may be.")
    return found


def _settings_in(document: Any) -> dict[str, str]:  # noqa: ANN401 - JSON
    """Return the settings in what `make up`, a developer, or the Azure CLI wrote."""
    if isinstance(document, list):
        document = {
            one["name"]: one.get("value")
            for one in document
            if isinstance(one, dict) and "name" in one
        }
    if not isinstance(document, dict):
        return {}
    if isinstance(document.get("Values"), dict):
        document = document["Values"]
    return {str(k): v for k, v in document.items() if isinstance(v, str)}
