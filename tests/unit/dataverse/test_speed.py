"""Lookups by value touch the rows they find, not all of them."""

from collections.abc import Iterable

from sandbox.clock import Clock
from sandbox.dataverse.organization import Organization
from sandbox.dataverse.query import read_query
from sandbox.dataverse.reading import Reader
from sandbox.dataverse.rows import Row, Rows
from sandbox.dataverse.schema import Schema
from sandbox.dataverse.standard_tables import standard_tables
from sandbox.store import Store


class CountingRows(Rows):
    """Rows that count what is looked at."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.looked_at = 0

    def get(self, table: str, row_id: str) -> Row | None:
        self.looked_at += 1
        return super().get(table, row_id)

    def all(self, table: str) -> Iterable[tuple[str, Row]]:
        self.looked_at += self.count(table)
        return super().all(table)


def test_a_search_for_addresses_among_ten_thousand() -> None:
    rows = CountingRows(Store())
    org = Organization(Schema(standard_tables()), rows, Clock())
    for number in range(10_000):
        contact_id = f"{number:08}-0000-0000-0000-000000000000"
        address = f"Person{number}@x.example"
        row = {"contactid": contact_id, "emailaddress1": address, "versionnumber": number}
        rows.put("contact", contact_id, row)
    wanted = ",".join(f"'person{number}@X.example'" for number in range(0, 10_000, 100))
    filters = [
        f"Microsoft.Dynamics.CRM.In(PropertyName='emailaddress1',PropertyValues=[{wanted}])",
        f"emailaddress1 in ({wanted}) and contactid ne null",
        " or ".join(f"emailaddress1 eq {one}" for one in wanted.split(",")),
    ]
    contact = org.schema["contact"]
    first = read_query(org.schema, contact, {"$filter": filters[0]})
    assert len(Reader(org).page(contact, first).rows) == 100
    for text in filters:
        rows.looked_at = 0
        query = read_query(org.schema, contact, {"$filter": text, "$select": "emailaddress1"})
        assert len(Reader(org).page(contact, query).rows) == 100
        assert rows.looked_at <= 100
