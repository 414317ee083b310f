"""How probable labels are as the first token of a model's reply, for many prompts in one go, in this process.

What all prompts begin with is computed once, the rest in batches of similar length, and the LM head is applied to the
last position and to the labels' rows alone. So the probabilities are those among the labels; a method compares labels
of one prompt, and can't tell them from those among the whole vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch

from hopcite.chat import Message
from retrieval.rerank.causal import CausalModel, begun


class FirstTokenScorer:
    """`retrieval.rerank.in_process_chat.LabelScorer` by a decoder with its LM head."""

    def __init__(self, load: Callable[[], CausalModel]) -> None:
        self._model = load()

    @torch.inference_mode()
    def score(
        self, prompts: Sequence[Sequence[Message]], labels: Sequence[Sequence[str]]
    ) -> Iterator[tuple[int, dict[str, float], int]]:
        """For each prompt, not in their order: its number, its labels' log-probabilities, tokens computed for it.

        A label counts with and without a leading space; one that is no single token is absent. What is shared is
        counted for the first prompt that is done. Blocks.
        """
        ids = [self._model.conversation(messages) for messages in prompts]
        # The last token of each stays out of what is shared: its state is what tells the reply.
        shared = common_prefix([one[:-1] for one in ids]) if len(ids) > 1 else []
        if not shared and len(ids) > 1:  # a model without a template, asked by several methods at once
            for number in range(len(ids)):
                for _, found, tokens in self.score([prompts[number]], [labels[number]]):
                    yield number, found, tokens
            return
        unpaid = len(shared)
        for number, states in self._model.hidden(shared, [one[len(shared) :] for one in ids]):
            found = self._logprobs(states[-1], labels[number], begun(prompts[number]))
            yield number, found, unpaid + len(ids[number]) - len(shared)
            unpaid = 0

    def _logprobs(self, state: torch.Tensor, labels: Sequence[str], said: str) -> dict[str, float]:
        tokens = {label: self._tokens(label, said) for label in labels}
        known = [label for label in labels if tokens[label]]
        if not known:
            return {}
        rows = self._model.head[[token for label in known for token in tokens[label]]].float()
        parts = torch.split(rows @ state.float(), [len(tokens[label]) for label in known])
        logits = torch.stack([part.logsumexp(0) for part in parts])
        return dict(zip(known, logits.log_softmax(0).tolist(), strict=True))

    def _tokens(self, label: str, said: str) -> list[int]:
        if said:  # within a word, a label is another token than by itself
            before, whole = self._model.plain(said), self._model.plain(said + label)
            return whole[-1:] if whole[:-1] == before else []
        found = [self._model.plain(written) for written in (label, f" {label}")]
        return sorted({ids[0] for ids in found if len(ids) == 1})


def common_prefix(sequences: Sequence[list[int]]) -> list[int]:
    """What all of at least one sequence begin with."""
    # It is what the lexicographically first and last begin with.
    first, last = min(sequences), max(sequences)
    differ = (place for place, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[: next(differ, min(len(first), len(last)))]
