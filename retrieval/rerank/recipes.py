"""Which of a model's attention tells relevant passages from others: measured, per model, in docs/decisions.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class AttentionRecipe:
    """Which attention counts: layers `start` to `stop` (exclusive; None: to the last), of these (layer, head) pairs.

    The forward pass ends with the last layer that counts, and later ones are not even loaded. `heads` None: all.
    """

    start: int = 0
    stop: int | None = None
    heads: frozenset[tuple[int, int]] | None = None

    def heads_of(self, layer: int) -> list[int] | None:
        """The heads of `layer` that count; None for all."""
        if layer < self.start or (self.stop is not None and layer >= self.stop):
            return []
        return None if self.heads is None else sorted(head for where, head in self.heads if where == layer)


RECIPES: Mapping[str, AttentionRecipe] = MappingProxyType(
    {"qwen2.5-coder-1.5b-instruct-q4_k_m": AttentionRecipe(start=14, stop=18)}
)
"""By catalogue id. A model without one uses every layer and head, as the paper does."""
