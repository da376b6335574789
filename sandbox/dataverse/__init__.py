"""The Dataverse Web API v9.2 of one organisation: tables, rows, batches and metadata."""

from sandbox.dataverse.seed import service_principal
from sandbox.dataverse.service import Dataverse

__all__ = ["Dataverse", "service_principal"]
