"""Who is in the story: five sellers, each with another personal option for automatic tracking."""

from sandbox.tenant import Tenant, make_tenant

ADA, GRACE, ALAN, KATHERINE, EDSGER = (
    f"{name}@contoso.example" for name in ("ada", "grace", "alan", "katherine", "edsger")
)
_ALL, _REPLIES, _KNOWN_SENDERS, _ANY_RECORD, _NONE = range(5)


def tenant() -> Tenant:
    """Return the sellers' tenant."""
    plain = make_tenant(5)
    options = (_ALL, _REPLIES, _KNOWN_SENDERS, _ANY_RECORD, _NONE)
    people = [
        person.model_copy(update={"incoming_email_filtering_method": option})
        for person, option in zip(plain.people, options, strict=True)
    ]
    return plain.model_copy(update={"people": tuple(people)})
