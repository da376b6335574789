"""The sellers' mail, and what must become of each piece of it."""

from collections.abc import Sequence
from typing import Any

from bench.inboxes import Inboxes
from bench.mail import compose
from bench.running import Run
from bench.story.people import ADA, ALAN, EDSGER, GRACE, KATHERINE
from shared.dataverse.batch import Operation

CUSTOMER = "Carla Customer <carla@fabrikam.example>"
STRANGER = "Sam Stranger <sam@nowhere.example>"
SUPPORT = "support@fabrikam.example"
NO_RULE = "ignored: it answers no tracked mail and has no category"
NO_MAIL = "ignored: the personal option is 'No email messages', and it has no category"


async def tell(run: Run) -> None:
    """Let the mail come, the sellers act, and say what is expected."""
    contact, inboxes = await _records(run), Inboxes(run)
    await _each_filter(inboxes)
    await _one_mail_for_three(inboxes)
    await run.quiet()
    await _category_then_replies(run, inboxes, contact)
    await _removal(run, inboxes)


async def _records(run: Run) -> str:
    """Put the customer into Dynamics; return the contact's key."""
    contact = "0c0ffee0-0000-4000-8000-000000000001"
    rows: Sequence[tuple[str, dict[str, Any]]] = (
        (
            "contacts",
            {
                "contactid": contact,
                "firstname": "Carla",
                "lastname": "Customer",
                "emailaddress1": "carla@fabrikam.example",
            },
        ),
        ("queues", {"name": "Support", "emailaddress": SUPPORT}),
    )
    await run.write([Operation("POST", entity_set, row) for entity_set, row in rows])
    return contact


async def _each_filter(inboxes: Inboxes) -> None:
    async def arrives(upn: str, name: str, sender: str, expected: str) -> None:
        mail = compose(_message_id(name), name.capitalize(), sender=sender, to=[upn])
        await inboxes.deliver(upn, mail, expected)

    await arrives(ADA, "any mail", STRANGER, "tracked: filter")
    await arrives(GRACE, "no reply", CUSTOMER, NO_RULE)
    await arrives(ALAN, "from a contact", CUSTOMER, "tracked: filter")
    await arrives(
        ALAN, "from a stranger", STRANGER, "ignored: the sender is no lead, contact or account"
    )
    await arrives(KATHERINE, "from a queue", SUPPORT, "tracked: filter")
    await arrives(
        KATHERINE, "from nobody", STRANGER, "ignored: the sender is no email-enabled record"
    )
    await arrives(EDSGER, "kept out", CUSTOMER, NO_MAIL)


async def _one_mail_for_three(inboxes: Inboxes) -> None:
    """One Message-ID in three mailboxes: one activity, a link for each that tracks it."""
    everyone = {ADA: "tracked: filter", ALAN: "tracked: filter", EDSGER: NO_MAIL}
    offer = compose(_message_id("offer"), "Offer for three", sender=CUSTOMER, to=list(everyone))
    for upn, expected in everyone.items():
        await inboxes.deliver(upn, offer, expected)


async def _category_then_replies(run: Run, inboxes: Inboxes, contact: str) -> None:
    quote = _message_id("quote")
    mail = compose(quote, "Quote 4711", sender=CUSTOMER, to=[GRACE])
    item = (await inboxes.deliver(GRACE, mail, NO_RULE)).item
    await run.quiet()
    await inboxes.mark(GRACE, item, "tracked: category")
    await run.quiet()
    await run.set_regarding(quote, "regardingobjectid_contact_email", f"contacts({contact})")
    answers = (
        (_message_id("answer"), "Re: Quote 4711", CUSTOMER, GRACE),
        (_message_id("forward"), "Fw: Quote 4711", STRANGER, KATHERINE),
    )
    for message_id, subject, sender, upn in answers:
        reply = compose(message_id, subject, sender=sender, to=[upn], answers=quote)
        await inboxes.deliver(upn, reply, "tracked: reply")
        run.expect_regarding(message_id, contact)
    reply = compose(
        _message_id("declined"), "Re: Quote 4711", sender=CUSTOMER, to=[EDSGER], answers=quote
    )
    await inboxes.deliver(EDSGER, reply, NO_MAIL)
    await run.quiet()


async def _removal(run: Run, inboxes: Inboxes) -> None:
    """Three ways out of Dynamics; the activity stays, and so does everybody else's link."""
    ways = (
        ("Unmarked", inboxes.unmark, "unlinked: the category was taken off in Outlook"),
        ("Purged", inboxes.purge, "unlinked: deleted in Outlook"),
        ("Thrown away", inboxes.throw_away, "unlinked: moved to Deleted Items"),
    )
    items = {}
    for subject, _, _ in ways:
        mail = compose(_message_id(subject.lower()), subject, sender=STRANGER, to=[ADA])
        items[subject] = (await inboxes.deliver(ADA, mail, "tracked: filter")).item
    await run.quiet()
    for subject, leave, expected in ways:
        await leave(ADA, items[subject], expected)
    await run.quiet()


def _message_id(name: str) -> str:
    return f"<{name.replace(' ', '-')}@fabrikam.example>"
