"""One answer against its gold: every measure that fits the data set, by name. None: not defined for this answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evals.datasets import Dataset, Question, SupportingFact
from evals.metrics import answer as answer_metrics
from evals.metrics import citations as citation_metrics
from evals.metrics import multihop_rag, passages
from evals.metrics.citations import Cited, Span, Target, cited_sentences, locate_sentences, supporting_facts
from evals.metrics.ranking import ranking_scores
from hopcite.types import Answer, Citation

Scores = dict[str, float | None]
StoredText = Callable[[str], str | None]
"""A document's id to its stored text; None when the collection has no such document."""
SentenceSpans = Callable[[str], Sequence[Span | None]]
"""A document's id to where its official sentences stand in its stored text; empty where they are not known."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The scores of one question, and how often its supporting sentences were not found in the stored text."""

    scores: Scores
    unlocated_sentences: int = 0


def score(
    answer: Answer, question: Question, *, dataset: Dataset, stored_text: StoredText, retrieved: bool, written: bool
) -> Scored:
    """Score what was `retrieved` and, where an answer was `written`, the answer and its citations."""
    scores = retrieval_scores(answer, question) if retrieved else {}
    if not written:
        return Scored(scores)

    def sentence_spans(document_id: str) -> Sequence[Span | None]:
        return locate_sentences(stored_text(document_id) or "", dataset.sentences.get(document_id, ()))

    scores.update(answer_scores(answer, question, dataset.name))
    if not question.answerable:
        scores["abstained"] = float(answer.status == "unanswerable")
    verified = [citation for citation in answer.citations if _is_verbatim(citation, stored_text)]
    scores["quotes_verified"] = len(verified) / len(answer.citations) if answer.citations else None
    scores["claims_supported"] = (
        sum(claim.supported is True for claim in answer.claims) / len(answer.claims) if answer.claims else None
    )
    cited = [Cited(citation.document_id, (citation.start, citation.end)) for citation in verified]
    scores.update(_citation_scores(cited, _targets(question, stored_text), given=len(answer.citations)))
    unlocated = sum(_is_unlocated(fact, dataset, sentence_spans) for fact in question.supporting_facts)
    if question.supporting_facts and not unlocated:
        scores.update(_supporting_fact_scores(answer, question, cited, sentence_spans))
    return Scored(scores, unlocated_sentences=unlocated)


def failed_scores(scores: Mapping[str, float | None]) -> Scores:
    """What a question that failed gets: nothing right, nothing cited."""
    return {name: 0.0 if value is not None else None for name, value in scores.items()}


def retrieval_scores(answer: Answer, question: Question) -> Scores:
    """Passage recall at each depth and, for MultiHop-RAG, its own measures. Empty where a question has no gold."""
    scores: Scores = {}
    if question.gold:
        ranked = passages.ranked_documents(hit.chunk.document_id for hit in answer.evidence)
        gold = [gold.document_ids for gold in question.gold]
        for depth in passages.DEPTHS:
            scores[f"recall@{depth}"] = passages.recall_at(depth, ranked, gold)
            scores[f"all_evidence@{depth}"] = passages.all_evidence_at(depth, ranked, gold)
        graded = ranking_scores(_by_gold(ranked, question), {one.name: 1 for one in question.gold}, relevant_from=1)
        scores.update({name: graded[name] for name in ("ndcg@10", "ap@10")})
    if question.facts:
        scores.update(multihop_rag.retrieval_scores([hit.chunk.text for hit in answer.evidence], question.facts))
    return scores


def _by_gold(ranked: Sequence[str], question: Question) -> list[str]:
    """A ranking in which a gold passage goes by its name, whichever of its documents was found, and comes once.

    A document that is several gold passages stands for each of them.
    """
    names: dict[str, list[str]] = defaultdict(list)
    for gold in question.gold:
        for id_ in gold.document_ids:
            names[id_].append(gold.name)
    return passages.ranked_documents(
        name for document in ranked for name in names.get(document, [f"not gold: {document}"])
    )


def answer_scores(answer: Answer, question: Question, dataset_name: str) -> Scores:
    """EM and both F1 of the short answer; for MultiHop-RAG also its own rule, with its word for an unanswerable one.

    Empty where no gold answer is known.
    """
    if not question.answers:
        return {}
    prediction = answer.short_answer
    extra: Scores = {}
    if dataset_name == "multihop-rag":
        if answer.status == "unanswerable":
            prediction = multihop_rag.INSUFFICIENT
        extra["accuracy"] = multihop_rag.shares_a_word(prediction, question.answers[0])
    return {
        "em": answer_metrics.exact_match(prediction, question.answers),
        "f1": answer_metrics.f1(prediction, question.answers),
        "open_f1": answer_metrics.open_f1(prediction, question.answers),
        **extra,
    }


def _targets(question: Question, stored_text: StoredText) -> list[Target]:
    """What must be cited: the gold quotes or, without them, the gold documents.

    A quote counts in every document that holds it; where it can't be placed in a text, that whole document counts.
    """
    if not question.quotes:
        return [Target(dict.fromkeys(gold.document_ids)) for gold in question.gold]
    return [
        Target({id_: locate_sentences(stored_text(id_) or "", [quote.text])[0] for id_ in quote.document_ids})
        for quote in question.quotes
    ]


def _is_unlocated(fact: SupportingFact, dataset: Dataset, sentence_spans: SentenceSpans) -> bool:
    """Whether nobody can say if the fact was cited.

    One whose document the corpus lacks, or whose paragraph has no such sentence, is missed, as in the official scorer.
    """
    if fact.document_id is None:
        return False
    if not dataset.sentences.get(fact.document_id):
        return True
    spans = sentence_spans(fact.document_id)
    return 0 <= fact.index < len(spans) and spans[fact.index] is None


def _citation_scores(cited: Sequence[Cited], targets: Sequence[Target], *, given: int) -> Scores:
    if not targets:
        return {}
    return {
        "citation_precision": citation_metrics.precision(cited, targets, given=given),
        "citation_recall": citation_metrics.recall(cited, targets),
    }


def _supporting_fact_scores(
    answer: Answer, question: Question, cited: Sequence[Cited], sentence_spans: SentenceSpans
) -> Scores:
    """HotpotQA's measures of the cited sentences, alone and joint with the answer."""
    spans = {citation.document_id: sentence_spans(citation.document_id) for citation in cited}
    predicted = cited_sentences(cited, spans)
    # A title stands for a paragraph that the corpus lacks: nothing that is cited bears this name.
    gold = {(fact.document_id or f"lacking: {fact.title}", fact.index) for fact in question.supporting_facts}
    support = supporting_facts(predicted, gold)
    support_em = float(predicted == gold)
    scores: Scores = {
        "sp_em": support_em,
        "sp_f1": support.f1,
        "sp_precision": support.precision,
        "sp_recall": support.recall,
    }
    if question.answers:
        said = answer_metrics.overlap(answer.short_answer, question.answers)
        answer_em = answer_metrics.exact_match(answer.short_answer, question.answers)
        scores.update(answer_metrics.joint(said, support, answer_em=answer_em, support_em=support_em))
    return scores


def _is_verbatim(citation: Citation, stored_text: StoredText) -> bool:
    """Checked here against the ledger's text, whatever the answer says of itself."""
    text = stored_text(citation.document_id)
    return text is not None and bool(citation.quote) and text[citation.start : citation.end] == citation.quote
