"""In-context attention: against the formula on a tiny random model, and on the real one."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2Model

from hopcite.budget import Budget
from hopcite.errors import BudgetExhausted, ModelFileError, SettingsError
from hopcite.settings import RerankSettings, Settings
from hopcite.types import Chunk
from retrieval import open_reranker
from retrieval.rerank.attention import AttentionReranker, passages_per_prompt
from retrieval.rerank.choice import most_calls
from retrieval.rerank.in_context import InContextScorer, Prompt, Stopped
from retrieval.rerank.port import Ranking, by_score
from retrieval.rerank.recipes import AttentionRecipe
from retrieval.rerank.shuffled import ShuffledReranker
from retrieval.rerank.together import together
from tests.fakes import ScriptedChat

PASSAGES = ["one two three", "four five", "six seven eight nine"]


def tiny(recipe: AttentionRecipe, *, prompt_tokens: int = 4096, passage_tokens: int = 300) -> InContextScorer:
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=64, hidden_size=32, intermediate_size=32, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=8192,
    )  # fmt: skip
    found = "one two three four five six seven eight nine who N/A paragraphs query Here".split()
    vocabulary = {word: number for number, word in enumerate(["[UNK]", *found])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    model = Qwen2Model(config)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer)  # type: ignore[no-untyped-call] # of transformers
    return InContextScorer(model, fast, recipe=recipe, prompt_tokens=prompt_tokens, passage_tokens=passage_tokens)


def by_hand(scorer: InContextScorer, prompt: Prompt, layers: range) -> list[float]:
    """Whole attention matrices by torch's own eager attention: mean over the query's rows, summed over heads."""

    def attention(query: tuple[int, ...]) -> torch.Tensor:
        scorer.model.set_attn_implementation("eager")
        ids = torch.tensor([[*prompt.ids, *query]])
        with torch.inference_mode():
            matrices = scorer.model(ids, output_attentions=True).attentions
        return sum((matrices[layer][0, :, -len(query) :].mean(1).sum(0) for layer in layers), torch.zeros(1))

    columns = attention(prompt.query)[: prompt.spans[-1][1]] - attention(prompt.content_free)[: prompt.spans[-1][1]]
    scores = []
    for start, end in prompt.spans:
        span = columns[start:end]
        kept = span[span >= span.mean() - 2 * span.std(correction=0)]
        scores.append(float(kept.sum()))
    return scores


@pytest.mark.parametrize("recipe", [AttentionRecipe(), AttentionRecipe(start=1, stop=2)])
def test_scores_equal_the_formula(recipe: AttentionRecipe) -> None:
    scorer = tiny(recipe)
    [prompt] = scorer.prompts("who nine", PASSAGES)
    found = scorer.score(prompt)
    expected = by_hand(scorer, prompt, range(recipe.start, recipe.stop or 3))
    assert found == pytest.approx(expected, abs=1e-5)


def test_the_best_passage_stands_last_and_spans_hold_the_passages() -> None:
    scorer = tiny(AttentionRecipe())
    [prompt] = scorer.prompts("who", PASSAGES)
    assert prompt.candidates == (2, 1, 0)
    for candidate, (start, end) in zip(prompt.candidates, prompt.spans, strict=True):
        assert list(prompt.ids[start:end]) == scorer.tokenizer(PASSAGES[candidate])["input_ids"]


def test_no_more_of_a_passage_is_read_than_its_limit() -> None:
    [prompt] = tiny(AttentionRecipe(), passage_tokens=16).prompts("who", ["one two " * 50, "three four"])
    assert [end - start for start, end in prompt.spans] == [2, 16]


@pytest.mark.parametrize("passage_tokens", [16, 300, 1000, 4096])
def test_the_calls_that_are_foreseen_suffice(passage_tokens: int) -> None:
    scorer = tiny(AttentionRecipe(), prompt_tokens=8192, passage_tokens=passage_tokens)
    most = passages_per_prompt(passage_tokens)
    assert len(scorer.prompts("who " * 600, ["one " * passage_tokens] * most)) == 1


def test_the_default_prompt_holds_24_passages() -> None:
    assert passages_per_prompt(300) == 24
    foreseen = {n: most_calls(RerankSettings(passages=25, passage_tokens=n)) for n in (16, 300, 1000, 4096)}
    assert foreseen == {16: 1, 300: 2, 1000: 4, 4096: 25}


def test_too_many_passages_are_dealt_out_to_several_prompts() -> None:
    scorer = tiny(AttentionRecipe(), prompt_tokens=32)
    prompts = scorer.prompts("who", PASSAGES)
    assert len(prompts) > 1
    assert sorted(candidate for prompt in prompts for candidate in prompt.candidates) == [0, 1, 2]


def test_it_stops_when_it_is_told() -> None:
    scorer = tiny(AttentionRecipe())
    [prompt] = scorer.prompts("who", PASSAGES)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        scorer.score(prompt, stop=stop)


def chunk(title: str, text: str) -> Chunk:
    return Chunk(title, title, title, "s", text, 0, len(text), 0)


def test_ranking_is_by_score_and_is_charged() -> None:
    scorer = tiny(AttentionRecipe())
    reranker = AttentionReranker(lambda: scorer, name="tiny")
    budget = Budget()
    candidates = [chunk("one", text) for text in PASSAGES]
    ranking = asyncio.run(reranker.rerank("who nine", candidates, budget=budget))
    assert sorted(ranking.order) == [0, 1, 2]
    assert [ranking.scores[i] for i in ranking.order] == sorted(ranking.scores, reverse=True)
    assert (ranking.valid, ranking.calls, budget.llm_calls) == (True, 1, 1)
    assert budget.prompt_tokens == ranking.prompt_tokens > 0


def test_a_passages_publisher_is_read() -> None:
    reranker = AttentionReranker(lambda: tiny(AttentionRecipe()), name="tiny")
    plain = [chunk("one", text) for text in PASSAGES]
    told = [replace(passage, metadata={"publisher": "nine"}) for passage in plain]
    plainly, with_it = (asyncio.run(reranker.rerank("who", one, budget=Budget())) for one in (plain, told))
    assert with_it.prompt_tokens - plainly.prompt_tokens >= len(PASSAGES)


def test_lists_at_once_take_turns_and_keep_their_scores() -> None:
    reranker = AttentionReranker(lambda: tiny(AttentionRecipe()), name="tiny")
    lists = [[chunk("one", text) for text in texts] for texts in (PASSAGES, PASSAGES[::-1], PASSAGES[:2])]

    async def ranked(*candidates: list[Chunk]) -> list[Ranking]:
        return await together(reranker.rerank("who nine", one, budget=Budget()) for one in candidates)

    alone = [ranking for one in lists for ranking in asyncio.run(ranked(one))]
    assert asyncio.run(ranked(*lists)) == alone


def test_shuffles_at_once_keep_to_the_budget() -> None:
    scorer = tiny(AttentionRecipe())
    candidates = [chunk("one", text) for text in PASSAGES]
    attention = AttentionReranker(lambda: scorer, name="tiny")
    budget = Budget(max_llm_calls=3)
    with pytest.raises(BudgetExhausted, match="--max-llm-calls"):
        asyncio.run(ShuffledReranker(attention, times=6).rerank("who nine", candidates, budget=budget))
    assert (budget.llm_calls, budget.remaining_calls) == (0, 3)
    ranking = asyncio.run(ShuffledReranker(attention, times=3).rerank("who nine", candidates, budget=budget))
    assert (ranking.calls, budget.llm_calls, budget.remaining_calls) == (3, 3, 0)


def test_more_prompts_than_calls_are_not_begun() -> None:
    scorer = tiny(AttentionRecipe(), prompt_tokens=32)
    needed = len(scorer.prompts("who", PASSAGES))
    budget = Budget(max_llm_calls=needed - 1)
    reranker = AttentionReranker(lambda: scorer, name="tiny")
    with pytest.raises(BudgetExhausted, match=f"where {needed} are needed"):
        asyncio.run(reranker.rerank("who", [chunk("one", text) for text in PASSAGES], budget=budget))
    assert budget.llm_calls == 0


@pytest.mark.parametrize("scores", [[1.0, 1.0], [float("nan"), float("nan")]])
def test_equal_or_broken_scores_are_no_ranking(scores: list[float]) -> None:
    ranking = by_score(scores)
    assert (ranking.valid, ranking.order) == (False, (0, 1))
    assert ranking.notes


def test_a_deadline_ends_the_wait() -> None:
    def slow() -> InContextScorer:
        time.sleep(0.5)
        return tiny(AttentionRecipe())

    reranker = AttentionReranker(slow, name="tiny")
    with pytest.raises(BudgetExhausted, match="deadline"):
        asyncio.run(reranker.rerank("who", [chunk("one", t) for t in PASSAGES], budget=Budget(deadline_s=0.1)))


@pytest.mark.parametrize(
    "model", ["qwen2.5-coder", "all-minilm-l6-v2", "BAAI/bge-reranker-v2-m3", "BAAI/bge-large-en-v1.5"]
)
def test_a_model_that_attention_cannot_read_is_refused(model: str) -> None:
    settings = Settings(rerank=RerankSettings(model=model))
    with pytest.raises(SettingsError, match=model):
        open_reranker(settings, ScriptedChat([]))


@pytest.mark.parametrize("model", ["Qwen/Qwen3-4B-Instruct-2507", "Qwen/Qwen3-Reranker-0.6B", "somebody/a-model"])
def test_a_name_on_the_hub_is_as_good_as_a_folder(model: str) -> None:
    assert open_reranker(Settings(rerank=RerankSettings(model=model)), ScriptedChat([])).name == f"attention:{model}"


def test_a_folder_without_a_model_is_an_error_that_names_it(tmp_path: Path) -> None:
    reranker = open_reranker(Settings(rerank=RerankSettings(model=str(tmp_path), device="cpu")), ScriptedChat([]))
    with pytest.raises(ModelFileError, match=r"cannot be loaded; name a folder .* rerank\.model"):
        asyncio.run(reranker.rerank("who", [chunk("one", text) for text in PASSAGES], budget=Budget()))


def test_a_folder_opens_up_to_the_last_layer_that_counts(tmp_path: Path) -> None:
    scorer = tiny(AttentionRecipe())
    scorer.model.save_pretrained(tmp_path)
    scorer.tokenizer.save_pretrained(tmp_path)
    opened = InContextScorer.load(str(tmp_path), recipe=AttentionRecipe(start=1, stop=2), device="cpu")
    assert len(opened.model.layers) == 2


@pytest.mark.models
def test_the_default_reranker_puts_both_hops_first(model_dir: Path) -> None:
    candidates = [
        chunk("Rye bread", "Rye bread keeps for a week when it is wrapped in cloth."),
        chunk("Tarn House", "Tarn House was designed by Maud Terrick and opened in 1911."),
        chunk("Chess", "A chess game begins with sixteen pieces on each side of the board."),
        chunk("Maud Terrick", "Maud Terrick was an architect who was born in the village of Havenby."),
    ]
    reranker = open_reranker(Settings(model_dir=model_dir), ScriptedChat([]))

    async def ranked() -> tuple[int, ...]:
        found = await reranker.rerank(
            "In which village was the designer of Tarn House born?", candidates, budget=Budget()
        )
        await reranker.aclose()
        return found.order

    assert set(asyncio.run(ranked())[:2]) == {1, 3}
