"""The API's genuine functions over an office in memory."""

# only once the project is on the path

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import azure.functions as func

sys.path.append(str(Path(__file__).resolve().parents[4]))

from functions import tracking
from sandbox.tenant import make_tenant
from shared.catalogue.catalogue import entry
from shared.config import read_settings
from shared.tracking.api import Api, Surface
from shared.tracking.authenticating import callers_by
from tests.contract.api.office import Desk, Office

settings = read_settings(os.environ)
office = Office(make_tenant(3))
served = Api(
    callers=callers_by(settings, lambda: datetime.now(UTC)),
    items=office,
    desk=Desk(office),
    words=entry,
    surface=Surface(settings.login_endpoint, settings.tenant, settings.api_audience),
)


async def api() -> Api:
    """Return what the API is served from."""
    return served


app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(tracking.blueprint_over(api))
