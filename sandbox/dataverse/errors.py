"""How Dataverse refuses: HTTP status, error code and message (dataverse.md 7)."""


class DataverseError(Exception):
    """An answer with an error envelope; `code` may be empty, as the platform's sometimes is."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after: int | None = None


def invalid_payload(entity_set: str, reason: str) -> DataverseError:
    """The body does not fit the table: unknown property, wrong type."""
    return DataverseError(
        400,
        "0x80048d19",
        f"Error identified in Payload provided by the user for Entity :'{entity_set}', "
        f"For more information on this error please follow this help link "
        f"https://go.microsoft.com/fwlink/?linkid=2195293  ---->  InnerException : {reason}",
    )


def undeclared(entity_set: str, table: str, name: str) -> DataverseError:
    """The body names a property the table does not have; names are case-sensitive."""
    return invalid_payload(
        entity_set,
        f"Microsoft.Crm.CrmException: Invalid property '{name}' was found in entity "
        f"'Microsoft.Dynamics.CRM.{table}'. ---> Microsoft.OData.ODataException: An undeclared "
        f"property '{name}' was found in the payload.",
    )


def invalid_argument(message: str) -> DataverseError:
    """The values are well-formed but not allowed here."""
    return DataverseError(400, "0x80040203", message)


def bad_query(message: str) -> DataverseError:
    """The URL's query does not parse or does not fit the table."""
    return DataverseError(400, "0x80060888", message)


def bad_url(message: str = "Bad Request - Error in query syntax.") -> DataverseError:
    """The URL's path does not parse, or addresses a row by a key that cannot be used."""
    return DataverseError(400, "0x8006088a", message)


def unknown_segment(name: str) -> DataverseError:
    """There is no such entity set, property or operation."""
    return DataverseError(404, "0x8006088a", f"Resource not found for the segment '{name}'.")


def not_found(table: str, row_id: str) -> DataverseError:
    """There is no row of that id."""
    name = table.capitalize() if "_" not in table else table
    return DataverseError(404, "0x80040217", f"{name} With Id = {row_id} Does Not Exist")


def key_not_found(table: str) -> DataverseError:
    """There is no row of that alternate key."""
    return DataverseError(
        404,
        "0x80060891",
        f"A record with the specified key values does not exist in {table} entity",
    )


def not_allowed(message: str, code: str = "0x80040800") -> DataverseError:
    """The table does not support the operation."""
    return DataverseError(405, code, message)


def duplicate_row() -> DataverseError:
    """The primary key is taken, or `If-None-Match: *` found a row."""
    return DataverseError(412, "0x80040237", "A record with matching key values already exists.")


def version_mismatch() -> DataverseError:
    """`If-Match` names another version than the row's."""
    return DataverseError(
        412,
        "0x80060882",
        "The version of the existing record doesn't match the RowVersion property provided.",
    )
