"""Writing: from the evidence to a draft, and the short readings that steps and judgement need."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from agent.prompts import STEP_INSTRUCTION, UNKNOWN, numbered, reading_messages
from agent.words import content_words
from hopcite.budget import Budget
from hopcite.chat import Chat, FinishReason
from hopcite.sentences import split_sentences
from hopcite.types import Chunk

_ANSWER_LINE = re.compile(r"^\W*answer\W*?:\s*(?P<short>.*)$", re.IGNORECASE | re.MULTILINE)
_MAX_BARE_WORDS = 12
_REFUSAL = re.compile(
    r"\b(unknown|insufficient information|not (?:enough|sufficient) information|"
    r"(?:passages?|text|documents?|evidence) (?:do(?:es)? not|don't|doesn't) )",
    re.IGNORECASE,
)
# What a reply says on the line of its answer when it has none.
_NO_ANSWER = re.compile(
    r"(?:the )?(?:given |provided )?(?:passages?|text|documents?|evidence) (?:do(?:es)? not|don't|doesn't)\b"
    rf"|{UNKNOWN}\s*(?:[,;:.(–—-]|$)|not (?:mentioned|stated|specified|given|provided)(?=\W*$|\W+(?:in|by)\b)|n/a\W*$",
    re.IGNORECASE,
)
# A model that goes round in circles does so until its tokens are spent. Numbers may repeat themselves: 1 000 000 000.
_REPEATED = re.compile(r"(\b[^\W\d][^\n]{0,200}?)(?:[\W]*\b\1\b){2,}")
_MAX_STEP_TOKENS = 24
_OFFERS = re.compile(r"\b(?:or|between|and)\b", re.IGNORECASE)
_ASKS_NUMBER = re.compile(
    r"\s*(?:when\b|(?:in|on) (?:what|which) (?:year|month|day|date)\b|how (?:many|long|old|tall|high)\b)", re.IGNORECASE
)
_ASKS_PLACE = re.compile(
    r"\s*(?:where\b|in (?:what|which) (?:town|city|village|country|county|state|place|region|district)\b)",
    re.IGNORECASE,
)
_BARE_DATE = re.compile(
    r"(?:(?:January|February|March|April|May|June|July|August|September|October|November|December|\d{1,4})[., ]*)+"
)
# Times have names, too.
_BARE_NAME = re.compile(
    r"(?!(?i:.*\b(?:wars?|ages?|era|years?|days?|century|period|season|revolution|depression|renaissance|dynasty|eve|"
    r"spring|summer|autumn|winter)\b))[^\W\d_a-z][^\W\d]+(?: [^\W\d_a-z][^\W\d]*\.?)+"
)
_MISSES = ((_ASKS_NUMBER, _BARE_NAME), (_ASKS_PLACE, _BARE_DATE))
# Room for the system prompt, the examples and the chat template, in tokens.
_PROMPT_OVERHEAD = 900


@dataclass(frozen=True, slots=True)
class Draft:
    """The writer's reply, taken apart. `text` still holds the writer's own markers, which count passages from 1.

    `cut_short`: the deadline ended it. `logprobs`: the reply's tokens, where the server gives their log-probabilities.
    `likelihood`: the short answer's, where it is known otherwise.
    """

    short_answer: str
    text: str
    unknown: bool
    cut_short: bool
    logprobs: tuple[tuple[str, float], ...] = ()
    likelihood: float | None = None
    repeats: bool = False
    """Whether the short answer only gives back words of a question that offers no choice between them."""

    @property
    def states_answer(self) -> bool:
        """Whether the sentences that should show the short answer have its words; a yes or no needs none."""
        short = self.short_answer
        return short.lower() in ("yes", "no") or content_words(short) <= content_words(self.text or short)


async def write_draft(
    question: str,
    passages: Sequence[Chunk],
    *,
    chat: Chat,
    budget: Budget,
    max_tokens: int,
    on_text: Callable[[str], None] | None = None,
) -> Draft:
    """Have the model answer from these passages. A deadline gives the draft as far as it came."""
    completion = await chat.complete(
        reading_messages(passages, question), max_tokens=max_tokens, budget=budget, on_text=on_text
    )
    draft = parse_draft(completion.text, finish_reason=completion.finish_reason)
    return replace(draft, logprobs=completion.logprobs, repeats=_repeats(draft.short_answer, question))


def short_answer_span(reply: str) -> tuple[int, int]:
    """Where a reply gives its short answer: after `Answer:` or, without that, a first line of at most 12 words."""
    found = _ANSWER_LINE.search(reply)
    if found:
        return found.span("short")
    first = re.search(r"\S[^\n]*", reply)
    return first.span() if first and len(first[0].split()) <= _MAX_BARE_WORDS else (0, 0)


def parse_draft(reply: str, *, finish_reason: FinishReason = "stop") -> Draft:
    """Take the short answer, and its line, out of a reply.

    A reply that was cut loses its unfinished last sentence, if another one stands before it.
    """
    if finish_reason == "length":
        reply = _before_the_loop(reply)
    found = _ANSWER_LINE.search(reply)
    text = reply[: found.start()] + reply[found.end() :] if found else reply
    start, end = short_answer_span(reply)
    short = reply[start:end]
    short = re.sub(r"\s*\[[\d,\s]+\]", "", short).strip(' *"“”')
    short = short.removesuffix(".") if not re.search(r"\b\w\.\w?\.$", short) else short
    if finish_reason != "stop":
        text = _whole_sentences(text)
    draft = Draft(short, text.strip(), unknown=False, cut_short=finish_reason == "deadline")
    # "Answer: Moscow. The passages do not say where he died." is a guess.
    guessed = not (short and draft.states_answer) and bool(_REFUSAL.search(draft.text))
    return replace(draft, short_answer="", unknown=True) if guessed or _NO_ANSWER.match(short) else draft


def _before_the_loop(reply: str) -> str:
    """A reply that ran to its end, without what it went round in to get there.

    A model that has lost its way says what is not so: the loop goes, whole, where the answer and a sentence stand
    before it, and is said once where they do not.
    """
    loop = _REPEATED.search(reply)
    if loop is None:
        return reply
    before = reply[: loop.start()]
    answered = bool(_ANSWER_LINE.search(before)) or not _ANSWER_LINE.search(reply)
    return before if answered and _ANSWER_LINE.sub("", before).strip() else _REPEATED.sub(r"\1", reply)


def _whole_sentences(text: str) -> str:
    spans = split_sentences(text)
    last_is_whole = bool(re.search(r"[.!?][\])\"”\d\s]*$", text))
    return text if last_is_whole or len(spans) < 2 else text[: spans[-2][1]]


async def answer_step(question: str, passages: Sequence[Chunk], *, chat: Chat, budget: Budget) -> Draft:
    """The bare answer of a sub-question; unknown when the passages do not hold it, or the reply has no end.

    So is one that only repeats the question ("Marta Oyelund's husband"), unless that offers a choice, a bare name
    where a time or an amount was asked for, and a bare date where a place was.
    """
    completion = await chat.complete(
        reading_messages(passages, question, instruction=STEP_INSTRUCTION),
        max_tokens=_MAX_STEP_TOKENS,
        budget=budget,
        stop=("\n",),
    )
    draft = replace(parse_draft(completion.text), logprobs=completion.logprobs)
    answer = draft.short_answer
    misses = any(asks.match(question) and gives.fullmatch(answer) for asks, gives in _MISSES)
    nothing = completion.finish_reason != "stop" or misses or _repeats(answer, question)
    return replace(draft, short_answer="", unknown=True) if nothing else draft


def _repeats(answer: str, question: str) -> bool:
    """Whether an answer only gives back words of the question: "Imre Valko's father" when asked who he was.

    Of 630 dev questions not answered by yes or no, 76 are answered by their own words; each of these offers a choice.
    """
    said = content_words(answer)  # none of "The Who"
    return (
        answer.lower() not in ("yes", "no")
        and bool(said)
        and said <= content_words(question)
        and not _OFFERS.search(question)
    )


async def fitting(
    passages: Sequence[Chunk], question: str, *, chat: Chat, budget: Budget, max_tokens: int
) -> tuple[Chunk, ...]:
    """The best passages, in order, that the window holds beside the question, the examples and the reply.

    What the budget leaves of tokens may be less than the window.
    """
    room = (
        min(chat.context_tokens, budget.remaining_tokens)
        - max_tokens
        - _PROMPT_OVERHEAD
        - await chat.count_tokens(question)
    )
    kept = tuple(passages)
    while kept and await chat.count_tokens(numbered(kept)) > room:
        kept = kept[:-1]
    return kept
