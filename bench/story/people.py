"""Who is in the story: five sellers, each with another personal option for automatic tracking.

Two more have mailboxes that nobody has turned on, Donald's not even approved; Radia looks after it.
"""

from sandbox.tenant import Tenant, make_tenant

ADA, GRACE, ALAN, KATHERINE, EDSGER, BARBARA, DONALD = (
    f"{name}@contoso.example"
    for name in ("ada", "grace", "alan", "katherine", "edsger", "barbara", "donald")
)
_ALL, _REPLIES, _KNOWN_SENDERS, _ANY_RECORD, _NONE = range(5)
_OPTIONS = {ADA: _ALL, ALAN: _KNOWN_SENDERS, KATHERINE: _ANY_RECORD, EDSGER: _NONE}


def tenant() -> Tenant:
    """Return the sellers' tenant."""
    plain = make_tenant(8)
    people = [
        person.model_copy(
            update={
                "incoming_email_filtering_method": _OPTIONS.get(person.upn, _REPLIES),
                "ready": person.upn not in {BARBARA, DONALD},
                "approved": person.upn != DONALD,
            }
        )
        for person in plain.people
    ]
    return plain.model_copy(update={"people": tuple(people)})
