"""`/v1/documents` and `/v1/collections`."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from hopcite.errors import UsageError
from hopcite.types import Document
from ingest import IngestReport
from ingest.readers.dates import dated
from ui.api.ask import Shared
from ui.api.bodies import (
    CollectionName,
    CollectionsBody,
    DocumentBody,
    EntriesBody,
    EntryBody,
    NewDocument,
    NewDocuments,
    ReportBody,
)
from ui.api.errors import Problem, problem_response, problem_responses

router = APIRouter(prefix="/v1", tags=["documents"])
InCollection = Annotated[CollectionName | None, Query(description="By default the server's own collection.")]

# The body is one of two media types, which FastAPI cannot declare from a signature.
_ADD_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {"files": {"type": "array", "items": {"type": "string", "format": "binary"}}},
                }
            },
            "application/json": {"schema": NewDocuments.model_json_schema(ref_template="#/components/schemas/{model}")},
        },
    }
}


@router.post(
    "/documents",
    summary="Add files or texts",
    response_model=ReportBody,
    responses={
        200: {"description": "At least one file or text was stored, or was stored already; `outcomes` has each."},
        422: {
            "description": "None could be stored, or the body is wrong; a problem, with `outcomes` in the first case.",
            **{k: v for k, v in problem_responses(422)[422].items() if k != "description"},
        },
        **problem_responses(409, 413, 415, 503, 507),
    },
    openapi_extra=_ADD_BODY,
)
async def add(request: Request, parts: Shared, collection: InCollection = None) -> Response | ReportBody:
    """Store files (multipart) or texts (JSON), and index them. A bad one does not stop the others."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    reports: list[IngestReport] = []
    if kind == "multipart/form-data":
        async with request.form() as form:
            files = [part for part in form.getlist("files") if isinstance(part, UploadFile)]
            if not files:
                raise UsageError("The form has no file in its field 'files'; send at least one.")
            for file in files:
                data = await file.read()
                reports.append(await parts.add_file(file.filename or "upload", data, collection=collection))
    elif kind == "application/json":
        documents = [_document(new) for new in (await _new_documents(request)).documents]
        reports.append(await parts.add_documents(documents, collection=collection))
    else:
        problem = Problem(
            title="Unsupported Media Type",
            status=415,
            detail="Send files as multipart/form-data or texts as application/json.",
            instance=request.url.path,
        )
        return problem_response(problem)
    return _answer(ReportBody.from_reports(reports), instance=request.url.path)


@router.get("/documents", summary="List documents", responses=problem_responses(422, 503))
async def entries(parts: Shared, collection: InCollection = None) -> EntriesBody:
    """The documents of a collection; none when it does not exist yet."""
    found = await parts.documents(collection)
    return EntriesBody(
        collection=collection or parts.settings.collection, documents=[EntryBody.from_entry(entry) for entry in found]
    )


# An id may be a path, such as `reports/2024.pdf`.
@router.get("/documents/{document_id:path}", summary="Read a document", responses=problem_responses(404, 422, 503))
async def show(document_id: str, parts: Shared, collection: InCollection = None) -> DocumentBody:
    """A document with its stored text."""
    return DocumentBody.from_document(await parts.document(document_id, collection=collection))


@router.delete(
    "/documents/{document_id:path}",
    summary="Delete a document",
    status_code=204,
    responses=problem_responses(404, 422, 503),
)
async def delete(document_id: str, parts: Shared, collection: InCollection = None) -> None:
    """Remove a document and its passages."""
    await parts.delete([document_id], collection=collection)


@router.get("/collections", summary="List collections", responses=problem_responses(503))
async def collections(parts: Shared) -> CollectionsBody:
    """The collections of this server."""
    return CollectionsBody(collections=await parts.collections(), default=parts.settings.collection)


async def _new_documents(request: Request) -> NewDocuments:
    try:
        return NewDocuments.model_validate_json(await request.body())
    except ValidationError as exc:
        raise RequestValidationError(exc.errors()) from exc


def _document(new: NewDocument) -> Document:
    digest = hashlib.sha256(f"{new.title}\n{new.source}\n{new.text}".encode()).hexdigest()
    document_id = new.id or digest[:32]
    return Document(
        id=document_id,
        title=new.title or new.id or new.text.strip().partition("\n")[0][:80],
        text=new.text,
        source=new.source or document_id,
        metadata=dated(new.metadata),
    )


def _answer(report: ReportBody, *, instance: str) -> Response | ReportBody:
    if any(outcome.status != "failed" for outcome in report.outcomes):
        return report
    first = report.outcomes[0]
    problem = Problem(
        title="No document could be stored",
        status=422,
        detail=f"{first.source}: {first.reason}",
        instance=instance,
    )
    return problem_response(problem, **report.model_dump(include={"outcomes"}))
