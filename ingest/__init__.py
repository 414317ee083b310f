"""Documents to index."""

from ingest.files import find_files
from ingest.ledger import Ledger, LedgerEntry, open_ledger
from ingest.pipeline import (
    IngestReport,
    Outcome,
    Progress,
    delete_documents,
    ingest_documents,
    ingest_files,
    ingest_upload,
)
from ingest.readers import SUFFIXES

__all__ = [
    "SUFFIXES",
    "IngestReport",
    "Ledger",
    "LedgerEntry",
    "Outcome",
    "Progress",
    "delete_documents",
    "find_files",
    "ingest_documents",
    "ingest_files",
    "ingest_upload",
    "open_ledger",
]
