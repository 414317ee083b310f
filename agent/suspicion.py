"""Signs that a stretch of a document speaks to the model that reads it, by rules that need no model.

The rules look for the form of an attack (an order in the imperative together with what is ordered, a claimed role, a
turn of a chat, a forged part of the prompt), not for its content: a false statement in plain words passes. They are
kept narrow, since what they catch is withheld from the answer; docs/security.md has how often they catch harmless text.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from agent.forms import FORMS, KEYS
from hopcite.sentences import split_sentences

Span = tuple[int, int]

# Characters that show nothing. Soft hyphens, joiners and direction marks stand in honest text as well.
_UNSEEN = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f]"
)
# Of these, what serves to hide: direction overrides, tag characters, and separators between the letters of a word.
_HIDING = re.compile("[\u202d\u202e\U000e0000-\U000e007f]+|(?:[\u200b\u2060-\u2064\ufeff]\\w){3,}")

# A control token of a chat template: <|im_start|>, [INST], <<SYS>>, <start_of_turn>, </s>.
CONTROL = re.compile(
    r"<\|[\w ]{1,40}\|>|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS)\]|<</?SYS>>|</?(?:start|end)_of_turn>|</?s>"
)
# The prompt's own marker of a passage, `[3]`, also where it would be read as the writer's.
MARKER = re.compile(r"\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
# The prompt's own labels, where they open a line.
LABEL = re.compile(r"^([ \t]*(?:Question|Answer))[ \t]*:", re.IGNORECASE | re.MULTILINE)

# From here on, to the end of the chunk, the text plays another part than that of a document.
_TURN = re.compile(
    r"(?:<\|im_(?:start|end)\|>|<\|(?:start|end)_header_id\|>|<\|(?:begin_of|endof|end_of)_?text\|>|<\|eot_id\|>|"
    r"\[INST\]|\[/INST\]|<<SYS>>|<(?:start|end)_of_turn>|</s>|<\|(?:system|user|assistant|end)\|>)|"
    r"^[ \t]*#{2,}\s*(?:system|instructions?|response|assistant|user|human|input)\b\s*:?\s*$|"
    r"[\"']role[\"']\s*:\s*[\"'](?:system|user|assistant|developer)[\"']|"
    r"^[^\w\n]*(?:begin|end|start) of (?:the )?(?:passages|documents?|context|evidence|data|answer|prompt|instructions)"
    r"[^\w\n]*$|"
    r"^[^\w\n]*(?:begin|end) (?:answer|reply|response|prompt|instructions?|system)[^\w\n]*$|"
    r"\[\d{1,3}\]\s*>\s*\[\d{1,3}\]|"
    # Two speakers in turn.
    r"^[ \t]*(?:assistant|ai|bot)\s*:.*\n+[ \t]*(?:user|human)\s*:|"
    r"^[ \t]*(?:user|human)\s*:.*\n+[ \t]*(?:assistant|ai|bot)\s*:|"
    # The heading of one more passage, as the prompt writes it: a number and a few words without an end.
    r"^[^\w\n]{0,3}\[\d{1,3}\] (?!.*\b(?:1[5-9]|20)\d\d\b)[^\n,.;:]{2,80}\n(?=\S)",
    re.IGNORECASE | re.MULTILINE,
)

# Cyrillic and Greek letters that look like Latin ones.
_CONFUSABLE = str.maketrans(
    "аеорсухіјѕԁһАВЕКМНОРСТУХІЅοαενικρτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijsdhABEKMHOPCTYXISoaevikptuxABEZHIKMNOPTYX",
)
_LEET = str.maketrans("013457@$", "oieastas")
_LEET_WORD = re.compile(r"\b(?=\w*[a-z])(?=\w*[013457@$])[\w@$]{2,}")
_SPACED = re.compile(r"\b(?:[^\W\d_] ){3,}[^\W\d_]\b")
_BASE64 = re.compile(r"\b[A-Za-z0-9+/]{24,}={0,2}")
_NOT_SPACE = re.compile(r"\S")
_RUN_OF_WORDS = re.compile(r"[^\W_]+")
_STUFFED_WORDS = 12
_STUFFED_SHARE = 0.4
_REPEATS = 3
_CONTENT_LETTERS = 4


def hidden(text: str) -> list[Span]:
    """Stretches of characters that show nothing and serve to hide what stands there."""
    return [found.span() for found in _HIDING.finditer(text)]


@lru_cache(maxsize=4096)
def suspicious(text: str) -> Mapping[Span, str]:
    """The sentences of a chunk that should reach no model, with what each looks like. Offsets into `text`, in order.

    What follows such a sentence on its line, or after its colon, goes with it: what the order wants believed. What
    follows a forged part of the prompt goes to the end of the chunk. Repetition concerns its own sentence only.
    """
    sentences = split_sentences(text)
    turn = _TURN.search(text)
    forged = len(text) if turn is None else turn.start()
    sentences = [piece for span in sentences for piece in _cut(span, forged)]
    stuffed = _stuffed([text[start:end] for start, end in sentences])
    found: dict[Span, str] = {}
    until, sign = 0, ""
    for (start, end), filler in zip(sentences, stuffed, strict=True):
        if start >= forged:
            until, sign = len(text), "a forged part of the prompt"
        elif form := form_of(text[start:end]):
            until, sign = _block_end(text, end), form
        if start < until:
            found[start, end] = sign
        elif filler:
            found[start, end] = "repetition"
    return MappingProxyType(found)


def form_of(sentence: str) -> str | None:
    """Which form of an attack a sentence, or a title, has; None as a rule."""
    if hides := _decoded(sentence):
        return hides
    for reading in dict.fromkeys(readings(sentence)):
        if KEYS.isdisjoint(_RUN_OF_WORDS.findall(reading.lower())):
            continue
        for name, pattern in FORMS.items():
            if pattern.search(reading):
                return name
    return None


def readings(sentence: str) -> tuple[str, ...]:
    """A sentence as it may be meant: without unseen characters and lookalikes, spelt in digits, or s p a c e d."""
    plain = unicodedata.normalize("NFKC", _UNSEEN.sub("", sentence)).translate(_CONFUSABLE)
    plain = " ".join(_SPACED.sub(lambda word: word[0].replace(" ", ""), plain).split())
    return plain, _LEET_WORD.sub(lambda word: word[0].translate(_LEET), plain)


def _decoded(sentence: str) -> str | None:
    for found in _BASE64.finditer(sentence):
        try:
            text = base64.b64decode(found[0] + "=" * (-len(found[0]) % 4), validate=True).decode("ascii")
        except (binascii.Error, UnicodeDecodeError):
            continue
        if " " in text and text.isprintable():
            return "encoded text"
    return None


def _cut(span: Span, at: int) -> list[Span]:
    start, end = span
    return [(start, at), (at, end)] if start < at < end else [span]


def _block_end(text: str, at: int) -> int:
    """The end of the line; of the next one that is not empty too, where a colon at its end announces that."""
    end = _end_of_line(text, at)
    if text[at - 1 : end].rstrip().endswith(":"):
        following = _NOT_SPACE.search(text, end)
        return _end_of_line(text, following.start()) if following else end
    return end


def _end_of_line(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found


def _stuffed(sentences: list[str]) -> list[bool]:
    """Sentences that stand there for a search engine: the same one again and again, or few words many times."""
    words = [[word.casefold() for word in _RUN_OF_WORDS.findall(sentence)] for sentence in sentences]
    times = Counter(" ".join(each) for each in words)
    return [(len(each) >= 4 and times[" ".join(each)] >= _REPEATS) or _repeats_itself(each) for each in words]


def _repeats_itself(words: list[str]) -> bool:
    used = [word for word in words if len(word) >= _CONTENT_LETTERS]
    return len(used) >= _STUFFED_WORDS and len(set(used)) < _STUFFED_SHARE * len(used)
