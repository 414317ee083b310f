"""Comparisons: which of two things came first, or is longer; who lived longer; whether two have the same country.

A small writer names one of the two before it has weighed them, more often than not the one that the question names
first. So the question is split, each side is looked up, and what was found decides, by rule, where it can: dates by
their order, lives by the days between two, amounts by their numbers, the rest by being the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agent.plan import ends
from agent.values import alike, longer_lived, ordered
from agent.words import content_words
from hopcite.types import Step

Asked = Literal["earliest", "latest", "least", "most", "shortest life", "longest life", "same"]

_WORDS: dict[Asked, str] = {
    "earliest": "first earlier earliest older oldest before",
    "latest": "last later latest younger youngest newer newest recently after",
    "least": "shorter shortest smaller smallest lower lowest fewer fewest lighter lightest cheaper cheapest",
    "most": "longer longest larger largest bigger biggest higher highest taller tallest heavier heaviest "
    "deeper deepest",
}
_ASKED: dict[str, Asked] = {word: asked for asked, words in _WORDS.items() for word in words.split()}
# In lower case: "The Day After Tomorrow" is a name.
_DIRECTION = re.compile(rf"\b(?:{'|'.join(_ASKED)})\b")
# What such a word means is another thing here than what is looked up.
_OTHERWISE = [
    re.compile(pattern)
    for pattern in (
        rf"\b(?:{'|'.join(_ASKED)})\s+(?:than\s+)?(?:when|while|at)\b",  # "older when he died"
        r"\b(?:named|called|titled|christened|modell?ed|styled|taken|look(?:s|ed|ing)?)\b.*\bafter\b",
        # "Which war lasted longer": a difference of two dates.
        r"\b(?:lived?|lasted?|reigned?|ruled?|served?) (?:the |for )?long|^[Ww]ho\b.*\blong(?:er|est)\b",
        # At what age, not in what year.
        r"\b(?:older|oldest|younger|youngest)\b.*\b(?:when|died?|dying|death|dead|aged?|at)\b",
        r"\b(?:oldest|youngest)(?: [a-z]+)? to\b",
        r"\b(?:when|died?|dying|death|lived?|aged?)\b.*\b(?:older|oldest|younger|youngest)\b",
        r"^[Ww]ho\b.*\b(?:older|oldest|younger|youngest) (?!of\b|out\b|between\b|than\b|the\b)[a-z]",
        r"\b(?:ranked|ranks?|placed|finish(?:ed)?|charted|peaked|seeded)\b.*\b(?:higher|highest|lower|lowest)\b",
        r"\b(?:higher|highest|lower|lowest)\b.*\b(?:ranks?|rankings?|seeds?|charts?|standings|table|league|Hot 100)\b",
        # "No later than": at once is soon enough.
        rf"\bno (?:{'|'.join(_ASKED)})\b",
        r"\b(?:first|later|latest|last|earlier|earliest) in (?:the|a|his|her|their|its) (?:\w+ )?"
        r"(?:year|month|week|day|season|life|career)\b",
        r"\b(?:higher|highest|lower|lowest)[ -](?:division|league|tier|rank\w*|position|place|class|level|number)",
        # "The first bridge", "whose last film": of many, not of two.
        r"(?:\b(?:the|whose|his|her|its|their)|['’]s) (?:first|last|latest) (?!of\b|out\b|between\b|to\b|one\b)[a-z]",
        r"\bnot\b|\b[a-z]+n['’]t\b|\b(?:least|less) recently\b",
    )
]
_LIVED = re.compile(
    r"^[Ww]ho (?:lived|had(?=.* life\b))(?: the| a)? (?:(?P<more>longe)|shorte)(?:r|st)(?: life)?[,:]?"
    r"(?: out of| between)? (?P<first>(?:the\b|[^\Wa-z])[^,]*?),? (?:or|and) (?P<second>[^,]+?)\s*\?*$"
)
_CHOICE = re.compile(r"^(?P<head>.*\S)\s+or\s+(?P<second>\S.*?)\s*\?*$")
_PAIR = re.compile(r"(?:^(?i:between|out of)|\b(?:between|out of))\s+(?P<first>.+?)\s+and\s+(?P<second>[^,?]+)")
# "Between the report from A and the one from B, was there a change after the first week?" asks for neither of them.
_WHICH = re.compile(r"\b(?:which|who|whose|what|where)\b", re.IGNORECASE)
_SAME = re.compile(
    r"^(?:are|is|were|was|do|does|did|have|has)\b.*\band\b.*\bsame\s+(?P<rest>(?P<thing>\w+(?: \w+)?).*)", re.IGNORECASE
)
# "Are A, B and C from the same country?"
_THREE = re.compile(r"^(?!.*\bboth\b)[^,]+,.*\band\b.*\bsame\b")
_SIDES = re.compile(
    r"^(?i:was|were|is|are|did|does|do)\s+(?P<first>.+?)\s+(?:(?P<when>before|after)|(?P<word>[a-z]+er)\s+than)\s+"
    r"(?P<second>.+?)\s*\?*$"
)
# "Two years older", "born shortly before": more is asked than which of the two.
_DEGREE = re.compile(
    r"\b(?:years?|months?|weeks?|days?|hours?|minutes?|met(?:re|er)s?|feet|foot|inch(?:es)?|miles?|k\w+met\w+|times|much"
    r"|far|slightly|significantly|considerably|half|twice|more|less|shortly|immediately|right|just|long|soon|directly)$"
)
_CLAUSE = re.compile(
    r"\b(?:or|both|and|was|were|is|are|did|do|does|has|had|began|became|went|came|won|took|born|[a-z]+ed)\b"
)
# What is neither opened nor born: "Did she die before World War II?"
_EVENT = re.compile(
    r"\b(?:War|Wars|WWI+|Revolution|Depression|Christmas|Easter)\b"
    r"|\bthe (?:age|birth|death|end|start|beginning|outbreak|fall|reign|rule|turn|year|time)\b"
)
# "Which band was formed before 1990, A or B?"; not "before joining it".
_UNTIL = re.compile(r"\s*(?:[,:?]|$|the other\b|(?:[A-Z][a-z]+\s+)?\d)")
# A date or an amount in a name's place, half a sentence, or what a sentence before it named.
_NO_SIDE = re.compile(
    r"\W*\d[\d.,]*(?:\s*[a-z]+)*\W*|(?:of|in|on|at|by|for|from|to|with|was|is|did|there|any|his|her|its|their|he|she|it)\b.*"
    r"|.*\b(?:January|February|March|April|May|June|July|August|\w+ember|October)\b.*\d{3,4}"
)
# What is asked beside, or how to answer: ", and by how many years?", "? Give the year."
_MORE = re.compile(r"\?\W+\w|,\s+(?:and|but|according|please|if|by|as)\b")
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|\([^)]*\)")
_NATION = content_words("country nationality")  # who is from the same one is of the same other
_LONGEST_NAME = 12  # words of a side; what is longer is no name, and the words that compare mean something else
_NAME = re.compile(r"\s*(?:the\b|[^\w\s]*[^\Wa-z])")
_LOWER_END = re.compile(r"(?P<comma>,?)(?P<tail>(?:\s+[a-z]+)+)$")
# "Heat or Love at first sight?": what stands behind the second name is a part of it.
_IN_NAME = re.compile(r"\s*(?:a|an|the|at|in|on|of|by|for|to|with|from|and)\b")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a question compares. `asked` is the value that the answer has; `yes_no`: whether the first side has it.

    Where two may have the same of something, `first` is that: "country".
    """

    first: str
    second: str
    asked: Asked
    yes_no: bool = False


def comparison_of(question: str) -> Comparison | None:
    """What is compared, where the wording tells it and values can decide it. None where anything is in doubt."""
    asked = question.strip()
    if lived := _LIVED.match(asked):
        lives = Comparison(lived["first"], lived["second"], "longest life" if lived["more"] else "shortest life")
        return lives if _two_sides(lives) else None
    if any(pattern.search(_QUOTED.sub('""', asked)) for pattern in _OTHERWISE):
        return None
    found = _wording(asked)
    return found if found and (found.asked == "same" or _two_sides(found)) else None


def _two_sides(comparison: Comparison) -> bool:
    """Whether both sides look like one name each: not two of them, a date, or half a sentence."""
    return all(
        side
        and len(side.split()) <= _LONGEST_NAME
        and not _NO_SIDE.fullmatch(side)
        and not _MORE.search(_QUOTED.sub("", side))
        and not re.search(r"\bor\b", _QUOTED.sub("", side))
        for side in (comparison.first, comparison.second)
    )


def _wording(question: str) -> Comparison | None:
    if same := _SAME.search(question):
        other = re.search(r"\b(?:as|or)\b", same["rest"]) or _THREE.search(question)
        return None if other else Comparison(same["thing"], "", "same", yes_no=True)
    directions = list(_DIRECTION.finditer(_QUOTED.sub(lambda quoted: "_" * len(quoted[0]), question)))
    # "Whose first album was released later?", "which was built later, Love at first Sight or ..."
    if len({_ASKED[found[0]] for found in directions}) != 1:
        return None
    if sides := _SIDES.match(question):
        return _yes_no(sides) if len(directions) == 1 else None
    return _choice(question, directions[0])


def _yes_no(sides: re.Match[str]) -> Comparison | None:
    """For "Was A built before B?", "Is A longer than B?"."""
    asked = _ASKED.get(sides["when"] or sides["word"])
    first, second = (_QUOTED.sub("", sides[side]) for side in ("first", "second"))
    if asked is None or _DEGREE.search(first) or _CLAUSE.search(second):
        return None
    if sides["when"] and (not re.search(r"[A-Z\"“]", sides["second"]) or _EVENT.search(second)):
        return None
    return Comparison(sides["first"], sides["second"], asked, yes_no=True)


def _choice(question: str, direction: re.Match[str]) -> Comparison | None:
    """For "Which is longer, A or B?", "Who was born first out of A and B?"."""
    asked = _ASKED[direction[0]]
    if direction[0] in ("before", "after") and not _UNTIL.match(question, direction.end()):
        return None
    choice, pair = _CHOICE.match(question), _PAIR.search(question)
    if pair and _WHICH.search(question):
        at_first = pair.start() == 0 and question.startswith(",", pair.end())
        beside = direction.end() <= pair.start() and not question[direction.end() : pair.start()].strip(" ,:")
        two = not choice and "," not in pair["first"] and not re.search(r"\band\b", pair["second"])
        return Comparison(_bare(pair["first"]), _bare(pair["second"]), asked) if (at_first or beside) and two else None
    if choice is None:
        return None
    first, second = _first_side(choice["head"], direction.end()), choice["second"]
    if direction.start() > choice.end("head"):
        tail = _LOWER_END.search(second)
        if (
            tail is None
            or not tail["tail"].endswith(direction[0])
            or (not tail["comma"] and _IN_NAME.match(tail["tail"]))
        ):
            return None
        second = second[: tail.start()]
    first, second = _bare(first), _bare(second)
    # "A, B or C?"
    return Comparison(first, second, asked) if "," not in _QUOTED.sub("", first) else None


def decided(comparison: Comparison, steps: Sequence[Step]) -> str:
    """The short answer that the answers of a comparison's two last steps decide; empty where they do not."""
    if comparison.asked in ("shortest life", "longest life"):
        return _longer_lived(comparison, steps)
    found = _sides(comparison, steps)
    if found is None:
        return ""
    first, second = found
    if comparison.asked == "same":
        return alike(first, second, comparison.first)
    order = ordered(first, second, dates=comparison.asked in ("earliest", "latest"))
    if not order:
        return ""
    first_has_it = (order < 0) == (comparison.asked in ("earliest", "least"))
    if comparison.yes_no:
        return "yes" if first_has_it else "no"
    return comparison.first if first_has_it else comparison.second


def _longer_lived(comparison: Comparison, steps: Sequence[Step]) -> str:
    """By the four steps that ask for births and deaths; empty where one is missing."""
    dates = {
        (_leaning(comparison, step, steps) > 0, "born" in content_words(step.question)): step.answer for step in steps
    }
    if len(dates) != 4 or not all(dates.values()):
        return ""
    order = longer_lived((dates[True, True], dates[True, False]), (dates[False, True], dates[False, False]))
    if not order:
        return ""
    return comparison.first if (order > 0) == (comparison.asked == "longest life") else comparison.second


def _sides(comparison: Comparison, steps: Sequence[Step]) -> tuple[str, str] | None:
    """The answers of the first side and of the second. None: not two, or it is not clear whose they are."""
    last = [step for step in ends(steps) if step.answer]
    if len(last) != 2 or len(ends(steps)) != 2:
        return None
    if comparison.asked == "same":
        things = content_words(comparison.first)
        things = things | _NATION if things & _NATION else things
        both_ask = all(things & content_words(step.question) for step in last)
        return (last[0].answer, last[1].answer) if both_ask else None
    leaning = [_leaning(comparison, step, steps) for step in last]
    if leaning[0] == leaning[1]:
        return None
    one, other = last if leaning[0] > leaning[1] else reversed(last)
    return one.answer, other.answer


def _leaning(comparison: Comparison, step: Step, steps: Sequence[Step]) -> int:
    """Above 0: a step, with those that it needs, speaks of the first side; below: of the second."""
    chain, waiting = "", [step]
    while waiting:
        at = waiting.pop()
        chain += f" {at.question}"
        waiting += [other for other in steps if other.id in at.needs]
    words = content_words(chain)
    first, second = content_words(comparison.first), content_words(comparison.second)
    return len(words & (first - second)) - len(words & (second - first))


def _first_side(head: str, after: int) -> str:
    """The first of two things: after the comma behind the word that compares them, or from the first name on."""
    if after <= len(head):
        rest = head[after:]
        comma = re.search(r"[,:]\s*", rest)
        # "the highest mountain of Scotland or Wales" compares neither Scotland nor Wales.
        return rest[comma.end() :] if comma else rest if _NAME.match(rest) else ""
    if "," in head:  # "Which game, A or B, was made first?"
        kind, _, rest = head.partition(",")
        return rest if re.fullmatch(r"\w+(?: [a-z]+)*", kind) else ""
    name = re.search(r"(?<=\s)[A-Z].*", head)
    return name[0] if name else ""


def _bare(name: str) -> str:
    return name.strip(" ,.:;?!").removeprefix("the ").strip()
