"""The words of the catalogue, as the API gives them."""

from shared.catalogue import entry
from shared.tracking.contract import Trouble


def trouble_of(code: str) -> Trouble:
    """Return what stands in the way.

    Raises:
        KeyError: the catalogue has no such code.
    """
    words = entry(code)
    return Trouble(
        code=words.code,
        seller=words.seller,
        administrator=words.administrator,
        remedy=words.remedy,
        page=words.page,
    )
