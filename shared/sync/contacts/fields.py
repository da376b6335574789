"""Which property of a contact stands in which column, as data (server-side-sync.md 5.2).

The product's mapping, as far as Graph shows a contact: its v1.0 resource has no pager, no fax, no
other, callback, company or assistant's phone, no anniversary, no FTP site and no government id, so
the columns pager, fax, telephone3, callback, company, assistantphone, anniversary, ftpsiteurl and
governmentid are left to Dynamics. Lengths are those of the columns (dataverse.md 1.5).
"""

from dataclasses import dataclass
from enum import StrEnum

from shared.graph.contacts import Form


class Direction(StrEnum):
    """Which side of a field is written; this version writes Dynamics alone."""

    BOTH = "both"
    TO_DYNAMICS = "toDynamics"
    TO_OUTLOOK = "toOutlook"
    NONE = "none"

    @property
    def writes_dynamics(self) -> bool:
        """Whether what Outlook says is written to Dynamics."""
        return self in {Direction.BOTH, Direction.TO_DYNAMICS}


class Transform(StrEnum):
    """What becomes of a property on its way into its column (`mapping.py` does it).

    `line1` to `line3` are the lines of a street, the last one with all that follow; `joined` is a
    list with commas between.
    """

    TEXT = "text"
    EMAIL = "email"
    LINE_1 = "line1"
    LINE_2 = "line2"
    LINE_3 = "line3"
    JOINED = "joined"
    DAY = "day"

    @property
    def takes(self) -> Form:
        """What it is made for."""
        return {Transform.JOINED: Form.LIST, Transform.DAY: Form.DAY}.get(self, Form.TEXT)


@dataclass(frozen=True, slots=True)
class ContactField:
    """A property and its column; `fixed` is why its direction cannot be changed.

    `length` is the most the column holds, in UTF-16 units; a day has none.
    """

    outlook: str
    column: str
    length: int = 0
    transform: Transform = Transform.TEXT
    direction: Direction = Direction.BOTH
    fixed: str = ""


COMPANY = "parentcustomerid"
_NAME = "the full name is always kept in step"
_COMPANY = "the company is always kept in step"


def _postal(name: str, number: int, direction: Direction) -> tuple[ContactField, ...]:
    lines = (
        ("street", "line1", 250, Transform.LINE_1),
        ("street", "line2", 250, Transform.LINE_2),
        ("street", "line3", 250, Transform.LINE_3),
        ("city", "city", 80, Transform.TEXT),
        ("state", "stateorprovince", 50, Transform.TEXT),
        ("postalCode", "postalcode", 20, Transform.TEXT),
        ("countryOrRegion", "country", 80, Transform.TEXT),
    )
    return tuple(
        ContactField(f"{name}.{line}", f"address{number}_{column}", length, transform, direction)
        for line, column, length, transform in lines
    )


FIELDS = (
    ContactField("givenName", "firstname", 50, fixed=_NAME),
    ContactField("middleName", "middlename", 50, fixed=_NAME),
    ContactField("surname", "lastname", 50, fixed=_NAME),
    ContactField("title", "salutation", 100),
    ContactField("generation", "suffix", 10),
    ContactField("nickName", "nickname", 100),
    ContactField("yomiGivenName", "yomifirstname", 150),
    ContactField("yomiSurname", "yomilastname", 150),
    ContactField("emailAddresses[0].address", "emailaddress1", 100, Transform.EMAIL),
    ContactField("emailAddresses[1].address", "emailaddress2", 100, Transform.EMAIL),
    ContactField("emailAddresses[2].address", "emailaddress3", 100, Transform.EMAIL),
    ContactField("businessPhones[0]", "telephone1", 50),
    ContactField("businessPhones[1]", "business2", 50),
    ContactField("homePhones[0]", "telephone2", 50),
    ContactField("homePhones[1]", "home2", 50),
    ContactField("mobilePhone", "mobilephone", 50),
    *_postal("businessAddress", 1, Direction.BOTH),
    # The product's default is one address; these two belong to its three-address option (5.3).
    *_postal("homeAddress", 2, Direction.NONE),
    *_postal("otherAddress", 3, Direction.NONE),
    ContactField("jobTitle", "jobtitle", 100),
    ContactField("department", "department", 100),
    ContactField("manager", "managername", 100),
    ContactField("assistantName", "assistantname", 100),
    ContactField("birthday", "birthdate", transform=Transform.DAY),
    ContactField("spouseName", "spousesname", 100),
    ContactField("children", "childrensnames", 255, Transform.JOINED),
    ContactField("businessHomePage", "websiteurl", 200),
    ContactField("personalNotes", "description", 2000),
)
"""The mapping of an organisation that has decided nothing; for the company see `decide.py`."""

FIXED = {
    **{field.column: field.fixed for field in FIELDS if field.fixed},
    "fullname": _NAME,
    COMPANY: _COMPANY,
}
"""Why some columns are filled as they are, whatever an organisation would like."""
