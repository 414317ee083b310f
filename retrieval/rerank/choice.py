"""Settings to a reranker."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hopcite.chat import Chat
from hopcite.errors import SettingsError
from hopcite.models import CATALOGUE, model_path
from hopcite.settings import RerankMethod, RerankSettings, Settings
from retrieval.rerank.asking import ChatReranker
from retrieval.rerank.attention import AttentionReranker
from retrieval.rerank.cascade import CascadeReranker
from retrieval.rerank.cross_encoder import CrossEncoderReranker
from retrieval.rerank.fused import FusedReranker
from retrieval.rerank.identity import IdentityReranker
from retrieval.rerank.methods import CHAT_METHODS
from retrieval.rerank.port import Reranker
from retrieval.rerank.recipes import RECIPES, AttentionRecipe
from retrieval.rerank.shuffled import ShuffledReranker

if TYPE_CHECKING:
    from retrieval.rerank.cross_encoder import PairScorer
    from retrieval.rerank.in_context import InContextScorer

Engine = Literal["chat", "in-process"]
"""chat: the `llm` model, in llama.cpp or on a server. in-process: a model of its own, read by this process."""


def open_reranker(settings: Settings, chat: Chat) -> Reranker:
    """The reranker that `settings.rerank` names. Models load on first use; methods of the engine `chat` ask `chat`.

    Raises `SettingsError`, before any work, when a method can't run on the engine or with the model that is set.
    """
    rerank = settings.rerank
    _check(rerank)
    reranker = _opened(rerank.method, settings, chat)
    if rerank.shuffles > 1:
        reranker = ShuffledReranker(reranker, times=rerank.shuffles)
    if rerank.then is not None:
        reranker = CascadeReranker(reranker, _opened(rerank.then, settings, chat), passages=rerank.then_passages)
    if rerank.first_stage_weight > 0 and rerank.method != "none":
        reranker = FusedReranker(reranker, weight=rerank.first_stage_weight, rrf_k=settings.search.rrf_k)
    return reranker


def engine_of(method: RerankMethod) -> Engine | None:
    """What a method runs on; None for `none`."""
    if method in CHAT_METHODS:
        return "chat"
    return None if method == "none" else "in-process"


def most_calls(rerank: RerankSettings) -> int:
    """Calls of the `llm` model that reranking one question costs at most."""
    first = _most_calls(rerank.method, rerank.passages) * rerank.shuffles
    return first + (_most_calls(rerank.then, min(rerank.then_passages, rerank.passages)) if rerank.then else 0)


def _most_calls(method: RerankMethod, passages: int) -> int:
    return CHAT_METHODS[method].most_calls(passages) if method in CHAT_METHODS and passages > 1 else 0


def _check(rerank: RerankSettings) -> None:
    for method in rerank.methods:
        engine = engine_of(method)
        if rerank.engine != "auto" and engine not in (None, rerank.engine):
            fitting = [name for name in (*CHAT_METHODS, "attention", "cross-encoder") if _fits(name, rerank.engine)]
            raise SettingsError(
                f"The reranking method {method!r} runs on the engine {engine!r}, and rerank.engine is "
                f"{rerank.engine!r}; set that to auto, or choose one of {', '.join(fitting)}."
            )
        if method == "attention" and not _in_catalogue(rerank.model) and not Path(rerank.model).is_dir():
            raise SettingsError(
                f"rerank.model {rerank.model!r} is no GGUF model of the catalogue and no folder; "
                "`hopcite models list` names the first."
            )
        if method == "cross-encoder" and _generates(rerank.model):
            raise SettingsError(
                f"rerank.model {rerank.model!r} is no cross-encoder; set it to a folder that holds one, or to a name "
                "on the hub such as BAAI/bge-reranker-v2-m3."
            )
    if rerank.method == "none" and rerank.shuffles > 1:
        raise SettingsError("rerank.shuffles needs a method to rank the shuffled passages; set rerank.method.")


def _fits(method: str, engine: str) -> bool:
    return ("chat" if method in CHAT_METHODS else "in-process") == engine


def _opened(method: RerankMethod, settings: Settings, chat: Chat) -> Reranker:
    model, device = settings.rerank.model, settings.rerank.device
    if method == "none":
        return IdentityReranker()
    if method == "attention":
        return AttentionReranker(lambda: _load_attention(settings), name=f"attention:{model}")
    if method == "cross-encoder":
        return CrossEncoderReranker(functools.partial(_load_cross_encoder, model, device), name=f"{method}:{model}")
    return ChatReranker(chat, CHAT_METHODS[method])


def _in_catalogue(model: str) -> bool:
    entry = CATALOGUE.get(model)
    return entry is not None and entry.file is not None and entry.file.name.endswith(".gguf")


def _generates(model: str) -> bool:
    """Of the catalogue's rerankers, those that answer yes or no are generating models too: they need their template."""
    entry = CATALOGUE.get(model)
    return entry is not None and (entry.kind != "reranker" or model.startswith("Qwen/"))


def _load_cross_encoder(model: str, device: str) -> PairScorer:
    from retrieval.rerank.cross_encoder import SentenceTransformersScorer

    return SentenceTransformersScorer(model, device=device)


def _load_attention(settings: Settings) -> InContextScorer:
    from retrieval.rerank.in_context import InContextScorer
    from retrieval.rerank.weights import converted_folder

    model = settings.rerank.model
    recipe = RECIPES.get(model, AttentionRecipe())
    entry = CATALOGUE.get(model)
    if entry is None or entry.file is None:
        folder = Path(model)
    else:
        gguf_file = model_path(settings, model)
        folder = converted_folder(
            gguf_file, model_id=model, sha256=entry.file.sha256, layers=recipe.stop, parent=settings.model_dir
        )
    return InContextScorer.load(folder, recipe=recipe, device=settings.rerank.device)
