"""The queues and subscriptions a broker serves, declared as the infrastructure declares them."""

import json
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

_MAX_LOCK = timedelta(minutes=5)


class QueueSettings(BaseModel):
    """What a queue was created with, under the names of the resource provider.

    A key such as `events/subscriptions/audit` declares a subscription instead, and its topic with
    it. Durations are ISO 8601 in JSON. Sizes are those of Premium unless said otherwise
    (service-bus.md 1.5).
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    lock_duration: timedelta = Field(timedelta(minutes=1), ge=timedelta(seconds=1), le=_MAX_LOCK)
    max_delivery_count: int = Field(10, ge=1, le=2000)
    requires_duplicate_detection: bool = False
    duplicate_detection_history_time_window: timedelta = Field(
        timedelta(minutes=10), ge=timedelta(seconds=20), le=timedelta(days=7)
    )
    dead_lettering_on_message_expiration: bool = False
    default_message_time_to_live: timedelta | None = Field(None, gt=timedelta(0))
    requires_session: bool = False
    max_message_size_in_kilobytes: int = Field(1024, ge=1, le=102400)
    max_size_in_megabytes: int = Field(1024, ge=1)

    @property
    def max_message_size_bytes(self) -> int:
        """The largest message the entity takes, properties included."""
        return self.max_message_size_in_kilobytes * 1024

    @property
    def max_size_bytes(self) -> int:
        """How much the entity holds before it refuses to take more."""
        return self.max_size_in_megabytes * 1024 * 1024


_ENTITIES = TypeAdapter(dict[str, QueueSettings])


def read_entities(path: Path) -> dict[str, QueueSettings]:
    """Read the declarations: a JSON object of settings by entity name.

    Raises:
        pydantic.ValidationError: a name or value the resource provider would not take.
    """
    return _ENTITIES.validate_python(json.loads(path.read_text()), strict=False)
