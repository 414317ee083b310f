"""Settings to a reranker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hopcite.chat import Chat
from hopcite.errors import SettingsError
from hopcite.models import CATALOGUE, model_path
from hopcite.settings import Settings
from retrieval.rerank.attention import AttentionReranker
from retrieval.rerank.identity import IdentityReranker
from retrieval.rerank.letters import LettersReranker
from retrieval.rerank.port import Reranker
from retrieval.rerank.recipes import RECIPES, AttentionRecipe

if TYPE_CHECKING:
    from retrieval.rerank.in_context import InContextScorer


def open_reranker(settings: Settings, chat: Chat) -> Reranker:
    """The reranker that `settings.rerank` names. Models load on first use; `letters` asks `chat`.

    Raises `SettingsError` when `rerank.model` is neither a GGUF of the catalogue nor a folder.
    """
    rerank = settings.rerank
    if rerank.method == "none":
        return IdentityReranker()
    if rerank.method == "letters":
        return LettersReranker(chat)
    if not _in_catalogue(rerank.model) and not Path(rerank.model).is_dir():
        raise SettingsError(
            f"rerank.model {rerank.model!r} is no GGUF model of the catalogue and no folder; "
            "`hopcite models list` names the first."
        )
    return AttentionReranker(lambda: _load(settings), name=f"attention:{rerank.model}")


def _in_catalogue(model: str) -> bool:
    entry = CATALOGUE.get(model)
    return entry is not None and entry.file is not None and entry.file.name.endswith(".gguf")


def _load(settings: Settings) -> InContextScorer:
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
