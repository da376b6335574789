"""The sellers' contacts: one who is in Dynamics already, saved by one seller and not by another."""

from bench.address_books import AddressBooks
from bench.running import Run
from bench.story.people import ALAN, GRACE

NOT_SAVED = "ignored: no seller has saved it"


async def tell(run: Run) -> None:
    """Let contacts be added, saved and changed, and say what is expected."""
    books = AddressBooks(run)
    carla = {
        "givenName": "Carla",
        "surname": "Customer",
        "emailAddresses": [{"address": "carla@fabrikam.example"}],
    }
    of_alan = await books.add(ALAN, carla, NOT_SAVED)
    of_grace = await books.add(GRACE, carla, NOT_SAVED)
    await run.quiet()
    await books.save(of_alan, "tracked: seller")
    await books.change(of_alan, jobTitle="Buyer", mobilePhone="+49 30 4711")
    await books.change(of_grace, jobTitle="Nobody heard of it")
    await run.quiet()
