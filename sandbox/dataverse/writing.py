"""Creating, updating and deleting rows."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

from sandbox.dataverse.activities import (
    check_open,
    computed_senders,
    keep_platform_parties,
    set_parties,
)
from sandbox.dataverse.computed import compute
from sandbox.dataverse.errors import (
    DataverseError,
    duplicate_row,
    invalid_argument,
    not_allowed,
)
from sandbox.dataverse.mailboxes import consequences
from sandbox.dataverse.organization import Caller, Organization, reference
from sandbox.dataverse.payload import Payload, read_payload
from sandbox.dataverse.rights import use_parties, use_ties
from sandbox.dataverse.rows import Row
from sandbox.dataverse.schema import Table
from sandbox.dataverse.security import forget
from sandbox.dataverse.solutions import check_component, forget_component

NO_VALUES: Mapping[str, object] = {}
PARTIES = "_activity_parties"


class Writer:
    """Writes rows of an organisation for one caller; each public method is one transaction."""

    def __init__(self, org: Organization, caller: Caller) -> None:
        self.org = org
        self.caller = caller

    def create(
        self,
        table: Table,
        body: Mapping[str, object],
        *,
        row_id: str | None = None,
        key_values: Mapping[str, object] = NO_VALUES,
        deep: bool = True,
    ) -> str:
        """Create a row, with what is nested in the body when `deep`, and return its id.

        `row_id` and `key_values` come from the URL of an upsert; values of the body win over them
        (dataverse.md 3).

        Raises:
            DataverseError: the body is not valid, or a row with that key exists.
        """
        if not table.creatable:
            raise not_allowed(
                f"The 'Create' method does not support entities of type '{table.name}'."
            )
        payload = read_payload(self.org, table, body, "create")
        if payload.children and not deep:
            raise invalid_argument(
                "Nested rows are created by POST only, not by PATCH: "
                f"{', '.join(payload.children)}."
            )
        with self.org.rows.transaction():
            return self._create(table, payload, row_id, key_values)

    def _create(
        self, table: Table, payload: Payload, row_id: str | None, key_values: Mapping[str, object]
    ) -> str:
        values = {**key_values, **payload.values}
        self.org.use(self.caller, table, "Create")
        use_ties(self.org, self.caller, table, payload.values)
        new_id = str(values.get(table.id_column) or row_id or uuid4())
        taken = self.org.schema.activities if table.activity else [table]
        if any(self.org.rows.get(one.name, new_id) is not None for one in taken):
            raise duplicate_row()
        row: Row = {
            **{c.name: c.default for c in table.columns.values() if c.default is not None},
            **values,
            table.id_column: new_id,
            **self._created(table, values),
        }
        self._set_initial_state(table, row)
        self._check_parent_open(table, row)
        self._put(table, new_id, row)
        self._create_children(table, new_id, payload.children)
        if table.name == "activitymimeattachment":
            self._count_attachments(row.get("objectid"))
        if table.activity:
            self._settle_activity(table, new_id)
        return new_id

    def update(
        self, table: Table, row_id: str, body: Mapping[str, object], *, key: Iterable[str] = ()
    ) -> None:
        """Change a row; the columns of `key`, by which it was addressed, are left as they are.

        Raises:
            DataverseError: there is no such row, or the body is not valid for it.
        """
        if not table.updatable:
            raise not_allowed(
                f"The 'Update' method does not support entities of type '{table.name}'."
            )
        old = self.org.row(table, row_id)
        payload = read_payload(self.org, table, body, "update")
        values = {name: v for name, v in payload.values.items() if name not in set(key)}
        if values.pop(table.id_column, row_id) != row_id:
            raise invalid_argument(f"'{table.id_column}' of an existing row cannot be changed.")
        parties = f"{table.name}{PARTIES}"
        if set(payload.children) - {parties}:
            raise invalid_argument("An update cannot create nested rows.")
        self.org.use(self.caller, table, "Write")
        use_ties(self.org, self.caller, table, {k: v for k, v in values.items() if v != old.get(k)})
        check_open(table, old, [*values, *payload.children])
        self._check_parent_open(table, old)
        self._resolve_state(table, old, values)
        with self.org.rows.transaction():
            if parties in payload.children:
                set_parties(self.org, table, row_id, payload.children[parties])
                use_parties(self.org, self.caller, table, row_id)
            if table.name == "mailbox":
                values |= consequences(self.org, self.caller, old, values)
            self._put(table, row_id, {**old, **values, **self._modified(table, values)})
            if table.activity:
                self._settle_activity(table, row_id)
        if watcher := self.org.watchers.get(table.name):
            watcher(row_id)

    def plant(self, table: Table, row_id: str, values: Mapping[str, object]) -> None:
        """Put a row in place with whatever columns, for an organisation's first rows."""
        row: Row = {
            **{c.name: c.default for c in table.columns.values() if c.default is not None},
            table.id_column: row_id,
            **values,
            **self._created(table, values),
        }
        self._set_initial_state(table, row)
        fullname = row.get("fullname")
        self._put(table, row_id, row)
        if fullname:
            self.org.rows.put(
                table.name, row_id, {**self.org.row(table, row_id), "fullname": fullname}
            )

    def replace_parties(
        self, table: Table, row_id: str, bodies: list[Mapping[str, object]]
    ) -> None:
        """Replace an activity's parties (dataverse.md 2.3).

        Raises:
            DataverseError: the activity is closed, or a party is not valid.
        """
        self.update(table, row_id, {f"{table.name}{PARTIES}": bodies})

    def delete(self, table: Table, row_id: str) -> None:
        """Delete a row and what its relationships say must go with it.

        Raises:
            DataverseError: there is no such row, or another row forbids it.
        """
        if not table.deletable or table.name in {"systemuser", "team", "businessunit"}:
            raise not_allowed(
                f"The 'Delete' method does not support entities of type '{table.name}'."
            )
        row = self.org.row(table, row_id)
        self.org.use(self.caller, table, "Delete")
        self._check_parent_open(table, row)
        with self.org.rows.transaction():
            self._delete(table, row_id)
            if table.name == "activitymimeattachment":
                self._count_attachments(row.get("objectid"))

    def _delete(self, table: Table, row_id: str) -> None:
        self.org.rows.remove(table.name, row_id)
        forget(self.org, table.name, row_id)
        forget_component(self.org, row_id)
        if table.change_tracking:
            self.org.rows.bury(table.name, row_id)
        for child, column, link in self.org.schema.pointing_to(table):
            for child_id in self.org.rows.find(child.name, column.name, row_id):
                child_row = self.org.rows.get(child.name, child_id)
                if child_row is None or child_row[column.name]["table"] != table.name:
                    continue
                if link.on_delete == "Restrict":
                    raise not_allowed(
                        "The row cannot be deleted because it is associated with another row.",
                        "0x80048417",
                    )
                if link.on_delete == "Cascade":
                    self._delete(child, child_id)
                elif link.on_delete == "RemoveLink":
                    self._unlink(child, child_id, column.name)

    def _unlink(self, table: Table, row_id: str, column: str) -> None:
        row = {**self.org.row(table, row_id), column: None}
        if table.name == "activityparty":
            row["ispartydeleted"] = True
        self._put(table, row_id, row)

    def _put(self, table: Table, row_id: str, row: Row) -> None:
        row = compute(self.org, table, row)
        check_component(self.org, table, row)
        self._check_keys(table, row_id, row)
        row["versionnumber"] = self.org.rows.next_version()
        self.org.rows.put(table.name, row_id, row)

    def _check_keys(self, table: Table, row_id: str, row: Row) -> None:
        for key in table.active_keys:
            values = {name: row.get(name) for name in key.columns}
            if None in values.values():
                continue
            holder = self.org.by_values(table, values)
            if holder not in {None, row_id}:
                labels = ", ".join(table.columns[name].label for name in key.columns)
                raise DataverseError(
                    412,
                    "0x80060892",
                    f"Entity Key {key.schema_name} violated. A record with the same value for "
                    f"{labels} already exists. A duplicate record cannot be created. Select one "
                    f"or more unique values and try again. <DuplicateEntity>{holder}"
                    "</DuplicateEntity>",
                )

    def _created(self, table: Table, values: Mapping[str, object]) -> Row:
        now = self.org.now()
        row: Row = {
            "createdon": now,
            "createdby": reference("systemuser", self.caller.user_id),
            "createdonbehalfby": self.caller.on_behalf_by,
        }
        if values.get("overriddencreatedon"):
            row |= {"createdon": values["overriddencreatedon"], "overriddencreatedon": now}
        if table.activity:
            row["activitytypecode"] = table.name
        if table.ownership == "UserOwned" and not values.get("ownerid"):
            row["ownerid"] = reference("systemuser", self.caller.user_id)
        return row | self._modified(table, {**values, **row})

    def _modified(self, table: Table, values: Mapping[str, Any]) -> Row:
        row: Row = {
            "modifiedon": self.org.now(),
            "modifiedby": reference("systemuser", self.caller.user_id),
            "modifiedonbehalfby": self.caller.on_behalf_by,
        }
        if table.ownership == "UserOwned" and "ownerid" in values:
            owner = values["ownerid"]
            if owner is None:
                raise invalid_argument(f"The owner of '{table.name}' cannot be empty.")
            principal = self.org.rows.get(owner["table"], owner["id"]) or {}
            row["owninguser"] = owner if owner["table"] == "systemuser" else None
            row["owningteam"] = owner if owner["table"] == "team" else None
            row["owningbusinessunit"] = principal.get("businessunitid")
        return row

    def _set_initial_state(self, table: Table, row: Row) -> None:
        if "statecode" not in table.columns:
            return
        row["statecode"] = table.initial_state
        status = row.setdefault("statuscode", table.status_of(table.initial_state))
        if status is None:
            row["statuscode"] = status = table.status_of(table.initial_state)
        self._check_status(table, table.initial_state, status)

    def _resolve_state(self, table: Table, old: Row, values: dict[str, Any]) -> None:
        if not {"statecode", "statuscode"} & values.keys():
            return
        state = values.get("statecode", old["statecode"])
        if state is None:
            raise invalid_argument("'statecode' cannot be empty.")
        if values.get("statuscode") is None:
            values["statuscode"] = table.status_of(state)
        self._check_status(table, state, values["statuscode"])

    def _check_status(self, table: Table, state: int, status: int) -> None:
        option = next(o for o in table.columns["statuscode"].options if o.value == status)
        if option.state != state:
            label = next(o.label for o in table.columns["statecode"].options if o.value == state)
            raise DataverseError(
                400,
                "0x80048408",
                f"{status} is not a valid status code for state code "
                f"{table.schema_name}State.{label} on {table.name}.",
            )

    def _create_children(
        self, table: Table, row_id: str, children: Mapping[str, list[Mapping[str, object]]]
    ) -> None:
        for name, bodies in children.items():
            if name == f"{table.name}{PARTIES}":
                set_parties(self.org, table, row_id, bodies)
                use_parties(self.org, self.caller, table, row_id)
                continue
            backward = self.org.schema.collections(table)[name]
            child = self.org.schema[backward.table]
            for body in bodies:
                payload = read_payload(self.org, child, body, "create")
                payload.values[backward.column] = reference(table.name, row_id)
                self._create(child, payload, None, NO_VALUES)

    def _settle_activity(self, table: Table, row_id: str) -> None:
        row = self.org.row(table, row_id)
        keep_platform_parties(self.org, table, row_id, row)
        if table.name == "email":
            senders = computed_senders(self.org, row_id)
            if any(row.get(name) != value for name, value in senders.items()):
                self.org.rows.put(table.name, row_id, {**row, **senders})

    def _check_parent_open(self, table: Table, row: Row) -> None:
        parent = row.get("objectid") if table.name == "activitymimeattachment" else None
        if parent is None:
            return
        activity = self.org.schema[parent["table"]]
        found = self.org.rows.get(activity.name, parent["id"])
        if found is not None:
            check_open(activity, found, ["attachments"])

    def _count_attachments(self, parent: dict[str, str] | None) -> None:
        if parent is None or (row := self.org.rows.get(parent["table"], parent["id"])) is None:
            return
        count = len(self.org.rows.find("activitymimeattachment", "objectid", parent["id"]))
        self.org.rows.put(parent["table"], parent["id"], {**row, "attachmentcount": count})
