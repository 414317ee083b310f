"""The real default encoder."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from hopcite.errors import ModelFileError, SettingsError
from hopcite.settings import EncoderSettings, Settings
from retrieval import Encoder, open_encoder
from retrieval.index.port import SparseVector

SENTENCES = [
    "A cat sleeps on the warm roof.",
    "Bees.",
    "The committee adopted the budget after a long debate about the harbour, the schools and the new bridge.",
    "Volcanoes bring molten rock to the surface of the earth.",
]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return open_encoder(Settings())


def dot(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def words_in_common(a: SparseVector, b: SparseVector) -> int:
    return len(set(a.indices) & set(b.indices))


def test_importing_the_package_loads_no_model_library() -> None:
    code = "import sys, retrieval; sys.exit(any(m in sys.modules for m in ('torch', 'transformers', 'qdrant_client')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.models
def test_the_related_sentence_is_nearest(encoder: Encoder) -> None:
    documents = encoder.encode_documents(SENTENCES)
    query = encoder.encode_queries(["Where is the kitten napping?"])[0]
    scores = [dot(query.dense, document.dense) for document in documents]
    assert scores.index(max(scores)) == 0


@pytest.mark.models
def test_vectors_have_unit_length_and_the_stated_size(encoder: Encoder) -> None:
    for vectors in (*encoder.encode_documents(SENTENCES), *encoder.encode_queries(SENTENCES)):
        assert len(vectors.dense) == encoder.dimensions == 384
        assert math.hypot(*vectors.dense) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.models
def test_a_text_has_the_same_vector_alone_and_in_a_batch(encoder: Encoder) -> None:
    together = encoder.encode_documents(SENTENCES)
    for text, vectors in zip(SENTENCES, together, strict=True):
        alone = encoder.encode_documents([text])[0]
        # bfloat16 has 8 bits of mantissa, and padding changes the order of its sums.
        assert dot(alone.dense, vectors.dense) > 0.999
        assert alone.sparse == vectors.sparse


@pytest.mark.models
def test_words_meet_across_inflection(encoder: Encoder) -> None:
    document = encoder.encode_documents(["Bridges and harbours"])[0].sparse
    assert words_in_common(document, encoder.encode_queries(["the bridge"])[0].sparse) == 1
    assert words_in_common(document, encoder.encode_queries(["volcano"])[0].sparse) == 0


@pytest.mark.models
def test_tokens_are_counted_beyond_what_the_model_reads(encoder: Encoder) -> None:
    # One token a word, and the two special ones at the ends.
    assert encoder.count_tokens(["cat", "cat " * 1000, ""]) == [3, 1002, 2]
    assert encoder.max_tokens == 256
    assert encoder.count_tokens([]) == []


@pytest.mark.models
def test_a_question_is_read_to_its_end(encoder: Encoder) -> None:
    before = "A guide to the coast tells of many things. " * 40
    asked = ["Who designed the lighthouse?", "When does the ferry leave in winter?"]
    assert min(encoder.count_tokens([before + question for question in asked])) > 256
    lighthouse, ferry = encoder.encode_queries([before + question for question in asked])
    told = encoder.encode_documents(["An engineer designed the lighthouse.", "In winter the ferry leaves at nine."])
    assert dot(lighthouse.dense, told[0].dense) > dot(ferry.dense, told[0].dense) + 0.02
    assert dot(ferry.dense, told[1].dense) > dot(lighthouse.dense, told[1].dense) + 0.02
    assert math.hypot(*ferry.dense) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.models
def test_a_question_in_two_parts_has_their_mean(encoder: Encoder) -> None:
    first, second = "cat " * 199 + "cat", " dog" * 200  # one token a word, and the two special ones at the ends
    whole, *parts = (vectors.dense for vectors in encoder.encode_queries([first + second, first, second]))
    mean = [(a + b) / 2 for a, b in zip(*parts, strict=True)]
    assert dot(whole, tuple(mean)) / math.hypot(*mean) > 0.999


@pytest.mark.models
def test_a_long_question_without_spaces(encoder: Encoder) -> None:
    [vectors] = encoder.encode_queries(["灯" * 1000])
    assert math.hypot(*vectors.dense) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.models
def test_progress_reaches_the_number_of_texts(encoder: Encoder) -> None:
    done: list[int] = []
    encoder.encode_documents(["text"] * 130, progress=done.append)
    assert done == [64, 128, 130]
    assert encoder.encode_documents([]) == []
    assert encoder.encode_queries([]) == []


@pytest.mark.models
def test_the_fingerprint_names_the_model_and_the_words(encoder: Encoder) -> None:
    name, weights, words = encoder.fingerprint.split()
    assert name == "all-minilm-l6-v2"
    assert len(weights) == 12
    assert int(weights, 16) > 0
    assert words.startswith("bm25-")


@pytest.mark.models
def test_loading_and_encoding_print_nothing() -> None:
    code = (
        "from hopcite.settings import Settings; from retrieval import open_encoder\n"
        "open_encoder(Settings()).encode_queries(['hello'])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.models
@pytest.mark.parametrize("device", ["gpu", "cuda:99"])
def test_a_device_that_is_not_there(device: str) -> None:
    with pytest.raises(SettingsError, match=rf"encoder\.device '{device}'.*auto"):
        open_encoder(Settings(encoder=EncoderSettings(device=device)))


@pytest.mark.models
def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"encoder\.model"):
        open_encoder(Settings(encoder=EncoderSettings(model=str(tmp_path))))
