"""The same run on a local Ray of two CPUs: the same records."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import ray

from evals import RunProgress, RunRequest, load_dataset, run_evaluation
from evals.asking import Job
from evals.on_ray import ask_on_ray
from evals.systems import SYSTEMS
from hopcite.errors import SettingsError
from hopcite.settings import Settings
from tests.evals.parts import write_data

# Ray's own start-up, and its processes that end after the test.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"
)


@pytest.fixture
def temporary(tmp_path: Path) -> Iterator[Path]:
    """The folder for temporary files of the workers of a Ray of two CPUs."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    own = {"env_vars": {"TMPDIR": str(folder)}}
    ray.init(num_cpus=2, runtime_env=own, include_dashboard=False, log_to_driver=False, logging_level=logging.WARNING)
    yield folder
    ray.shutdown()


@pytest.mark.models
def test_a_run_on_ray_equals_a_run_here(tmp_path: Path, model_dir: Path, temporary: Path) -> None:
    settings = Settings(data_dir=tmp_path / "hopcite", model_dir=model_dir)
    here = RunRequest("hotpotqa", data=write_data(tmp_path / "data"), system="hops", retrieval_only=True)
    heard: list[RunProgress] = []
    # More workers than CPUs: those for which there is none would never start.
    runs = [
        run_evaluation(replace(here, out=tmp_path / name, **change), settings=settings, progress=heard.append)  # type: ignore[arg-type] # of dataclass fields
        for name, change in (("here", {}), ("ray", {"executor": "ray", "concurrency": 3}))
    ]
    assert runs[0].summary["scores"] == runs[1].summary["scores"]
    assert (heard[-1].done, heard[-1].total) == (3, 3)
    cached = [json.loads((run.folder / "manifest.json").read_text(encoding="utf-8"))["cache"] for run in runs]
    assert cached == [True, False], "workers keep no replies"
    assert list(temporary.glob("hopcite-*")) == [], "copies of the collection are cleared away"


def test_a_worker_that_cannot_see_the_collection_says_what_to_share(tmp_path: Path) -> None:
    questions = load_dataset("hotpotqa", write_data(tmp_path / "data"), split="test").questions
    job, settings = Job(SYSTEMS["hops"], written=False), Settings(data_dir=tmp_path)
    with pytest.raises(SettingsError, match="HOPCITE_QDRANT__URL"):
        ask_on_ray(questions, job, settings=settings, collection="absent", workers=1, tell=lambda _: None)
