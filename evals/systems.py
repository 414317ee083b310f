"""Systems under test: named changes to the settings, so that an ablation is one command."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hopcite.errors import UsageError
from hopcite.settings import Settings

SYSTEMS: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "default": {},
        "adaptive": {"answer.mode": "adaptive"},
        "always": {"answer.mode": "always"},
        "rerank": {"answer.mode": "never"},
        "hops": {"answer.mode": "never", "rerank.method": "none"},
        "hybrid": {"answer.mode": "never", "rerank.method": "none", "search.hops": False},
    }
)
"""default: the settings as they are. adaptive, always: decompose when the evidence falls short, or always. Then,
each leaving out more: decomposing, the reranker, the hops."""


def settings_of(system: str, settings: Settings) -> Settings:
    """The settings with the system's changes. `UsageError` lists the systems when there is none of this name."""
    if system not in SYSTEMS:
        raise UsageError(f"There is no system {system!r}; choose one of {', '.join(SYSTEMS)}.")
    for name, value in SYSTEMS[system].items():
        section, leaf = name.split(".")
        changed = getattr(settings, section).model_copy(update={leaf: value})
        settings = settings.model_copy(update={section: changed})
    return settings
