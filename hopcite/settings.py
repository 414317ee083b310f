"""The settings: one frozen tree, built once at the entry point (`hopcite.settings_layers`) and passed on explicitly."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from hopcite.settings_values import Address, Key

_DAY_S = 86_400
# More than any collection's searches gain from; stores keep such numbers in 32 or 64 bits.
_MOST_PASSAGES = 10_000
_MOST_TOKENS = 2**31 - 1  # llama.cpp's integers

COLLECTION_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"

Mode = Literal["adaptive", "always", "never"]
RerankMethod = Literal[
    "attention",
    "letters",
    "yes-no",
    "grades",
    "pairwise-all",
    "pairwise-heap",
    "pairwise-sliding",
    "setwise",
    "listwise",
    "full-ranking",
    "groups",
    "tournament",
    "elimination",
    "rank-r1",
    "reason-rank",
    "erank",
    "query-likelihood",
    "e2rank",
    "late-interaction",
    "cross-encoder",
    "qwen3-reranker",
    "none",
]
SearchMode = Literal["hybrid", "dense", "sparse"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


class LLMSettings(_Section):
    """The language model that plans and writes."""

    base_url: Address = None
    """An OpenAI-compatible server, such as `http://gpu-box:8000/v1`. Unset: llama.cpp in this process."""
    model: str = "qwen2.5-coder-1.5b-instruct-q4_k_m"
    """A model of the catalogue or, with `base_url`, the name by which the server knows it."""
    api_key: Key = None
    context_tokens: int = Field(default=8192, ge=1024, le=_MOST_TOKENS)
    """The window: prompt and reply together."""
    timeout_s: float = Field(default=120.0, gt=0, le=_DAY_S)
    """Silence after which a call is given up: before its first token, or between two."""
    retries: int = Field(default=3, ge=0)
    """Further tries after 429, 5xx or a lost connection, with exponential backoff."""
    concurrency: int = Field(default=8, ge=1)
    """Calls under way at once to a server; the embedded model always takes one at a time."""
    threads: int | None = Field(default=None, ge=1, le=1024)
    """CPU threads of the embedded model. Unset: all cores."""


class EncoderSettings(_Section):
    """The dense encoder. A collection remembers which one built it."""

    model: str = "all-minilm-l6-v2"
    """A model of the catalogue, a sentence-transformers model on the hub, or a local folder."""
    device: str = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """auto: bfloat16 where the processor computes in it, else float32."""
    batch_size: int = Field(default=64, ge=1)


class QdrantSettings(_Section):
    """The vector store. Without a `url` it is Qdrant Edge, in this process, in the data folder."""

    url: Address = None
    api_key: Key = None
    timeout_s: float = Field(default=30.0, gt=0, le=_DAY_S)


class ChunkingSettings(_Section):
    """How documents are cut."""

    max_tokens: int = Field(default=192, ge=16)
    """Tokens of the encoder in one chunk, the title included."""
    overlap_sentences: int = Field(default=1, ge=0)
    """Sentences that a chunk repeats from the one before it."""


class SearchSettings(_Section):
    """The first stage."""

    mode: SearchMode = "hybrid"
    """hybrid: meaning and words, fused; dense: meaning only; sparse: words only. Hops need the hybrid mode."""
    candidates: int = Field(default=20, ge=1, le=_MOST_PASSAGES)
    """Passages that one search hands on."""
    prefetch: int = Field(default=100, ge=1, le=_MOST_PASSAGES)
    """Depth of the dense and of the sparse list before fusion."""
    rrf_k: int = Field(default=60, ge=1)
    hops: bool = True
    """Follow, without a language model, the question and its first passages to the documents whose titles they name."""
    hop_seeds: int = Field(default=3, ge=1)
    """Passages that are followed."""
    hop_limit: int = Field(default=20, ge=1, le=_MOST_PASSAGES)
    """Passages reached in this way that join the ranking."""
    hop_weight: float = Field(default=1.5, ge=0)
    """Weight in the fusion of these, and of the passages that the question names; dense and sparse list have 1 each."""
    name_seeds: int = Field(default=2, ge=0)
    """Of the first passages, those whose names are followed to others that mention them. 0: nor are the question's."""
    name_weight: float = Field(default=1.0, ge=0)
    """Weight in the fusion of what the first one's names, and the question's, lead to; half for the second one's."""


class RerankSettings(_Section):
    """The language-model reranker."""

    method: RerankMethod = "attention"
    model: str = "qwen2.5-coder-1.5b-instruct-q4_k_m"
    """For the methods that do not use the `llm` model: read in process, or the name by which `base_url` knows it."""
    base_url: Address = None
    """A server with `/rerank` or `/score`, such as `http://gpu-box:8001/v1`, for `cross-encoder` and `qwen3-reranker`;
    or, where `engine` is `server`, with a chat model of its own for the methods that ask one."""
    api_key: Key = None
    engine: Literal["auto", "chat", "in-process", "server"] = "auto"
    """auto: `chat`, the `llm` model, for the methods that ask one; else `server` where there is a `base_url` and the
    method can use it, else `in-process`. One that a method can't run on is an error, for setups that must not load a
    second model."""
    heads: Path | None = None
    """Attention heads picked by `hopcite rerank-heads`, which `attention` then reads in place of those it knows."""
    passages: int = Field(default=20, ge=1)
    """The best of the first stage that are reranked; the rest keep their order below."""
    passage_tokens: int = Field(default=300, ge=16, le=4096)
    """Tokens of each passage that are read: a model's own in this process, else four bytes count as one."""
    shuffles: int = Field(default=1, ge=1, le=50)
    """Orders in which the method gets the passages; above 1, its rankings are merged (permutation self-consistency)."""
    then: RerankMethod | None = None
    """A second method, for the passages that the first one puts on top."""
    then_passages: int = Field(default=5, ge=2)
    """How many those are."""
    first_stage_weight: float = Field(default=0.5, ge=0, le=1)
    """The first stage's part when its scores, or places, are fused with the reranker's. 0: no fusion."""
    device: str = "auto"

    @property
    def methods(self) -> tuple[RerankMethod, ...]:
        """The one or two methods that run."""
        return (self.method,) if self.then is None else (self.method, self.then)


class AnswerSettings(_Section):
    """How a question is answered, and what it may cost. A request may override the budget."""

    mode: Mode = "adaptive"
    """adaptive: decompose when the evidence falls short; always; never."""
    evidence: int = Field(default=5, ge=1)
    """Passages that the writer sees at first, at most."""
    min_share: float = Field(default=0.3, ge=0, le=1)
    """Of these, past the third, only those with this share of the best one's rerank score, if there is one. 0: all."""
    sure: float = Field(default=0.65, ge=0, le=1)
    """In adaptive mode, a draft is final when the writer gives its short answer this probability."""
    further_evidence: int = Field(default=8, ge=1)
    """Passages that the writer sees, reranked and whatever their scores, after a draft that was not final."""
    max_rounds: int = Field(default=4, ge=1)
    """Rounds of sub-questions after the first search."""
    rewrite: bool = True
    """In a conversation, have the model fill in what a follow-up leaves out before it is searched."""
    max_llm_calls: int = Field(default=12, ge=1)
    """Calls of language models for one question. While it is not set, what reranking needs comes on top."""
    deadline_s: float | None = Field(default=None, gt=0)
    max_answer_tokens: int = Field(default=256, ge=16)
    writer: bool = True
    """false: no model writes; the answer is the sentences of the evidence nearest to the question, cited."""
    step_answers: bool = True
    """false: no model reads the answer of a sub-question, so that those which need one are left out."""
    defences: bool = True
    """Keep from the models what in a document gives orders, imitates the prompt or is hidden (docs/security.md)."""


class ThreadSettings(_Section):
    """Where conversations are kept."""

    url: SecretStr | None = None
    """A Postgres database, such as `postgresql://hopcite@db-box/hopcite`. Unset: SQLite, in the data folder."""


class ServerSettings(_Section):
    """`hopcite serve`."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    max_upload_mb: int = Field(default=64, ge=1)


class TelemetrySettings(_Section):
    """What is told of the work to those who watch over it."""

    spans: bool | None = None
    """OpenTelemetry spans of every question. Unset: when the OTEL_* environment names an exporter."""


class Settings(_Section):
    """The whole tree."""

    data_dir: Path = Path(".hopcite")
    """Indexes, ledger, threads and runs."""
    model_dir: Path = Field(default_factory=lambda: Path(platformdirs.user_cache_dir("hopcite")) / "models")
    """Model files, shared by all checkouts."""
    collection: str = Field(default="documents", pattern=COLLECTION_NAME)
    llm: LLMSettings = LLMSettings()
    encoder: EncoderSettings = EncoderSettings()
    qdrant: QdrantSettings = QdrantSettings()
    chunking: ChunkingSettings = ChunkingSettings()
    search: SearchSettings = SearchSettings()
    rerank: RerankSettings = RerankSettings()
    answer: AnswerSettings = AnswerSettings()
    threads: ThreadSettings = ThreadSettings()
    server: ServerSettings = ServerSettings()
    telemetry: TelemetrySettings = TelemetrySettings()

    @field_validator("data_dir", "model_dir")
    @classmethod
    def _at_home(cls, folder: Path) -> Path:
        """A shell replaces the tilde; files of settings come here with it, and a folder named ~ is nobody's wish."""
        try:
            return folder.expanduser()
        except RuntimeError as exc:
            raise ValueError(f"there is no home folder for {folder.parts[0]}") from exc

    def fingerprint(self) -> str:
        """12 hex digits over what can change an answer: no paths, keys, addresses; nothing of server or telemetry."""
        unseen = dict.fromkeys(("data_dir", "model_dir", "threads", "server", "telemetry"), True)
        tree = self.model_dump(mode="json", exclude=unseen)
        for section in ("llm", "qdrant", "rerank"):
            tree[section] = {k: v for k, v in tree[section].items() if k not in ("api_key", "base_url", "url")}
        return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()[:12]
