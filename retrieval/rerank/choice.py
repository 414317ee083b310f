"""Settings to a reranker."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from hopcite.chat import Chat
from hopcite.errors import SettingsError
from hopcite.models import CATALOGUE, model_path
from hopcite.openai_chat import open_chat
from hopcite.settings import RerankMethod, RerankSettings, Settings
from retrieval.rerank.asking import ChatReranker
from retrieval.rerank.attention import AttentionReranker, passages_per_prompt
from retrieval.rerank.cascade import CascadeReranker
from retrieval.rerank.cross_encoder import CrossEncoderReranker
from retrieval.rerank.identity import IdentityReranker
from retrieval.rerank.in_process_chat import InProcessChat, LabelScorer
from retrieval.rerank.methods import CHAT_METHODS, LABEL_METHODS
from retrieval.rerank.port import Reranker
from retrieval.rerank.qwen3_template import wrapped
from retrieval.rerank.recipes import RECIPES, AttentionRecipe
from retrieval.rerank.server import ServerReranker
from retrieval.rerank.shuffled import ShuffledReranker
from retrieval.rerank.trained import untrained_notes

if TYPE_CHECKING:
    from retrieval.rerank.cross_encoder import PairScorer
    from retrieval.rerank.in_context import InContextScorer

Engine = Literal["chat", "in-process", "server"]
"""chat: the `llm` model, in llama.cpp or on a server. Else `rerank.model`: in this process, or at `rerank.base_url`."""
_ENGINES: Mapping[str, tuple[Engine, ...]] = MappingProxyType(
    {
        **{
            method: ("chat", "in-process", "server") if method in LABEL_METHODS else ("chat", "server")
            for method in CHAT_METHODS
        },
        "attention": ("in-process",),
        "query-likelihood": ("in-process",),
        "e2rank": ("in-process",),
        "late-interaction": ("in-process",),
        "cross-encoder": ("in-process", "server"),
        "qwen3-reranker": ("in-process", "server"),
    }
)
_CAUSAL = {"qwen3-reranker", "query-likelihood", "e2rank", *LABEL_METHODS}


def open_reranker(settings: Settings, chat: Chat) -> Reranker:
    """The reranker that `settings.rerank` names, not yet fused with the first stage. Models load on first use.

    Methods of the engine `chat` ask `chat`.

    Raises `SettingsError`, before any work, when a method can't run on the engine or with the model that is set.
    """
    rerank = settings.rerank
    _check(rerank)
    reranker = _opened(rerank.method, settings, chat)
    if rerank.shuffles > 1:
        reranker = ShuffledReranker(reranker, times=rerank.shuffles)
    if rerank.then is not None:
        reranker = CascadeReranker(reranker, _opened(rerank.then, settings, chat), passages=rerank.then_passages)
    return reranker


def engine_of(method: RerankMethod, rerank: RerankSettings) -> Engine | None:
    """What a method runs on with these settings; None for `none`. Raises `SettingsError` for an impossible pair."""
    if method == "none":
        return None
    able = _ENGINES[method]
    if rerank.engine == "auto":
        # What can ask the `llm` model does: the address may be that of a second method's `/rerank`.
        return "server" if rerank.base_url and "server" in able and "chat" not in able else able[0]
    if rerank.engine not in able:
        fitting = [name for name, engines in _ENGINES.items() if rerank.engine in engines]
        raise SettingsError(
            f"The reranking method {method!r} runs on the engine {' or '.join(map(repr, able))}, and rerank.engine is "
            f"{rerank.engine!r}; set that to auto, or choose one of {', '.join(fitting)}."
        )
    if rerank.engine == "server" and not rerank.base_url:
        raise SettingsError("The engine 'server' needs the address of one; set rerank.base_url.")
    return rerank.engine


def most_calls(rerank: RerankSettings) -> int:
    """Calls of its budget that reranking one question costs at most."""
    first = _most_calls(rerank.method, rerank.passages, rerank) * rerank.shuffles
    return first + (_most_calls(rerank.then, min(rerank.then_passages, rerank.passages), rerank) if rerank.then else 0)


def _most_calls(method: RerankMethod, passages: int, rerank: RerankSettings) -> int:
    if method == "none" or passages < 2:
        return 0
    if method in CHAT_METHODS:
        return CHAT_METHODS[method].most_calls(passages)
    return math.ceil(passages / passages_per_prompt(rerank.passage_tokens)) if method == "attention" else 1


def _check(rerank: RerankSettings) -> None:
    for method in rerank.methods:
        in_process = engine_of(method, rerank) == "in-process"
        if method == "attention" and not _attends(rerank.model):
            raise SettingsError(
                f"rerank.model {rerank.model!r} is no GGUF model of the catalogue, no folder and no language model's "
                "name on the hub, such as Qwen/Qwen3-0.6B; `hopcite models list` names the first."
            )
        if method == "cross-encoder" and in_process and _generates(rerank.model):
            raise SettingsError(
                f"rerank.model {rerank.model!r} is no cross-encoder; set it to a folder that holds one, or to a name "
                "on the hub such as BAAI/bge-reranker-v2-m3."
            )
        if method in _CAUSAL and in_process and _cross_encodes(rerank.model):
            raise SettingsError(
                f"rerank.model {rerank.model!r} is a cross-encoder, which only scores pairs; set "
                "rerank.method to cross-encoder."
            )
    if rerank.method == "none" and rerank.shuffles > 1:
        raise SettingsError("rerank.shuffles needs a method to rank the shuffled passages; set rerank.method.")


def _opened(method: RerankMethod, settings: Settings, chat: Chat) -> Reranker:
    rerank = settings.rerank
    name, most = f"{method}:{rerank.model}", rerank.passage_tokens
    if method == "none":
        return IdentityReranker()
    if method in CHAT_METHODS and engine_of(method, rerank) == "in-process":
        own = InProcessChat(lambda: _load_first_token(settings), model=rerank.model)
        return ChatReranker(own, CHAT_METHODS[method], owned=True, passage_tokens=most)
    if method in CHAT_METHODS and engine_of(method, rerank) == "server":
        own_server = open_chat(settings, section="rerank")
        return ChatReranker(own_server, CHAT_METHODS[method], owned=True, passage_tokens=most)
    if method in CHAT_METHODS:
        return ChatReranker(chat, CHAT_METHODS[method], passage_tokens=most)
    if engine_of(method, rerank) == "server":
        wrap = wrapped if method == "qwen3-reranker" else None
        llm = settings.llm
        return ServerReranker(rerank, name=name, timeout_s=llm.timeout_s, retries=llm.retries, wrap=wrap)
    if method == "attention":
        return AttentionReranker(lambda: _load_attention(settings), name=name)
    if method == "late-interaction":
        name = f"{method}:{settings.encoder.model}"
    return CrossEncoderReranker(
        lambda: _PAIR_SCORERS[method](settings),
        name=name,
        notes=untrained_notes(method, rerank.model),
        passage_tokens=most,
        whole=method == "e2rank",
    )


def _attends(model: str) -> bool:
    """Names on the hub have a slash: one without is a model of the catalogue, spelt right or wrong."""
    if (entry := CATALOGUE.get(model)) is None:
        return "/" in model or Path(model).is_dir()
    if entry.file is not None:
        return entry.file.name.endswith(".gguf")
    return entry.kind != "embedding" and not _cross_encodes(model)


def _generates(model: str) -> bool:
    """Of the catalogue's rerankers, those that answer yes or no are generating models too: they need their template."""
    entry = CATALOGUE.get(model)
    return entry is not None and (entry.kind != "reranker" or model.startswith("Qwen/"))


def _cross_encodes(model: str) -> bool:
    entry = CATALOGUE.get(model)
    return entry is not None and entry.kind == "reranker" and not _generates(model)


def _load_query_likelihood(settings: Settings) -> PairScorer:
    from retrieval.rerank.causal import load_causal
    from retrieval.rerank.query_likelihood import QueryLikelihoodScorer

    return QueryLikelihoodScorer(lambda: load_causal(settings))


def _load_e2rank(settings: Settings) -> PairScorer:
    from retrieval.rerank.causal import load_causal
    from retrieval.rerank.e2rank import E2RankScorer

    return E2RankScorer(lambda: load_causal(settings))


def _load_late_interaction(settings: Settings) -> PairScorer:
    from retrieval.encoder import load_model
    from retrieval.rerank.late_interaction import LateInteractionScorer

    return LateInteractionScorer(lambda: load_model(settings))


def _load_first_token(settings: Settings) -> LabelScorer:
    from retrieval.rerank.causal import load_causal
    from retrieval.rerank.first_token import FirstTokenScorer

    return FirstTokenScorer(lambda: load_causal(settings))


def _load_qwen3(settings: Settings) -> PairScorer:
    from retrieval.rerank.causal import load_causal
    from retrieval.rerank.qwen3 import Qwen3Scorer

    return Qwen3Scorer(lambda: load_causal(settings))


def _load_cross_encoder(settings: Settings) -> PairScorer:
    from retrieval.rerank.cross_encoder import SentenceTransformersScorer

    return SentenceTransformersScorer(settings.rerank.model, device=settings.rerank.device)


_PAIR_SCORERS: Mapping[str, Callable[[Settings], PairScorer]] = MappingProxyType(
    {
        "cross-encoder": _load_cross_encoder,
        "e2rank": _load_e2rank,
        "late-interaction": _load_late_interaction,
        "query-likelihood": _load_query_likelihood,
        "qwen3-reranker": _load_qwen3,
    }
)


def _load_attention(settings: Settings) -> InContextScorer:
    from retrieval.rerank.heads import load_with_heads
    from retrieval.rerank.in_context import InContextScorer
    from retrieval.rerank.weights import converted_folder

    model = settings.rerank.model
    if settings.rerank.heads:
        return load_with_heads(settings, settings.rerank.heads)
    recipe = RECIPES.get(model, AttentionRecipe())
    entry = CATALOGUE.get(model)
    if entry is None or entry.file is None:
        folder = model
    else:
        gguf_file = model_path(settings, model)
        layers, parent = recipe.stop, settings.model_dir
        folder = str(
            converted_folder(gguf_file, model_id=model, sha256=entry.file.sha256, layers=layers, parent=parent)
        )
    rerank = settings.rerank
    return InContextScorer.load(folder, recipe=recipe, device=rerank.device, passage_tokens=rerank.passage_tokens)
