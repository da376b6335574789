"""The app's settings: the process environment, completed by local.settings.json."""

import json
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.functionshost.errors import StartError

_PLACEHOLDER = re.compile(r"%([^%]+)%")


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach a Service Bus namespace: a connection string, or a host name and an identity."""

    connection_string: str | None = None
    namespace: str | None = None
    credential: str | None = None
    client_id: str | None = None


class Settings:
    """Application settings, and the two ways a trigger refers to them (functions.md 6, 8.2)."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def get(self, name: str) -> str | None:
        """Return the setting, or None when it is absent or empty."""
        return self._values.get(name) or None

    def resolve(self, text: str, *, function: str, prop: str) -> str:
        """Replace every `%NAME%` in a trigger property by the setting of that name.

        Raises:
            StartError: such a setting is missing.
        """

        def value(match: re.Match[str]) -> str:
            setting = self.get(match[1])
            if setting is None:
                raise StartError(
                    f"Function '{function}': the property '{prop}' refers to the setting "
                    f"'{match[1]}', which is not set."
                )
            return setting

        return _PLACEHOLDER.sub(value, text)

    def connection(self, name: str, *, function: str) -> Connection:
        """Return the connection a trigger names: `NAME`, else `NAME__fullyQualifiedNamespace`.

        Raises:
            StartError: neither setting exists.
        """
        if text := self.get(name):
            return Connection(connection_string=text)
        namespace = self.get(f"{name}__fullyQualifiedNamespace")
        if namespace is None:
            raise StartError(
                f"Function '{function}': the property 'connection' names '{name}', but neither the "
                f"setting '{name}' nor '{name}__fullyQualifiedNamespace' is set."
            )
        return Connection(
            namespace=namespace,
            credential=self.get(f"{name}__credential"),
            client_id=self.get(f"{name}__clientId"),
        )

    def disabled(self, function: str) -> bool:
        """Tell whether `AzureWebJobs.<function>.Disabled` switches the function off."""
        return (self.get(f"AzureWebJobs.{function}.Disabled") or "").lower() in {"1", "true"}

    def under(self, prefix: str) -> Mapping[str, str]:
        """Return the settings whose names start with `prefix`, in any case, keyed by the rest."""
        size = len(prefix)
        lowered = prefix.lower()
        return {
            name[size:]: value
            for name, value in self._values.items()
            if name.lower().startswith(lowered)
        }


def load_local_settings(app_directory: Path, environment: MutableMapping[str, str]) -> None:
    """Add the `Values` of local.settings.json to the environment; what is there already wins.

    Raises:
        StartError: the file is encrypted or not what the Functions tools write.
    """
    path = app_directory / "local.settings.json"
    if not path.exists():
        return
    try:
        content = json.loads(path.read_text("utf-8-sig"))
        values = content.get("Values", {})
        encrypted = content.get("IsEncrypted", False)
    except (ValueError, AttributeError) as error:
        raise StartError(f"local.settings.json is not a JSON object: {error}.") from error
    if encrypted:
        raise StartError("local.settings.json is encrypted; decrypt it (func settings decrypt).")
    if not isinstance(values, dict) or not all(isinstance(v, str) for v in values.values()):
        raise StartError("local.settings.json: 'Values' must map names to strings.")
    for name, value in values.items():
        environment.setdefault(name, value)
