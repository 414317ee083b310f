"""E2Rank: the authors' prompt, and cosines of last tokens on a tiny random model, one text at a time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3Model

from hopcite.budget import Budget
from hopcite.settings import RerankSettings, Settings
from retrieval import open_reranker
from retrieval.rerank.causal import CausalModel, load_causal
from retrieval.rerank.cross_encoder import CrossEncoderReranker
from retrieval.rerank.e2rank import LISTED, PROMPT_TOKENS, E2RankScorer, prompt
from retrieval.rerank.port import Ranking
from tests.fakes import ScriptedChat
from tests.oracle import passage

WORDS = "who one two three four five six Documents: Search Query: [1] [2] [3] T0 T1 T2 worth".split()
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)
QUERY, PASSAGES = "who two", ["one  two\nthree", "", "five six worth one two", "four"]


@pytest.fixture(scope="module")
def model() -> CausalModel:
    torch.manual_seed(0)
    words = Tokenizer(models.WordLevel({word: n for n, word in enumerate(["[UNK]", *WORDS])}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words)  # type: ignore[no-untyped-call] # of transformers
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]})
    tokenizer.chat_template = TEMPLATE
    config = Qwen3Config(
        vocab_size=32, hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4, head_dim=8,
        num_key_value_heads=2, max_position_embeddings=8192,
    )  # fmt: skip
    return CausalModel(Qwen3Model(config), torch.zeros(32, 32), tokenizer)


def embedding(model: CausalModel, text: str) -> torch.Tensor:
    """Of a text with its control tokens, by the whole model: the state of its last token, as a unit vector."""
    with torch.inference_mode():
        last: torch.Tensor = model.decoder(torch.tensor([model.special(text)])).last_hidden_state[0, -1]
    return torch.nn.functional.normalize(last, dim=0)


def test_the_prompt_is_the_authors() -> None:
    assert prompt("Who?", ["a b", "c"]) == (
        "Given a web search query and some relevant documents, rerank the documents that answer the query:\n"
        "Documents:\n[1] a b\n[2] c\nSearch Query: Who?"
    )


def test_scores_are_cosines_of_the_last_tokens(model: CausalModel) -> None:
    found = E2RankScorer(lambda: model).score([(QUERY, text) for text in PASSAGES])
    plain = ["one two three", "", "five six worth one two", "four"]
    query = embedding(model, f"<|im_start|>user\n{prompt(QUERY, plain)}<|im_end|>\n<|im_start|>assistant\n")
    expected = [float(query @ embedding(model, f"{text} <|endoftext|>")) for text in plain]
    assert found == pytest.approx(expected, abs=1e-5)


def test_all_passages_are_scored_and_the_first_twenty_stand_in_the_prompt(model: CausalModel) -> None:
    scorer = E2RankScorer(lambda: model)
    few, more = ([(QUERY, "one two")] * n for n in (LISTED, LISTED + 3))
    assert scorer.score(more) == pytest.approx([scorer.score(few)[0]] * len(more), abs=1e-5)
    # Three passages of two words, with the token that ends them.
    assert scorer.count_tokens(more) - scorer.count_tokens(few) == 3 * 3


def test_the_prompt_keeps_to_its_window(model: CausalModel) -> None:
    scorer = E2RankScorer(lambda: model)
    pairs = [("who " * 5000, "one " * 1000)] * LISTED
    assert scorer.count_tokens(pairs) - LISTED * 1001 <= PROMPT_TOKENS


def test_control_tokens_of_passages_and_question_are_only_text(model: CausalModel) -> None:
    scorer = E2RankScorer(lambda: model)
    listed = ["one"] * LISTED
    spoken, unknown = (
        scorer.score([(f"who {word}", text) for text in [*listed, f"one {word}"]]) for word in ("<|im_end|>", "zzz")
    )
    assert spoken == pytest.approx(unknown, abs=1e-5)
    labelled, other = (scorer.score([(QUERY, text)]) for text in ("[1] two", "(1) two"))
    assert labelled != pytest.approx(other, abs=1e-5)  # what is compared is the passage as it is


def rank(reranker: CrossEncoderReranker, texts: list[str]) -> Ranking:
    candidates = [passage(text, number) for number, text in enumerate(texts)]
    return asyncio.run(reranker.rerank(QUERY, candidates, budget=Budget()))


def test_a_list_is_ranked_in_one_call_and_in_its_own_order(model: CausalModel) -> None:
    scorer = E2RankScorer(lambda: model)
    reranker = CrossEncoderReranker(lambda: scorer, name="e2rank:tiny", notes=("not trained",), whole=True)
    texts = ["one", "one two three four five", "three four"]  # the order of their lengths is another
    ranking = rank(reranker, texts)
    expected = scorer.score([(QUERY, f"T{number} {text}") for number, text in enumerate(texts)])
    assert ranking.scores == pytest.approx(expected, abs=1e-5)
    assert ranking.order == tuple(sorted(range(3), key=lambda number: -expected[number]))
    assert (ranking.calls, ranking.completion_tokens, ranking.notes) == (1, 0, ("not trained",))
    assert ranking.prompt_tokens == scorer.count_tokens([(QUERY, f"T{n} {text}") for n, text in enumerate(texts)])


def test_a_saved_encoder_opens(model: CausalModel, tmp_path: Path) -> None:
    """As the checkpoints lie on the hub: a decoder without an LM head."""
    model.decoder.save_pretrained(tmp_path)
    model.tokenizer.save_pretrained(tmp_path)
    opened = load_causal(Settings(rerank=RerankSettings(method="e2rank", model=str(tmp_path), device="cpu")))
    pairs = [(QUERY, text) for text in PASSAGES]
    # bf16 has 3 digits.
    assert E2RankScorer(lambda: opened).score(pairs) == pytest.approx(
        E2RankScorer(lambda: model).score(pairs), abs=0.05
    )


def test_it_is_a_setting() -> None:
    settings = Settings(rerank=RerankSettings(method="e2rank", model="Alibaba-NLP/E2Rank-0.6B"))
    reranker = open_reranker(settings, ScriptedChat([]))
    assert reranker.name == "e2rank:Alibaba-NLP/E2Rank-0.6B"
    asyncio.run(reranker.aclose())
