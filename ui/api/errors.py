"""Every failure of the API, made in one place: `application/problem+json` (RFC 9457), or what OpenAI's clients read."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from http.client import responses as phrases
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from hopcite.errors import HopciteError
from ui.faults import field_of, first_fault

MEDIA_TYPE = "application/problem+json"
_OPENAI_PATHS = re.compile(r"/v1/(?:chat/completions|models(?:/.*)?)")
log = logging.getLogger("hopcite.server")


class Problem(BaseModel):
    """What went wrong, and in `detail` what to change. Further members depend on the problem."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str


class OpenAIError(BaseModel):
    """What went wrong, and what to change."""

    message: str
    type: str
    code: str | None = None
    param: str | None = None


class OpenAIErrorBody(BaseModel):
    """A failure as OpenAI's clients read it."""

    error: OpenAIError


def problem_of(exc: Exception, *, instance: str) -> Problem:
    """The problem that an exception stands for. What nobody foresaw says no more than that; the log has the rest."""
    if isinstance(exc, HopciteError):
        names = ("llm_calls", "prompt_tokens", "completion_tokens")
        problem = Problem(title=exc.title, status=exc.http_status, detail=str(exc), instance=instance)
        spent = {name: getattr(exc, name) for name in names}
        return Problem.model_validate({**problem.model_dump(), "usage": spent}) if exc.llm_calls else problem
    if isinstance(exc, RequestValidationError):
        return Problem(title="The request is wrong", status=422, detail=_body_fault(exc), instance=instance)
    if isinstance(exc, HTTPException):
        title = phrases.get(exc.status_code, "The request ended")
        detail = exc.detail if exc.detail and exc.detail != title else _DETAILS.get(exc.status_code, title)
        return Problem(title=title, status=exc.status_code, detail=detail, instance=instance)
    return Problem(
        title="The server failed",
        status=500,
        detail="An error that nobody foresaw; the server's log has it.",
        instance=instance,
    )


def problem_response(problem: Problem, *, headers: Mapping[str, str] | None = None, **members: object) -> JSONResponse:
    """The problem, with further members that belong to it, as a response."""
    return JSONResponse({**problem.model_dump(), **members}, problem.status, headers=headers, media_type=MEDIA_TYPE)


def openai_error(problem: Problem, *, param: str | None = None) -> OpenAIErrorBody:
    """The same failure for OpenAI's clients. What these routes do not find is a model."""
    kind = "server_error" if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    if problem.status == HTTPStatus.NOT_FOUND:
        error = OpenAIError(message=problem.detail, type=kind, code="model_not_found", param="model")
    else:
        error = OpenAIError(message=problem.detail, type=kind, param=param)
    return OpenAIErrorBody(error=error)


def failure_response(exc: Exception, *, instance: str) -> JSONResponse:
    """What a caller gets for an exception, in the shape that is read at this address."""
    problem = problem_of(exc, instance=instance)
    headers = exc.headers if isinstance(exc, HTTPException) else None
    if not _OPENAI_PATHS.fullmatch(instance):
        return problem_response(problem, headers=headers)
    param = field_of(exc.errors()[0]) if isinstance(exc, RequestValidationError) else None
    # OpenAI's clients know a wrong body as 400.
    status = 400 if problem.status == HTTPStatus.UNPROCESSABLE_ENTITY else problem.status
    return JSONResponse(openai_error(problem, param=param).model_dump(), status, headers=headers)


def install_handlers(app: FastAPI) -> None:
    """Have the app answer every failure with what `failure_response` makes of it."""

    async def answer(request: Request, exc: Exception) -> JSONResponse:
        response = failure_response(exc, instance=request.url.path)
        if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.warning("%s %s: %s", request.method, request.url.path, exc)
        return response

    for kind in (HopciteError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, answer)


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route tells the OpenAPI page about its failures."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def _body_fault(exc: RequestValidationError) -> str:
    faults = exc.errors()
    if faults[0]["type"] == "json_invalid":
        return f"The body is not valid JSON: {faults[0]['ctx']['error']}."
    return first_fault(faults)


_DETAILS = {
    404: "There is nothing at this address; /docs lists what there is.",
    405: "This address does not take that method; /docs lists what it takes.",
}
