"""Finds the mailboxes that may sync, where the terms say that this is written down."""

from collections.abc import Mapping
from typing import Any

from shared.dataverse.readiness import NativeSync, Terms
from shared.identifiers import SystemUserId

_OWNER = {
    NativeSync.BESIDE: "_regardingobjectid_value",
    NativeSync.INSTEAD: "_tether_systemuserid_value",
}


def ready_mailboxes(terms: Terms) -> str:
    """Ask for the rows of the mailboxes that may sync; `owner_of` tells whose each is."""
    if terms.native is NativeSync.INSTEAD:
        return f"tether_mailboxes?$select={_OWNER[terms.native]}&$filter={terms.ready}"
    return f"mailboxes?$select={_OWNER[terms.native]}&$filter={terms.ready}"


def owner_of(row: Mapping[str, Any], terms: Terms) -> SystemUserId | None:
    """Return whose a row of `ready_mailboxes` is."""
    owner: SystemUserId | None = row[_OWNER[terms.native]]
    return owner
