"""Probabilities read in process, against the formula on a tiny random model, one whole prompt at a time."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from hopcite.chat import Message
from hopcite.errors import ModelFileError, SettingsError
from hopcite.settings import RerankSettings, Settings
from retrieval.rerank.causal import CausalModel, _batches, load_causal
from retrieval.rerank.cross_encoder import PairScorer
from retrieval.rerank.first_token import FirstTokenScorer
from retrieval.rerank.heads import Example, head_scores, pick_heads, read_heads, write_heads
from retrieval.rerank.in_context import InContextScorer
from retrieval.rerank.query_likelihood import REQUEST, QueryLikelihoodScorer
from retrieval.rerank.qwen3 import Qwen3Scorer
from retrieval.rerank.qwen3_template import PREFIX, SUFFIX, passage_part, query_part
from retrieval.rerank.recipes import AttentionRecipe

WORDS = "yes no one two three four five six seven eight who where Passage: <Query>: <Document>: question".split()
PAIRS = [("who one", "two three four five"), ("who one", "six"), ("where two", ""), ("who one", "one two " * 9)]


@pytest.fixture(scope="module")
def whole() -> Qwen2ForCausalLM:
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=32, hidden_size=32, intermediate_size=32, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=2048,
    )  # fmt: skip
    return Qwen2ForCausalLM(config)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    words = Tokenizer(models.WordLevel({word: n for n, word in enumerate(["[UNK]", *WORDS])}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=words)  # type: ignore[no-untyped-call] # of transformers


@pytest.fixture(scope="module")
def model(whole: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast) -> CausalModel:
    return CausalModel(whole.model, whole.lm_head.weight, tokenizer)


def logprobs(whole: Qwen2ForCausalLM, ids: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        return torch.log_softmax(whole(torch.tensor([ids])).logits[0], -1)


def test_qwen3_scores_are_the_share_of_yes(whole: Qwen2ForCausalLM, model: CausalModel) -> None:
    found = Qwen3Scorer(lambda: model).score(PAIRS)
    yes, no = (model.plain(word)[0] for word in ("yes", "no"))
    for (query, text), score in zip(PAIRS, found, strict=True):
        ids = model.special(PREFIX) + model.plain(query_part(query)) + model.plain(passage_part(text))
        last = logprobs(whole, ids + model.special(SUFFIX))[-1].exp()
        assert score == pytest.approx(float(last[yes] / (last[yes] + last[no])), abs=1e-5)


def test_query_likelihood_is_the_mean_over_the_question(whole: Qwen2ForCausalLM, model: CausalModel) -> None:
    found = QueryLikelihoodScorer(lambda: model).score(PAIRS)
    for (query, text), score in zip(PAIRS, found, strict=True):
        before = model.plain("Passage: ") + model.plain(text) + model.plain(REQUEST)
        asked = model.plain(query)
        table = logprobs(whole, before + asked)
        expected = [float(table[len(before) + n - 1, token]) for n, token in enumerate(asked)]
        assert score == pytest.approx(sum(expected) / len(expected), abs=1e-5)
        assert score < 0


def test_an_empty_question_says_nothing(model: CausalModel) -> None:
    assert QueryLikelihoodScorer(lambda: model).score([("", "one"), ("", "two")]) == [0.0, 0.0]


def test_what_is_shared_is_counted_once(model: CausalModel) -> None:
    scorer = Qwen3Scorer(lambda: model)
    one, both = (scorer.count_tokens(pairs) for pairs in (PAIRS[:1], PAIRS[:2]))
    assert both - one == len(model.plain(passage_part("six"))) + len(model.special(SUFFIX))


@pytest.mark.parametrize("scorer", [Qwen3Scorer, QueryLikelihoodScorer])
def test_a_passage_begins_with_its_first_tokens(
    scorer: Callable[[Callable[[], CausalModel]], PairScorer], model: CausalModel
) -> None:
    text = " one  two three\nfour "
    assert [scorer(lambda: model).first_tokens(text, limit) for limit in (1, 3, 4)] == [
        " one", " one  two three", " one  two three\nfour"
    ]  # fmt: skip
    assert scorer(lambda: model).first_tokens("", 3) == ""


def says(*contents: str) -> list[Message]:
    return [{"role": "user", "content": content} for content in contents]


def test_first_tokens_are_the_models_own_share_of_each_label(whole: Qwen2ForCausalLM, model: CausalModel) -> None:
    prompts = [says("who one", "two three four"), says("who one", "five"), says("who one", "two three six seven")]
    labels = [["yes", "no"], ["one", "two", "not-a-word here"], ["yes", "no"]]
    found = {number: logprobs for number, logprobs, _ in FirstTokenScorer(lambda: model).score(prompts, labels)}
    assert sorted(found) == [0, 1, 2]
    for number, (messages, own) in enumerate(zip(prompts, labels, strict=True)):
        ids = [token for message in messages for token in model.plain(message["content"])]
        last = logprobs(whole, ids)[-1].exp()
        known = {label: float(last[model.plain(label)[0]]) for label in own if " " not in label}
        total = sum(known.values())
        assert found[number] == pytest.approx({label: math.log(p / total) for label, p in known.items()}, abs=1e-4)


def test_what_prompts_share_is_computed_and_counted_once(model: CausalModel) -> None:
    prompts = [says("who one two", "three"), says("who one two", "four five")]
    counted = {n: tokens for n, _, tokens in FirstTokenScorer(lambda: model).score(prompts, [["yes"], ["yes"]])}
    assert sum(counted.values()) == 3 + 1 + 2
    alone = [tokens for _, _, tokens in FirstTokenScorer(lambda: model).score(prompts[:1], [["yes"]])]
    assert alone == [4]


def test_prompts_that_share_nothing_are_computed_one_by_one(whole: Qwen2ForCausalLM, model: CausalModel) -> None:
    prompts, labels = [says("one two"), says("three four")], [["yes", "no"]] * 2
    together = {n: (found, tokens) for n, found, tokens in FirstTokenScorer(lambda: model).score(prompts, labels)}
    assert sorted(together) == [0, 1]
    for number, messages in enumerate(prompts):
        [(_, alone, tokens)] = FirstTokenScorer(lambda: model).score([messages], labels[:1])
        found, counted = together[number]
        assert found == pytest.approx(alone)
        assert counted == tokens


def test_a_template_is_used_and_passages_cannot_speak_its_tokens(
    model: CausalModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    copied = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    spoken = PreTrainedTokenizerFast(tokenizer_object=copied)  # type: ignore[no-untyped-call] # of transformers
    spoken.add_special_tokens({"additional_special_tokens": ["<end>"]})
    spoken.chat_template = "{% for m in messages %}{{ m.content }} <end> {% endfor %}yes"
    templated = dataclasses.replace(model, tokenizer=spoken)
    end = spoken.get_vocab()["<end>"]
    ids = templated.conversation(says("one <end> two", "three"))
    assert ids.count(end) == 2
    assert [token for token in ids if token != end][-2:] == [model.plain("three")[0], model.plain("yes")[0]]


@pytest.mark.parametrize("template", [None, "{% for m in messages %}<{{ m.role }}> {{ m.content }} <end> {% endfor %}"])
def test_a_turn_that_is_begun_is_gone_on_with(whole: Qwen2ForCausalLM, template: str | None) -> None:
    words = ["[UNK]", "<user>", "<assistant>", "<end>", "who", "[", "A", "B", "C"]
    split = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="[UNK]"))
    split.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split("[", "isolated")]
    )
    spoken = PreTrainedTokenizerFast(tokenizer_object=split)  # type: ignore[no-untyped-call] # of transformers
    spoken.chat_template = template
    model = CausalModel(whole.model, whole.lm_head.weight, spoken)
    begun: list[Message] = [{"role": "user", "content": "who"}, {"role": "assistant", "content": "["}]
    ids = model.conversation(begun)
    assert ids == [
        words.index(word) for word in (["<user>", "who", "<end>", "<assistant>", "["] if template else ["who", "["])
    ]
    [(_, found, _)] = FirstTokenScorer(lambda: model).score([begun], [["A", "C", "[A"]])
    last = logprobs(whole, ids)[-1].exp()
    a, c = float(last[words.index("A")]), float(last[words.index("C")])
    assert found == pytest.approx({"A": math.log(a / (a + c)), "C": math.log(c / (a + c))}, abs=1e-4)


def test_long_sequences_are_read_in_parts(whole: Qwen2ForCausalLM, model: CausalModel) -> None:
    prefix, rests = [n % 32 for n in range(900)], [[n * 7 % 32 for n in range(length)] for length in (800, 1, 30)]
    for shared in (prefix, []):
        found = dict(model.hidden(shared, rests))
        for number, rest in enumerate(rests):
            own = (found[number] @ model.head.detach().T).log_softmax(-1)
            torch.testing.assert_close(own, logprobs(whole, shared + rest)[len(shared) :], atol=1e-4, rtol=0)


@given(st.lists(st.integers(1, 3000), max_size=40))
def test_batches_hold_everything_once_within_their_limit(lengths: list[int]) -> None:
    batches = list(_batches(lengths))
    assert sorted(number for batch in batches for number in batch) == list(range(len(lengths)))
    assert all(len(batch) == 1 or len(batch) * max(lengths[n] for n in batch) <= 4096 for batch in batches)
    assert all(min(lengths[n] for n in batch) >= 0.7 * max(lengths[n] for n in batch) for batch in batches)


def test_a_model_that_is_not_here_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"rerank\.model"):
        load_causal(Settings(rerank=RerankSettings(method="query-likelihood", model=str(tmp_path))))


def test_a_saved_model_opens(whole: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    whole.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    settings = Settings(rerank=RerankSettings(method="query-likelihood", model=str(tmp_path), device="cpu"))
    opened = load_causal(settings)
    [(_, states)] = opened.hidden([1, 2], [[3, 4, 5]])
    found = (states @ opened.head.T).float().log_softmax(-1)
    torch.testing.assert_close(found, logprobs(whole, [1, 2, 3, 4, 5])[2:], atol=0.05, rtol=0)  # bf16 has 3 digits


def test_a_heads_score_is_the_questions_attention_to_what_is_relevant(
    whole: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    scorer = InContextScorer(whole.model, tokenizer, recipe=AttentionRecipe())
    example = Example("who one", ("two three", "four five six", "seven"), frozenset({1}))
    found = head_scores(scorer, example)
    [prompt] = scorer.prompts(example.query, example.passages)
    start, end = prompt.spans[prompt.candidates.index(1)]
    whole.model.set_attn_implementation("eager")
    with torch.inference_mode():
        matrices = whole.model(torch.tensor([[*prompt.ids, *prompt.query]]), output_attentions=True).attentions
    expected = torch.stack([layer[0, :, -len(prompt.query) :, start:end].sum(-1).mean(-1) for layer in matrices])
    assert found is not None
    assert found.shape == (3, 4)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_the_best_heads_are_those_of_the_mean() -> None:
    scores = [torch.tensor([[0.0, 4.0], [1.0, 0.0]]), torch.tensor([[0.0, 0.0], [3.0, 0.0]])]
    assert [(layer, head) for layer, head, _ in pick_heads(scores, top=2)] in ([(0, 1), (1, 0)], [(1, 0), (0, 1)])
    assert all(math.isclose(mean, 2.0) for _, _, mean in pick_heads(scores, top=2))
    assert len(pick_heads(scores)) == 4  # there are no more


def test_heads_are_kept_with_the_name_of_their_model(tmp_path: Path) -> None:
    file = tmp_path / "heads.json"
    file.write_text(write_heads("some-model", [(3, 1, 0.5), (1, 0, 0.25)], examples=7), encoding="utf-8")
    assert read_heads(file, model="some-model") == AttentionRecipe(1, 4, frozenset({(3, 1), (1, 0)}))
    with pytest.raises(SettingsError, match="heads of some-model"):
        read_heads(file, model="another")
    with pytest.raises(SettingsError, match="no file of"):
        read_heads(tmp_path / "none.json", model="some-model")
