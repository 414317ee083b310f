"""Systems under test: named changes to the settings, so that an ablation is one command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from hopcite.errors import UsageError
from hopcite.settings import Settings


@dataclass(frozen=True, slots=True)
class System:
    """What is changed of the settings, and what the writer gets to read."""

    about: str
    changes: Mapping[str, object] = field(default_factory=dict)
    evidence: Literal["retrieved", "gold", "none"] = "retrieved"


_PLAIN: Mapping[str, object] = {"answer.mode": "never", "rerank.method": "none", "search.hops": False}
_SPLIT: Mapping[str, object] = {"answer.mode": "always", "search.hops": False}
# The reranker's order alone, and the first passages of it, whatever their scores: as the paper does.
_RERANKED: Mapping[str, object] = {"search.hops": False, "rerank.first_stage_weight": 0.0, "answer.min_share": 0.0}

SYSTEMS: Mapping[str, System] = MappingProxyType(
    {
        "default": System("the settings as they are"),
        "closed-book": System("no evidence at all: what the writer knows by heart", _PLAIN, "none"),
        "naive": System("dense search alone", {**_PLAIN, "search.mode": "dense"}),
        "hybrid": System("dense and BM25, fused", _PLAIN),
        "rr": System("hybrid, reranked", {"answer.mode": "never", **_RERANKED}),
        "qd": System("hybrid, always decomposed", {**_SPLIT, "rerank.method": "none"}),
        "qd-rr": System("hybrid, always decomposed, reranked: the paper (arXiv 2507.00355)", {**_SPLIT, **_RERANKED}),
        "hops": System("hybrid with hops", {"answer.mode": "never", "rerank.method": "none"}),
        "hops-rr": System("hybrid with hops, reranked", {"answer.mode": "never"}),
        "always": System("hops, always decomposed, reranked", {"answer.mode": "always"}),
        "adaptive": System(
            "hops; where the writer is not sure: decomposes, or reranks and reads further", {"answer.mode": "adaptive"}
        ),
        "oracle": System(
            "the gold documents to the writer: the ceiling of the reader",
            {"answer.mode": "never", "rerank.method": "none"},
            "gold",
        ),
    }
)


def system_named(name: str) -> System:
    """The system of this name; `UsageError` lists them all when there is none."""
    if name not in SYSTEMS:
        raise UsageError(f"There is no system {name!r}; choose one of {', '.join(SYSTEMS)}.")
    return SYSTEMS[name]


def settings_of(system: System, settings: Settings) -> Settings:
    """The settings with the system's changes."""
    for name, value in system.changes.items():
        section, leaf = name.split(".")
        changed = getattr(settings, section).model_copy(update={leaf: value})
        settings = settings.model_copy(update={section: changed})
    return settings
