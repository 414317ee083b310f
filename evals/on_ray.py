"""Asking on a Ray cluster (extra `scale`): several workers, each with parts of its own. The driver scores and writes.

Qdrant Edge belongs to one process, so each worker opens a copy of the collection in a folder of its own; on several
machines the data folder must be shared, or the store be a Qdrant server.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from agent import Deps, open_deps
from agent.calibration import FILE as CALIBRATION
from evals.asking import Job, OnOutcome, Outcome, ask
from evals.datasets import Question
from hopcite.errors import HopciteError, SettingsError, Unreachable
from hopcite.settings import Settings

_CLOSING_S = 10.0


def ask_on_ray(
    questions: Sequence[Question], job: Job, *, settings: Settings, collection: str, workers: int, tell: OnOutcome
) -> None:
    """Ask on the cluster that `RAY_ADDRESS` names, or on one started here for the purpose. Tells in order of arrival.

    No more workers start than the cluster has CPUs: the others would never be scheduled. Raises `SettingsError` without
    Ray, and what stops a worker for good, after telling of what was done.
    """
    try:
        import ray
        from ray.util import ActorPool
    except ImportError as exc:
        raise SettingsError("--executor ray needs Ray: pip install 'hopcite[scale]'.") from exc
    ours = not ray.is_initialized()
    try:
        ray.init(ignore_reinit_error=True, logging_level=logging.WARNING, log_to_driver=False, include_dashboard=False)
    except (ConnectionError, RuntimeError) as exc:
        raise Unreachable(f"The Ray cluster does not answer ({exc}); correct or unset RAY_ADDRESS.") from exc
    actors: list[Any] = []
    try:
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call] # of ray
        available = max(1, int(resources.get("CPU", 1)))
        workers = min(workers, len(questions), available)
        cpus = available // workers
        actor: Any = ray.remote(num_cpus=cpus)(_Worker)
        absolute = settings.model_copy(
            update={
                "data_dir": settings.data_dir.absolute(),
                "model_dir": settings.model_dir.absolute(),
                "llm": settings.llm.model_copy(update={"threads": settings.llm.threads or cpus}),
            }
        )
        actors = [actor.remote(absolute, collection, job) for _ in range(workers)]
        pool = ActorPool(actors)
        for outcome in pool.map_unordered(lambda worker, question: worker.ask.remote(question), list(questions)):
            if isinstance(outcome, HopciteError):
                raise outcome
            tell(outcome)
    except ray.exceptions.RayActorError as exc:
        raise Unreachable("A worker of the Ray cluster was lost; run the same command again to go on.") from exc
    finally:
        if actors:
            # One that was lost can't clear away; the error that ended the run says more.
            with contextlib.suppress(ray.exceptions.RayError):
                ray.wait([one.close.remote() for one in actors], num_returns=len(actors), timeout=_CLOSING_S)
        if ours:
            ray.shutdown()


class _Worker:
    """One process with its own open parts. They are opened by the first question, and closed by `close`."""

    def __init__(self, settings: Settings, collection: str, job: Job) -> None:
        self._settings, self._collection, self._job = settings, collection, job
        self._stack = AsyncExitStack()
        self._deps: Deps | None = None

    async def ask(self, question: Question) -> Outcome | HopciteError:
        """The outcome, or the error that would stop every question: returned, so that it arrives as itself."""
        try:
            if self._deps is None:
                settings = self._settings if self._settings.qdrant.url else self._with_copy()
                self._deps = await self._stack.enter_async_context(open_deps(settings, collection=self._collection))
            return await ask(question, self._job, deps=self._deps)
        except HopciteError as exc:
            return exc

    async def close(self) -> None:
        """Close the parts and remove the copy of the collection."""
        await self._stack.aclose()

    def _with_copy(self) -> Settings:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="hopcite-")))
        source = self._settings.data_dir / "collections" / self._collection
        if not source.is_dir():
            raise SettingsError(
                f"A worker cannot see {source}: share the data folder between the machines, or use a Qdrant server "
                "(HOPCITE_QDRANT__URL)."
            )
        shutil.copytree(source, folder / "collections" / self._collection)
        if (calibration := self._settings.data_dir / CALIBRATION).exists():
            shutil.copy(calibration, folder)
        return self._settings.model_copy(update={"data_dir": folder})
