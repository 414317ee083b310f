"""A decoder with its LM head in this process, for methods that read probabilities of their own choice of tokens.

What all prompts begin with is computed once and its keys and values are shared; the rest goes through in batches of
similar length, and the head is applied to those positions alone that the method asks for.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hopcite.chat import Message
from hopcite.errors import ModelFileError
from hopcite.models import CATALOGUE, model_path
from hopcite.settings import Settings
from retrieval.devices import usable_device
from retrieval.rerank.in_context import computes_in_bfloat16, quiet
from retrieval.rerank.weights import converted_folder, cpu_threads

_BATCH_TOKENS = 4096
_THREAD_TOKENS = 256  # for each thread of a CPU, which gains nothing from more at once and loses to padding
_LEAST_SHARE = 0.7  # of a batch's longest sequence that its shortest may have: the rest of it is padding, computed too
_HEAD = "lm_head.safetensors"
_PLACE = re.compile("\x00(\\d+)\x00")


@dataclass(frozen=True, slots=True)
class CausalModel:
    """`decoder` gives hidden states, `head` (vocabulary x width) turns them into logits. One call at a time."""

    decoder: Any
    head: torch.Tensor
    tokenizer: Any

    @property
    def batch_tokens(self) -> int:
        """Tokens that one forward pass computes at most."""
        on_cpu = self.decoder.device.type == "cpu"
        return min(_BATCH_TOKENS, _THREAD_TOKENS * torch.get_num_threads()) if on_cpu else _BATCH_TOKENS

    def plain(self, text: str) -> list[int]:
        """Token ids of text in which control tokens are only text."""
        return list(
            self.tokenizer(text, add_special_tokens=False, split_special_tokens=True, verbose=False)["input_ids"]
        )

    def special(self, text: str) -> list[int]:
        """Token ids of a template's own text, with its control tokens."""
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def conversation(self, messages: Sequence[Message]) -> list[int]:
        """Token ids by the model's chat template, without which a blank line ends each message.

        Control tokens stay text. The assistant's turn stays open where it is the last.
        """
        goes_on = bool(begun(messages))
        if not self.tokenizer.chat_template:
            texts = [f"{message['content']}\n\n" for message in messages[:-1]]
            texts.append(messages[-1]["content"] if goes_on else f"{messages[-1]['content']}\n\n")
            return [token for text in texts for token in self.plain(text)]
        places = [{"role": message["role"], "content": f"\x00{n}\x00"} for n, message in enumerate(messages)]
        # Models that can think first are told not to: the first token is to be the answer.
        rendered = str(
            self.tokenizer.apply_chat_template(
                places,
                tokenize=False,
                add_generation_prompt=not goes_on,
                continue_final_message=goes_on,
                enable_thinking=False,
            )
        )
        ids: list[int] = []
        for n, part in enumerate(_PLACE.split(rendered)):
            ids += self.plain(messages[int(part)]["content"]) if n % 2 else self.special(part)
        return ids

    @torch.inference_mode()
    def hidden(self, prefix: Sequence[int], rests: Sequence[Sequence[int]]) -> Iterator[tuple[int, torch.Tensor]]:
        """For each of `rests` after `prefix`, its number and its hidden states (tokens x width), not in their order.

        No rest is empty.
        """
        from transformers import DynamicCache

        device = self.decoder.device
        most = self.batch_tokens
        shared = DynamicCache(config=self.decoder.config)
        if prefix:
            self._states(torch.tensor([list(prefix)], device=device), shared, most)
        for batch in _batches([len(rest) for rest in rests], most):
            longest = max(len(rests[number]) for number in batch)
            # Padding stands on the right, where causal attention never looks; any token will do.
            ids = [[*rests[number], *[rests[number][0]] * (longest - len(rests[number]))] for number in batch]
            cache = copy.deepcopy(shared)
            cache.batch_repeat_interleave(len(batch))
            states = self._states(torch.tensor(ids, device=device), cache, most)
            for row, number in enumerate(batch):
                yield number, states[row, : len(rests[number])]

    def _states(self, ids: torch.Tensor, cache: Any, most: int) -> torch.Tensor:
        """Hidden states after what the cache holds, at most so many tokens of each sequence in one pass."""
        parts = torch.split(ids, most, dim=1)
        states = [self.decoder(input_ids=part, past_key_values=cache, use_cache=True) for part in parts]
        return torch.cat([part.last_hidden_state for part in states], dim=1)


def begun(messages: Sequence[Message]) -> str:
    """What the assistant has said already in a turn that is to go on; empty where it begins one."""
    return messages[-1]["content"] if messages[-1]["role"] == "assistant" else ""


def _batches(lengths: Sequence[int], most: int = _BATCH_TOKENS) -> Iterator[list[int]]:
    """Numbers of sequences in batches of similar length, of at most `most` tokens with their padding, or of one."""
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda number: lengths[number], reverse=True):
        longest = lengths[batch[0]] if batch else 0
        if batch and ((len(batch) + 1) * longest > most or lengths[number] < _LEAST_SHARE * longest):
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def load_causal(settings: Settings) -> CausalModel:
    """`rerank.model` on `rerank.device`: a GGUF model of the catalogue, a folder, or a name on the hub.

    bf16 where the processor computes in it, else float32. Raises `ModelFileError`.
    """
    from safetensors.torch import load_file
    from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

    device = usable_device(settings.rerank.device, setting="rerank.device")
    torch.set_num_threads(cpu_threads())
    dtype = torch.bfloat16 if device != "cpu" or computes_in_bfloat16() else torch.float32
    model = settings.rerank.model
    entry = CATALOGUE.get(model)
    with quiet():
        if entry is not None and entry.file is not None:
            folder = whole_folder(settings, model)
            decoder = AutoModel.from_pretrained(folder, dtype=dtype, local_files_only=True)
            head = decoder.get_input_embeddings().weight
            if (folder / _HEAD).is_file():
                head = load_file(folder / _HEAD)["weight"].to(dtype)
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        else:
            try:
                whole: Any = AutoModelForCausalLM.from_pretrained(model, dtype=dtype)
                tokenizer = AutoTokenizer.from_pretrained(model)
            except (OSError, ValueError) as exc:
                raise ModelFileError(
                    f"The model {model!r} cannot be loaded; name a folder that holds its files in rerank.model, or "
                    "choose another rerank.method."
                ) from exc
            decoder, head = whole.get_decoder(), whole.get_output_embeddings().weight
    return CausalModel(decoder.to(device).eval(), head.detach().to(device), tokenizer)


def whole_folder(settings: Settings, model_id: str) -> Path:
    """The folder with every layer of a GGUF model of the catalogue in bf16, and its LM head; written if absent.

    It lies beside the folder of `attention`, which holds only the layers that are read.
    """
    from gguf import GGUFReader
    from safetensors.torch import save_file

    from retrieval.rerank.weights import _bfloat16

    gguf_file, file = model_path(settings, model_id), CATALOGUE[model_id].file
    if file is None:
        raise ModelFileError(f"Hopcite keeps no file of {model_id}.")
    folder = converted_folder(
        gguf_file, model_id=f"{model_id}-whole", sha256=file.sha256, layers=None, parent=settings.model_dir
    )
    if not (folder / _HEAD).is_file():
        # A model that ties the head to its embeddings has no such tensor.
        for tensor in GGUFReader(gguf_file).tensors:
            if tensor.name == "output.weight":
                partial = folder / f".{_HEAD}.partial"
                save_file({"weight": _bfloat16(tensor)}, partial)
                partial.rename(folder / _HEAD)
    return folder
