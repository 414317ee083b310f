"""A question inside the question, told by its wording: "the town where A is", "A's father", "the author of B".

What holds none needs no plan. Where such a description ends with the question, or with no more behind it than the verb,
a rule takes it out: it becomes a step of its own, and the step's answer stands in its place. What no rule splits is the
planner's. English wordings only. What it is worth: docs/decisions.md, "Plans without a planner".
"""

from __future__ import annotations

import re

from agent.plan import MAX_STEPS
from agent.words import is_english

_ASKING = r"(?:what|which|who|whom|whose|where|when|how|why)"
_IN = r"(?:in|at|on|of|from|to|for|by|with|near|under|through|during)"
_BE, _DO = r"(?:is|are|was|were)", r"(?:did|does|do)"
_A = r"(?:\b(?:the|an?|this|another)|^(?:The|An?|This))"
_THAT = r"(?:which|whom|whose|who|that|where)"
_LONGEST = 30  # words of a question that a chain may answer
# Words with a capital, the small ones between them, what is in quotes, and the answer of a step.
_BIG = r"[^\W\d_a-z][\w.'’&-]*"
_SMALL = r"(?:of|the|and|de|der|des|von|van|und|la|le|du|del|di|in|to|on|for|with|a|&)"
_NAME = rf"(?:#\d|\"[^\"]+\"|(?:[Tt]he )?{_BIG}(?:(?: {_SMALL})* (?:{_BIG}|\d+\b))*(?: \([^)]*\))?)"
_NAME_ENDS = r"(?:['’]s|(?<=s)['’])"

_PERSON = (
    "father|mother|husband|wife|spouse|partner|son|daughter|child|brother|sister|sibling|director|author|writer"
    "|composer|lyricist|songwriter|performer|singer|founder|creator|producer|designer|architect|inventor|discoverer"
    "|editor|screenwriter|owner|leader|ruler|king|queen|president|captain|coach|manager|chairman|star|host|narrator"
)
_THING = (
    "birth ?place|hometown|place of birth|city of birth|country of birth|country|team|publisher|developer|distributor"
    "|manufacturer|employer|record label|label|alma mater|headquarters"
)
_RELATION = rf"(?:{_PERSON}|{_THING})"
_WORK = r"(?:(?:film|movie|song|novel|book|album|band|group|series|show|play|opera) )?"

# What a description may be, wherever it stands.
_SIGNS = [
    re.compile(pattern)
    for pattern in (
        rf"{_A} (?:[\w-]+,? ){{0,5}}?[a-z][\w-]*,? (?:{_IN} )?{_THAT}\b",
        rf"{_A} (?:[\w-]+,? ){{0,6}}(?:[a-z]+(?:ed|ing)|built|written|made|known|held|born|led|sung|set|won) {_IN}\b",
        rf"{_A} (?:[\w-]+ )+(?:containing|including|featuring|starring|bordering|surrounding|having)\b",
        rf"{_A} [a-z]+ (?:{_BIG} )+{_BE}\b",
        r"(?<=\w)(?:['’]s|s['’]) [a-z]",
        rf"\bof (?:{_PERSON}) of\b",
    )
]
_TWO_STEPS = re.compile(r"\bgrand(?:father|mother|parent|son|daughter|child)\b|-in-law\b")
_OF = re.compile(rf"{_A} (?:[\w-]+ ){{0,4}}?(?P<noun>[a-z][\w-]*) (?:of|by|behind) (?P<next>\S)")
# "The town of Tarn", "the end of 1901": these describe nothing that is to be found first.
_NAMING = frozenset(
    "city town village state county district suburb island province region title name number end beginning start part "
    "one some all most rest series season war battle siege border era time year day side list kind type piece field "
    "member game university kingdom republic house place".split()
)
# What is asked for itself: "What is the name of the bridge that", "Who is Valko's father?"
_OPENING = re.compile(rf"^(?:{_IN} )?{_ASKING}\b", re.IGNORECASE)
_ASKED = re.compile(
    rf"^(?:(?:what|who)(?:['’]s| {_BE})|which {_BE}) (?:the|an?|this) (?:(?:full |real )?(?:name|title|kind|type) of )?"
    rf"(?:(?:the|an?) )?(?:[\w-]+ )*?[a-z][\w-]*,? (?=(?:{_IN}|{_THAT}|when|[a-z]+ed|{_BE}|{_DO})\b)(?:{_THAT}\b)?",
    re.IGNORECASE,
)
# "The bridge crosses which river?", "In 1911, what was the name of the town that ...?"
_ASKED_LATE = re.compile(rf"(?:(?<=, )|\b(?:{_IN} )?(?=\w+(?!.*\b{_ASKING}\b))){_ASKING}\b", re.IGNORECASE)
_ASKED_OF = re.compile(
    rf"^(?:[Ww]ho|[Ww]hat) {_BE} (?:the (?:full |real )?name of )?(?:the )?{_NAME}{_NAME_ENDS} [a-z -]+$"
)

# Descriptions that a rule can take out: behind one with a relation the verb may stand, behind the others nothing.
_VERB = r"(?P<verb>(?: [a-z]+){0,3})"
_BY_RELATION = re.compile(
    rf"(?P<what>(?:(?:the|an?) (?:[a-z]+ )?|(?<=of |in )){_RELATION} of (?:the )?{_WORK}{_NAME})"
    rf"(?<!['’]s)(?<!s['’]){_VERB}$"
)
_BY_POSSESSION = re.compile(rf"(?<!the )(?P<what>{_NAME}{_NAME_ENDS} (?:[a-z]+ )?{_RELATION}){_VERB}$")
_BY_CLAUSE = re.compile(
    # Of one thing, not of several,
    rf"(?P<what>(?:the|an?) (?:(?!(?:of|and|or)\b)[\w-]+ ){{0,3}}?(?!(?:of|and|or)\b)[a-z-]*(?:[^\Ws]|ss|us|series)"
    rf" (?:(?:{_IN} )?{_THAT}|{_NAME} {_BE})"
    # without another description in it, or one who asks: "the form that I need".
    rf"(?: (?!(?:I|me|my|we|us|our|you|your)\b|(?:the|an?) (?:[\w-]+ ){{1,4}}{_THAT}\b"
    rf"|{_RELATION} of\b|\S+{_NAME_ENDS} )[^\s,]+)+)"
    rf"(?P<verb>)(?<! who)(?<! what)(?<! which)$"
)
_ASKED_ITSELF = rf"(?:who|what|which|where)(?: {_BE})? (?:the (?:(?:full |real )?name|title) of )?"
# What stands before a description: the verb that comes behind it has its auxiliary here.
_BEFORE_VERB = re.compile(rf".*\b(?:{_BE}|{_DO}) ", re.IGNORECASE)
_BEFORE_END = re.compile(rf"(?!{_ASKED_ITSELF}$)(?!.*\b(?:{_DO}|{_THAT} {_BE}) $).*\b[a-z]+ ", re.IGNORECASE)
# The king of | Tarn's wife:
_HALF = re.compile(r"\b(?:king|queen|president|captain|coach|manager|chairman|leader|ruler) of $")
# So that no verb of the question can stand behind a clause:
_BEFORE_CLAUSE = re.compile(
    rf"(?!{_ASKED_ITSELF}$)(?!.*\b(?:and|or|both) $)"
    rf"(?:(?:what|who|which) {_BE} (?:the|an?|in) .+"
    rf"|who (?!(?:{_BE}|{_DO})\b)[a-z]+ .+"
    rf"|(?!.*\b{_DO}\b)(?:what|which) (?:[a-z]+ ){{1,4}}?(?:{_BE} (?:[a-z]+ )?{_IN}|(?!was\b)[a-z]+(?:ed|s)) .*"
    rf"|(?:how many|when|where) .*\b{_BE} (?:(?:.+ )?(?:[a-z]+ed|held|found|built|made|won|set) )?{_IN} "
    rf"|.*\b{_DO} {_NAME} [a-z]+ .*)",
    re.IGNORECASE,
)
_IS_PERSON = re.compile(rf"\b(?:{_PERSON}|person|man|woman|actor|player|[a-z]+(?:ist|ian|ress|wright))\b")


def nested(question: str) -> bool:
    """Whether the wording holds another question: something described that is not the thing asked for.

    Not of whole paragraphs: what their parts have in common is no chain. A question in another language may hold one.
    """
    if not is_english(question):
        return True
    if len(question.split()) > _LONGEST:
        return False
    text = re.sub(r"\"[^\"]*\"|“[^”]*”", "“…”", _plain(question))
    if _TWO_STEPS.search(text):
        return True
    if _ASKED_OF.match(text):
        return False
    text = _ASKED.sub("", text, count=1) if _OPENING.match(text) else _ASKED_LATE.sub("…", text, count=1)
    described = (of for of in _OF.finditer(text) if of["noun"] not in _NAMING or of["next"].islower())
    return any(sign.search(text) for sign in _SIGNS) or next(described, None) is not None


def split_by_rule(question: str) -> tuple[str, ...]:
    """The steps of a question that ends with its descriptions, the innermost first; `#1` is the first one's answer.

    Empty where the question holds none, or no rule is certain where it ends.
    """
    steps: list[str] = []
    rest = _plain(question)
    if not _OPENING.match(rest) or len(rest.split()) > _LONGEST:
        return ()
    while len(steps) < MAX_STEPS - 1 and (found := _last_description(rest)):
        what, verb = found["what"], found["verb"]
        head = what if re.search(_NAME_ENDS, what) else re.split(rf" (?:of|{_THAT})\b", what)[0]
        steps.append(f"{'Who' if _IS_PERSON.search(head) else 'What'} is {what}?")
        rest = f"{rest[: found.start('what')]}#{len(steps)}{verb}"
    return (*steps, f"{rest}?") if steps else ()


def _plain(question: str) -> str:
    return " ".join(question.split()).rstrip(" ?.")


def _last_description(text: str) -> re.Match[str] | None:
    """Of the descriptions that can be taken out, the one that begins last. It begins behind a word in small letters."""
    for start in reversed([found.end() for found in re.finditer(r"(?<!\S)[a-z]+ (?=\S)", text)]):
        before = text[:start]
        for pattern in (_BY_RELATION, _BY_POSSESSION):
            found = pattern.match(text, start)
            if found and pattern is _BY_POSSESSION and _HALF.search(before) and _IS_PERSON.search(found["what"]):
                return None
            if found and (_BEFORE_VERB if found["verb"] else _BEFORE_END).fullmatch(before):
                return found
        found = _BY_CLAUSE.match(text, start)
        if found and _BEFORE_CLAUSE.fullmatch(before):
            return found
    return None
