"""What becomes tracked, and what the activity then says."""

import pytest

from tests.system.company import TRACKED, Company
from tests.system.mails import mail
from tests.system.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

CATEGORY, REPLY, FILTER = 2, 3, 4  # tether_reason
FILTERS = {"all": 0, "replies": 1, "known senders": 2, "any record": 3, "none": 4}


async def test_the_category_makes_a_completed_activity_with_its_parties(company: Company) -> None:
    casey = await company.write(
        "POST", "contacts", {"lastname": "Customer", "emailaddress1": "casey@fabrikam.example"}
    )
    raw = mail(
        "Price list",
        to="Ada <ada@contoso.example>, Nobody Known <nobody@elsewhere.example>",
        cc="Grace <grace@contoso.example>",
        message_id="<price-list@fabrikam.example>",
    )
    item = (await company.deliver("ada", raw))["id"]
    await company.quiet()
    assert await company.links(item=item) == []

    await company.categorize("ada", item, "Blue", TRACKED)
    email = await company.activity("<price-list@fabrikam.example>")

    ada, grace = company.people["ada"], company.people["grace"]
    assert email["subject"] == "Price list"
    assert "what we spoke about" in email["description"]
    assert (email["directioncode"], email["statecode"], email["statuscode"]) == (False, 1, 4)
    assert email["_ownerid_value"] == ada["systemuserid"]
    assert email["actualstart"] == "2026-11-23T10:00:00Z"
    parties = await company.rows(
        "activityparties?$select=participationtypemask,addressused,_partyid_value"
        f"&$filter=_activityid_value eq {email['activityid']} and participationtypemask le 4"
    )
    assert {
        (party["participationtypemask"], party["addressused"], party["_partyid_value"])
        for party in parties
    } == {
        (1, "casey@fabrikam.example", casey),
        (2, "ada@contoso.example", ada["systemuserid"]),
        (2, "nobody@elsewhere.example", None),
        (3, "grace@contoso.example", grace["systemuserid"]),
    }
    (link,) = await company.links(item=item)
    assert link["tether_reason"] == CATEGORY
    assert link["_tether_trackedby_value"] == ada["systemuserid"]
    assert link["_tether_mailboxid_value"] == ada["id"]


@pytest.mark.parametrize(
    ("chosen", "stranger", "lead", "queue"),
    [
        ("all", True, True, True),
        ("replies", False, False, False),
        ("known senders", False, True, False),
        ("any record", False, True, True),
        ("none", False, False, False),
    ],
)
async def test_the_personal_option_decides_whose_mail_is_tracked(
    company: Company, chosen: str, stranger: bool, lead: bool, queue: bool
) -> None:
    name = chosen.replace(" ", "-")
    await company.write(
        "POST", "leads", {"lastname": "Lead", "emailaddress1": f"lead@{name}.example"}
    )
    await company.write("POST", "queues", {"name": name, "emailaddress": f"queue@{name}.example"})
    await company.choose_filter("katherine", FILTERS[chosen])
    expected = {"stranger": stranger, "lead": lead, "queue": queue}
    items = {
        who: (
            await company.deliver(
                "katherine", mail(to="katherine@contoso.example", sender=f"{who}@{name}.example")
            )
        )["id"]
        for who in expected
    }
    await company.quiet()
    for who, tracked in expected.items():
        links = await company.links(item=items[who])
        assert [link["tether_reason"] for link in links] == ([FILTER] if tracked else []), who


async def test_a_reply_to_tracked_mail_follows_it_with_its_regarding_and_its_owner(
    company: Company,
) -> None:
    account = await company.write("POST", "accounts", {"name": "Fabrikam"})
    raw = mail("Order", message_id="<order@fabrikam.example>")
    await company.deliver("ada", raw, categories=TRACKED)
    order = await company.activity("<order@fabrikam.example>")
    await company.write(
        "PATCH", f"emails({order['activityid']})", {"statecode": 0, "statuscode": 1}
    )
    await company.write(
        "PATCH",
        f"emails({order['activityid']})",
        {"regardingobjectid_account@odata.bind": f"accounts({account})"},
    )
    await company.write(
        "PATCH", f"emails({order['activityid']})", {"statecode": 1, "statuscode": 4}
    )

    reply = mail(
        "Re: Order",
        to="Grace <grace@contoso.example>, Ada <ada@contoso.example>",
        message_id="<order-2@fabrikam.example>",
        answers="<order@fabrikam.example>",
    )
    item = (await company.deliver("ada", reply))["id"]
    followed = await company.activity("<order-2@fabrikam.example>")

    assert followed["_parentactivityid_value"] == order["activityid"]
    assert followed["_regardingobjectid_value"] == account
    assert followed["_ownerid_value"] == order["_ownerid_value"]
    (link,) = await company.links(item=item)
    assert link["tether_reason"] == REPLY
    await company.quiet()
    shown = await company.graph("GET", f"/users/{{ada}}/messages/{item}?$select=categories")
    assert shown["categories"] == [TRACKED]


async def test_a_reply_that_comes_before_the_mail_it_answers_is_looked_at_again(
    company: Company,
) -> None:
    reply = mail(
        "Re: Late", message_id="<late-2@fabrikam.example>", answers="<late@fabrikam.example>"
    )
    item = (await company.deliver("grace", reply))["id"]
    await company.quiet()
    assert await company.links(item=item) == []
    await company.deliver(
        "ada", mail("Late", message_id="<late@fabrikam.example>"), categories=TRACKED
    )
    late = await company.activity("<late@fabrikam.example>")
    await company.control("PUT", "/clock", {"advance_seconds": 150})
    followed = await company.activity("<late-2@fabrikam.example>")
    assert followed["_parentactivityid_value"] == late["activityid"]
    (link,) = await company.links(item=item)
    assert link["tether_reason"] == REPLY


async def test_an_answer_sent_from_outlook_and_a_forward_to_a_colleague(company: Company) -> None:
    raw = mail("Offer wanted", message_id="<offer-wanted@fabrikam.example>")
    item = (await company.deliver("ada", raw, categories=TRACKED))["id"]
    wanted = await company.activity("<offer-wanted@fabrikam.example>")
    path = f"/users/{{ada}}/messages/{item}"
    await company.graph("POST", f"{path}/reply", {"comment": "Here it is."})
    alan = {"emailAddress": {"name": "Alan", "address": "alan@contoso.example"}}
    await company.graph("POST", f"{path}/forward", {"comment": "Yours.", "toRecipients": [alan]})
    await company.quiet()

    sent = await company.folder("ada", "sentitems")
    answers = [one for one in await company.messages("ada") if one["parentFolderId"] == sent]
    received = [one for one in await company.messages("alan") if "Offer" in one["subject"]]
    assert {one["subject"][:3] for one in answers} == {"RE:", "FW:"}
    # Sent mail follows no filter; it is tracked by the category (server-side-sync.md 2.1).
    for one in answers:
        assert await company.links(item=one["id"]) == []
        await company.categorize("ada", one["id"], TRACKED)
    for one in answers:
        email = await company.activity(one["internetMessageId"], outgoing=True)
        assert email["_parentactivityid_value"] == wanted["activityid"]
        assert (email["directioncode"], email["statuscode"]) == (True, 3)
        assert email["_ownerid_value"] == company.people["ada"]["systemuserid"]
    (forwarded,) = received
    assert len(await company.links(item=forwarded["id"])) == 1


async def test_one_mail_in_three_mailboxes_is_one_activity_with_three_links(
    company: Company,
) -> None:
    everyone = ("ada", "grace", "alan")
    to = ", ".join(f"{name}@contoso.example" for name in everyone)
    raw = mail("To all of you", to=to, message_id="<to-all@fabrikam.example>")
    for name in everyone:
        await company.deliver(name, raw, categories=TRACKED)
    email = await company.activity("<to-all@fabrikam.example>")
    await company.quiet()
    links = await company.links(message_id="<to-all@fabrikam.example>")
    assert {link["_tether_mailboxid_value"] for link in links} == {
        company.people[name]["id"] for name in everyone
    }
    assert {link["_tether_emailid_value"] for link in links} == {email["activityid"]}


async def test_an_activity_that_is_there_already_is_adopted_as_it_is(company: Company) -> None:
    native = await company.write(
        "POST",
        "emails",
        {
            "subject": "Written by native synchronization",
            "messageid": "<native@fabrikam.example>",
            "directioncode": False,
            "email_activity_parties": [
                {"participationtypemask": 1, "addressused": "casey@fabrikam.example"},
                {"participationtypemask": 2, "addressused": "ada@contoso.example"},
            ],
        },
    )
    await company.write("PATCH", f"emails({native})", {"statecode": 1, "statuscode": 4})
    raw = mail("Native", message_id="<native@fabrikam.example>")
    item = (await company.deliver("ada", raw, categories=TRACKED))["id"]
    await company.quiet()
    (link,) = await company.links(item=item)
    assert link["_tether_emailid_value"] == native
    email = await company.activity("<native@fabrikam.example>")
    assert (email["activityid"], email["subject"]) == (native, "Written by native synchronization")


@pytest.mark.parametrize("two", [False, True])
async def test_mail_between_colleagues_is_one_activity_of_the_sender_or_two(
    company: Company, *, two: bool
) -> None:
    (organization,) = await company.rows("organizations?$select=organizationid")
    path = f"organizations({organization['organizationid']})"
    await company.write("PATCH", path, {"ignoreinternalemail": not two})
    subject = f"Internal: {two}"
    to = {"emailAddress": {"name": "Grace", "address": "grace@contoso.example"}}
    message = {
        "subject": subject,
        "body": {"contentType": "text", "content": "Between us."},
        "toRecipients": [to],
        "categories": [TRACKED],
    }
    await company.graph("POST", "/users/{alan}/sendMail", {"message": message})

    async def arrived() -> list[str]:
        mails = await company.messages("grace")
        return [one["id"] for one in mails if one["subject"] == subject]

    (received,) = await eventually(arrived)
    await company.categorize("grace", received, TRACKED)
    await company.quiet()
    emails = await company.rows(f"emails?$filter=subject eq '{subject}'&$orderby=directioncode")
    shown = [(one["directioncode"], one["statuscode"], one["_ownerid_value"]) for one in emails]
    alan, grace = (company.people[name]["systemuserid"] for name in ("alan", "grace"))
    assert shown == [*([(False, 4, grace)] if two else []), (True, 3, alan)]
    links = await company.links(message_id=emails[0]["messageid"])
    assert {link["_tether_mailboxid_value"] for link in links} == {
        company.people[name]["id"] for name in ("alan", "grace")
    }
