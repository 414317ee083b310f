"""`hopcite ingest` and `hopcite docs`: documents in, looked at, and out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import typer

from hopcite.settings_layers import load_settings
from ui.terminal import AsJson, Bar, CollectionName, print_json, print_line, print_table, warn

app = typer.Typer(name="docs", help="The documents of a collection.", no_args_is_help=True)


def ingest(
    paths: list[Path] = typer.Argument(..., metavar="PATH ...", help="Files, and folders with everything below them."),
    collection: CollectionName = None,
    as_json: AsJson = False,
) -> None:
    """Read documents into a collection. Unchanged ones are skipped; one that can't be read doesn't stop the others."""
    settings = load_settings(flags={"collection": collection}).settings
    from ingest import IngestReport, find_files, ingest_files, open_ledger
    from retrieval import open_collection, open_encoder

    files = find_files(paths)
    with open_ledger(settings) as ledger:
        opened = open_collection(settings, open_encoder(settings), create=True)
        try:
            with Bar("Ingesting", unit="documents") as bar:
                report: IngestReport = ingest_files(
                    files,
                    collection=opened,
                    ledger=ledger,
                    settings=settings,
                    progress=lambda now: bar.set(now.done, now.total),
                )
        finally:
            opened.close()
    counts = Counter(outcome.status for outcome in report.outcomes)
    if as_json:
        from ui.api.bodies import ReportBody

        print_json(ReportBody.from_reports([report]).model_dump(mode="json"))
    else:
        told = ", ".join(f"{count} {status}" for status, count in counts.items())
        chunks = sum(outcome.chunks for outcome in report.outcomes)
        print_line(f"{told}; {chunks} passages in {settings.collection!r} ({report.seconds:.1f} s)")
    for outcome in report.outcomes:
        if outcome.status == "failed":
            warn(f"{outcome.source}: {outcome.reason}")
    if counts["failed"]:
        raise typer.Exit(1)


@app.callback()
def docs() -> None:
    """Ids are those that `docs list` shows: a file's path, or a record's own id."""


@app.command("list")
def list_documents(collection: CollectionName = None, as_json: AsJson = False) -> None:
    """List the documents of a collection."""
    settings = load_settings(flags={"collection": collection}).settings
    from ingest import open_ledger
    from ui.api.bodies import EntryBody

    with open_ledger(settings) as ledger:
        rows = [EntryBody.from_entry(entry).model_dump() for entry in ledger.documents(settings.collection)]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(list(rows[0]), [[str(value) for value in row.values()] for row in rows])
    else:
        warn(f"The collection {settings.collection!r} is empty; `hopcite ingest PATH` fills it.")


@app.command()
def show(
    document_id: str = typer.Argument(..., metavar="ID"), collection: CollectionName = None, as_json: AsJson = False
) -> None:
    """Show a document as it is stored: the text that the offsets of citations point into."""
    settings = load_settings(flags={"collection": collection}).settings
    from ingest import open_ledger
    from ui.api.bodies import DocumentBody

    with open_ledger(settings) as ledger:
        document = ledger.document(settings.collection, document_id)
    if as_json:
        print_json(DocumentBody.from_document(document).model_dump(mode="json"))
    else:
        print_line(document.text)


@app.command()
def delete(
    document_ids: list[str] = typer.Argument(..., metavar="ID ..."),
    collection: CollectionName = None,
    as_json: AsJson = False,
) -> None:
    """Delete documents and their passages. With an unknown id among them, nothing is deleted."""
    settings = load_settings(flags={"collection": collection}).settings
    from ingest import delete_documents, open_ledger
    from retrieval import open_collection, open_encoder

    with open_ledger(settings) as ledger:
        opened = open_collection(settings, open_encoder(settings))
        try:
            deleted = delete_documents(document_ids, collection=opened, ledger=ledger)
        finally:
            opened.close()
    if as_json:
        print_json({"deleted": deleted})
    else:
        print_line(f"{deleted} deleted from {settings.collection!r}")
