"""`/healthz` and `/readyz`."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from ui.api.ask import Shared
from ui.api.bodies import HealthBody
from ui.api.errors import Problem, problem_response, problem_responses
from ui.ready import faults

router = APIRouter(tags=["operation"])


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> HealthBody:
    """The process is alive. Touches nothing else."""
    return HealthBody()


@router.get(
    "/readyz", summary="Could a question be answered now?", response_model=HealthBody, responses=problem_responses(503)
)
async def readyz(request: Request, parts: Shared) -> Response | HealthBody:
    """Whether a question could be answered now: models on the disk, the stores open, servers answer."""
    found = await faults(parts)
    if not found:
        return HealthBody()
    problem = Problem(
        title="A part is unavailable",
        status=503,
        detail=" ".join(found.values()),
        instance=request.url.path,
    )
    return problem_response(problem, parts=found)
