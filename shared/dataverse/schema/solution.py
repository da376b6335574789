"""The publisher and the solution all of Tether belongs to, and the package made of it."""

import base64
import binascii

from shared.dataverse.batch import Operation
from shared.dataverse.client import DataverseClient
from shared.errors import Permanent, Transient

PUBLISHER = {
    "uniquename": "tether",
    "friendlyname": "Tether",
    "customizationprefix": "tether",
    "customizationoptionvalueprefix": 48570,
}
VERSION = "1.2.0.0"
SOLUTION = {"uniquename": "Tether", "friendlyname": "Tether", "version": VERSION}


async def export_solution(client: DataverseClient, *, managed: bool) -> bytes:
    """Return the solution as the zip that other environments import.

    Raises:
        Permanent: Dataverse refuses, e.g. because the solution is not there.
        Transient: Dataverse did not answer, or not with a package.
    """
    body = {"SolutionName": SOLUTION["uniquename"], "Managed": managed}
    response = await client.send(Operation("POST", "ExportSolution", body))
    if not response.ok:
        raise Permanent(response.problem)
    try:
        return base64.b64decode(str(response.body["ExportSolutionFile"]), validate=True)
    except (KeyError, binascii.Error) as error:
        raise Transient("Dataverse answered ExportSolution without a package.") from error
