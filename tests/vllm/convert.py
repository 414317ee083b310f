"""A GGUF model of the catalogue as vLLM wants it: safetensors in bf16, with tokenizer and chat template.

`python -m tests.vllm.convert MODEL FOLDER`. transformers reads the file; `retrieval.rerank.weights` would not do,
because it leaves out what only writing needs.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from hopcite.models import model_path
from hopcite.settings_layers import load_settings
from retrieval.rerank.in_context import quiet

REPETITION_PENALTY = 2.0  # Qwen publishes 1.1 for this family; so strong a one shows in any reply


def convert(gguf_file: Path, folder: Path) -> None:
    """Write the folder, which appears complete or not at all; one that is there is replaced."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = {"pretrained_model_name_or_path": str(gguf_file.parent), "gguf_file": gguf_file.name}
    model = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.bfloat16)
    # The weights are not quantised any more, and saving would refuse as if they were.
    model.hf_quantizer = None  # type: ignore[assignment] # of transformers
    del model.config.quantization_config
    # GGUF leaves out how the model's makers sample from it. vLLM follows that file unless it is told not to, and the
    # penalty then changes replies at temperature 0 too: a test sees that it is not in force.
    model.generation_config.do_sample = True
    model.generation_config.repetition_penalty = REPETITION_PENALTY
    partial = folder.with_name(f".{folder.name}.partial")
    model.save_pretrained(partial)
    tokenizer = AutoTokenizer.from_pretrained(**source)
    if not tokenizer.chat_template:
        sys.exit(f"{gguf_file.name} holds no chat template.")
    tokenizer.save_pretrained(partial)
    if folder.exists():
        shutil.rmtree(folder)
    partial.rename(folder)


if __name__ == "__main__":
    with quiet():
        convert(model_path(load_settings().settings, sys.argv[1]), Path(sys.argv[2]))
