"""From the catalogue's GGUF file to a folder that transformers opens in a second: bf16 weights, config and tokenizer.

transformers reads GGUF itself, but for a 1.5B model it takes about a minute at every start and holds every tensor in
memory at once. Here each tensor is read, converted and written in turn, once; afterwards the weights are mapped into
memory from the file, so that the system shares and reclaims them like any other file.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hopcite.errors import ModelFileError, NoSpace

if TYPE_CHECKING:
    import torch

ARCHITECTURES = ("qwen2", "qwen3")
"""Those whose tensors in GGUF equal the original's but for their names. Llama's, for one, are permuted."""
_ROWS_AT_ONCE = 8192  # the embedding matrix alone would take 0.9 GB in float32


def converted_folder(gguf_file: Path, *, model_id: str, sha256: str, layers: int | None, parent: Path) -> Path:
    """The folder below `parent` with the model's first `layers` layers (None: all) in bf16; written if it is absent.

    Its name holds the source's sha256 and the number of layers, and it appears complete or not at all. Folders of the
    same model from another source or with other layers are removed. Raises `ModelFileError`, `NoSpace`.
    """
    prefix = f"{model_id}-bf16-"
    folder = parent / f"{prefix}{sha256[:12]}-{'all' if layers is None else layers}"
    if folder.is_dir():
        return folder
    partial: Path | None = None
    try:
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=parent))
        convert(gguf_file, partial, layers=layers)
        with contextlib.suppress(FileExistsError):  # another process was faster
            partial.rename(folder)
    except OSError as exc:
        if exc.errno == errno.ENOSPC:
            raise NoSpace(f"No space in {parent} for the bf16 copy of {model_id}; free some or set model_dir.") from exc
        raise ModelFileError(f"Cannot write the bf16 copy of {model_id} in {parent}: {exc.strerror}.") from exc
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)
    for other in parent.glob(f"{prefix}*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    return folder


def convert(gguf_file: Path, folder: Path, *, layers: int | None = None) -> None:
    """Write config, tokenizer and bf16 weights of the first `layers` layers into `folder`, without the LM head.

    Raises `ModelFileError` for an architecture that is not one of `ARCHITECTURES`, or a file without some tensor.
    """
    from gguf import GGUFReader
    from safetensors.torch import save_file
    from transformers import AutoConfig, AutoTokenizer

    reader = GGUFReader(gguf_file)
    architecture = str(reader.fields["general.architecture"].contents())
    if architecture not in ARCHITECTURES:
        raise ModelFileError(
            f"{gguf_file.name} holds a {architecture} model; attention reranking reads {' and '.join(ARCHITECTURES)}. "
            "Set rerank.model to one of those, or rerank.method to letters."
        )
    source = {"pretrained_model_name_or_path": str(gguf_file.parent), "gguf_file": gguf_file.name}
    config = AutoConfig.from_pretrained(**source)
    if layers is not None and layers < config.num_hidden_layers:
        config.num_hidden_layers = layers
        config.layer_types = config.layer_types[:layers]
    config.save_pretrained(folder)
    AutoTokenizer.from_pretrained(**source).save_pretrained(folder)
    weight_map: dict[str, str] = {}
    size = 0
    for number, shard in enumerate(_shards(reader, architecture, config)):
        name = f"model-{number:03d}.safetensors"
        save_file(shard, folder / name, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(shard, name)
        size += sum(tensor.nbytes for tensor in shard.values())
    index = {"metadata": {"total_size": size}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


def _shards(reader: Any, architecture: str, config: Any) -> Iterator[dict[str, torch.Tensor]]:
    """The model's weights by transformers' names: one dictionary a layer, and one for the rest."""
    import gguf
    import torch
    from transformers import AutoModel

    with torch.device("meta"):
        wanted = AutoModel.from_config(config).state_dict()  # type: ignore[no-untyped-call] # of transformers
    architectures = {name: number for number, name in gguf.MODEL_ARCH_NAMES.items()}
    names = gguf.get_tensor_name_map(architectures[architecture], config.num_hidden_layers)
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    groups: dict[str, list[str]] = {}
    for name in wanted:
        groups.setdefault(".".join(name.split(".")[:2]) if name.startswith("layers.") else "", []).append(name)
    for group in groups.values():
        shard = {}
        for name in group:
            stored = tensors.get(names.get_name(f"model.{name}", try_suffixes=(".weight", ".bias")) or "")
            if stored is None:
                raise ModelFileError(f"The GGUF file lacks {name}; `hopcite models pull` fetches it again.")
            shard[name] = _bfloat16(stored).reshape(wanted[name].shape)
        yield shard


def _bfloat16(stored: Any) -> torch.Tensor:
    import torch
    from gguf.quants import dequantize

    data = stored.data
    parts = [data[start : start + _ROWS_AT_ONCE] for start in range(0, len(data), _ROWS_AT_ONCE)]
    # The copy frees the float32 values at once, and gives torch memory that it may write to.
    return torch.cat([torch.from_numpy(dequantize(part, stored.tensor_type).copy()).bfloat16() for part in parts])


def cpu_threads() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
