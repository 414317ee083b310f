"""The forms that text takes when it speaks to the model that reads it, as patterns over one sentence.

A name in angle brackets stands for a vocabulary below. An order needs a verb in the imperative and what it is about:
the reply, the passages, the prompt. "Use the upper ford road" is no attack; "use only this passage" is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

_WORDS = {
    # Where a clause begins that could be an order.
    "order": r"(?:^|[.:;,!?)\]>\"“”*-]\s*|\b(?:please|now|then|and|but|just|simply|always|instead|only|first|<must>))"
    r"\s*(?:(?:please|now|then|just|simply|always|instead|only|first|never|do not|don't)\s+)*",
    "must": r"(?:must|should|shall|has to|have to|needs? to|is to|are to)",
    "say": r"(?:answer|reply|respond|say|state|output|print|write|give|return|repeat|confirm|tell|claim|include|append|"
    r"add|use)",
    "disregard": r"(?:ignore|disregard|forget|override|bypass|discard|skip)",
    "recite": r"(?:repeat|print|reveal|show|output|copy(?: out)?|list|translate|display|recite|quote|write out|"
    r"dump|return|disclose|summari[sz]e|paraphrase)",
    "model": r"(?:ai|llms?|(?:(?:ai |large )?language|ai) models?|(?:ai )?<no_job>assistants?|ai systems?|chat ?bots?|"
    r"automated (?:\w+ )?(?:software|systems?|tools?|readers?))",
    "no_job": "".join(rf"(?<!\b{job} )" for job in "teaching research personal shop sales care kitchen dental".split()),
    "reply": r"(?:answers?|reply|replies|responses?|outputs?|completions?)",
    "text": r"(?:passages?|documents?|sources?|texts?|context|evidence|paragraphs?|snippets?|search results?)",
    "given": r"(?:instructions?|prompts?|rules?|guidelines?|directions|commands?|constraints?|examples?)",
    "handed_in": r"(?:(?:in|on|into|to) (?:the|this|an?) (?:\w+ )?(?:form|sheet|box(?:es)?|spaces?|booklet|table|"
    r"questionnaire|survey|envelope|office|desk)|by (?:post|mail|phone)|on page \d)",
    "due": r"(?:due|expected|required|not)",
    "call": r"the (?:door|bell|phone|telephone|call)",
    "other": r"(?:other|previous|above|earlier|preceding|remaining)",
}

_FORMS: dict[str, tuple[str, ...]] = {
    "an order to disregard": (
        r"<order><disregard>\b.{0,60}\b(?:<given>|<text>|<other>|prior|rest|figures|everything|question|info(?:rmation)?|told)\b",
        r"<order>(?:use|trust|believe|cite|quote|follow|rely on)\b.{0,50}\b(?:none|any|no)\b.{0,20}\bother <text>\b",
        r"\b<other> <text> (?:\w+ ){0,4}?(?:as |is |are |was |were |<must> |have been )(?:\w+ )?"
        r"(?:outdated|false|wrong|incorrect|withdrawn|fake|confidential|not|be)\b",
        r"\b(?:supersede|override|replace)s? (?:all|every|any) (?:the )?<other> (?:<text>|<given>)\b",
        r"\bnew (?:instructions?|prompts?|directions|commands?)\s*:",
    ),
    "an order to the writer": (
        r"<order>(?:answer|reply|respond)\b(?: only| just| always)? ?(?:with|only|that|using only|exactly)\b",
        r"<order>(?:answer|reply|respond)\s+(?:(?-i:[A-Z])|[\"“]|in \w+ (?:and|only))",
        r"<order><say>\b(?!.{0,50}\b<reply> <handed_in>\b).{0,80}"
        r"\b(?:your|the|every|each|all|any|its|this|final) <reply>\b",
        r"<order>(?:begin|end|start|finish|conclude) (?:your|the|every|each|all|any) <reply>\b",
        r"<order>(?:say|state|write|output|print|return)\s*(?:only |just |exactly |that )?[\"“:]",
        r"<order>(?:always|only) (?:(?:say|claim|output)\b|"
        r"(?:state|write|confirm|use) (?:that\b|(?:the )?<reply>\b|\W))",
        r"\b(?:your|the|every|each|any) <reply> <must>\b"
        r"(?! be (?:signed|dated|typed|kept|filed|handed in|submitted|returned)\b)",
        r"\b(?:in|for) (?:every|each|all|any|your) <reply>\b",
        r"\b(?:when|whenever|if) (?:you are |you're |anyone |someone |the user )?(?:asks?|asked|questioned|queried)\b"
        r".{0,120}\b(?:say|state|claim|answer|reply|respond|report(?! to\b)|you must)\b",
        r"<order>(?:repeat|print|output|say|write) (?:back |only )?the following\b"
        r"(?! (?:steps?|pages?|forms?|procedure)\b)",
        r"\b(?:tasks?|questions?|<given>) (?:that |which )?(?:i|we|you were|the user) (?:gave|given|asked)\b",
        r"\bwhoever reads this\b|\binstead of answering\b",
        r"\bbefore (?:you )?(?:answer|reply|respond)(?:ing)?\b(?! <call>\b)",
        r"\b(?:tell|inform|show|ask|advise) (?:the |this |your )?users? (?:that|who|about|"
        r"to (?:visit|go|click|open|download|call|phone|ring|text|contact|e-?mail|write|send|pay|buy))\b",
        r"\b(?:follow|obey|execute|carry out|do) (?:what (?:it|this) says|(?:these|the following|its|this) <given>)\b"
        r"(?! (?:to (?!answer|reply|respond|the letter)|before|when|if|for)\b)",
        r"\b(?:decode|decrypt|unscramble)\b.{0,60}\b(?:base64|rot13|hex|cipher|do what|follow|obey)\b",
        # The same in French, German, Spanish, Italian and Portuguese, at the beginning of a sentence.
        r"(?:^|[.!?]\s*)(?:ignorez|oubliez|ignoriere|vergiss|vergessen sie|ignora|olvida|dimentica|ignore todas)\b",
        r"(?:^|[.!?]\s*|\b(?:et|und|y|e) )(?:réponds|répondez|antworte|antworten sie|responde|rispondi|responda)\b",
    ),
    "a claimed role": (
        r"(?-i:^\W*(?:SYSTEM|ASSISTANT|DEVELOPER|ADMIN|HUMAN|USER)(?: [A-Z]+){0,3}\s*:)|^\W*(?:<model>)\s*[:,]",
        r"^\W*(?:system|developer|admin(?:istrator)?|root)[ -](?:notes?|messages?|notices?|overrides?|<given>)\b",
        r"[<\[({]\W{0,2}(?:system|admin|assistant|instructions?|developer|important)(?:[_ -]\w+)?\W{0,2}[>\])}]",
        r"\byou are (?:now |currently )?(?:an? |the )?(?:\w+ )?<model>\b|\byou are now (?:an? )?(?-i:[A-Z])\w+",
        r"\bas an? (?:\w+ )?<model>\b,?.{0,30}\byou\b",
        r"\b(?:stay|remain|act|respond) in (?:this|that|your) (?:role|character)\b",
        r"\b(?:notes?|messages?|warnings?|notices?|attention|<given>|orders?)\b.{0,30}\b(?:to|for) "
        r"(?:the |all |any )?<model>\b",
        r"\b(?:the|this|any|every) <model> (?:<must>|will|may) (?:not |now |only )?(?:<say>|refuse|ignore|cite)\b",
        r"\b(?:priority|security|admin|system|developer) override\b|\bhighest priority\b|\b(?:debug|developer) mode\b",
        r"\buser has (?:already )?been told\b",
    ),
    "a claim to be the answer": (
        r"\b(?:correct|right|final|true|verified|expected|official|test) <reply>\b.{0,80}?"
        r"(?:\bis\b(?! <due>\b)|:|\bmust\b)",
        r"^\W*(?:final|verified|correct|official) <reply>\b(?! (?:is|are) <due>\b)",
        r"\b(?:cite|quote|use|trust|prefer|rank|select|choose) (?:only )?this (?:<text>|sentence|page)\b"
        r"(?! (?:if you|fields?|box|numbers?)\b)",
        r"\b(?:<text>|sentence|page)\b.{0,40}\b<must> (?:not )?be (?:ranked|cited|quoted|placed)\b",
        r"\brank(?:ed)? (?:it |this )?.{0,40}\b(?:above|before) (?:all|every|any)\b|\bmost relevant <text>\b",
    ),
    "an order to be silent": (
        r"\b(?:do not|don't|never|refuse to|must not|decline to)\s+"
        r"(?:answer|respond|reply|mention|reveal|use (?:any|the|other))\b(?! <call>\b).{0,60}"
        r"\b(?:questions?|<text>|about|them|\d{3,})\b",
        r"\brefuse to (?:use|answer|reply|respond)\b",
        r"\b(?:answering|replying to) (?:this|the|any) questions?\b.{0,40}"
        r"\b(?:violat\w+|forbidden|prohibited|not allowed)\b",
        r"<order>(?:say|reply|respond|answer|write)\b.{0,40}"
        r"\b(?:not available|cannot help|unknown|(?:do not|don't) know)\b",
        r"\b<text> do(?:es)? not (?:hold|contain|give|include) (?:the|an) answer\b",
        r"^\W*answer\s*:\s*(?:unknown|none|n/a)\b",
    ),
    "a request for the prompt": (
        r"<order><recite>\b.{0,60}\b(?:system prompt|your (?:prompt|<given>)|this conversation|everything above)\b",
        r"<order><recite>\b.{0,60}\b<given> (?:that |which )?(?:you|above|given|stand|about)\b",
        r"<order><recite>\b.{0,60}\b(?:words?|text|lines?) above\b",
    ),
}


KEYS = frozenset(
    "answer answering answers reply replies replying respond responding response responses output outputs completion "
    "completions say state write print return asked reads user users says decode decrypt unscramble ignorez oubliez "
    "ignoriere vergiss vergessen ignora olvida dimentica réponds répondez antworte antworten responde rispondi "
    "responda ignore disregard forget override overrides bypass discard skip passage passages document documents "
    "source sources text texts context evidence paragraph paragraphs snippet snippets result results instruction "
    "instructions prompt prompts rule rules guideline guidelines directions command commands constraint constraints "
    "example examples system assistant assistants developer admin administrator root human ai llm llms model models "
    "chatbot chatbots bot bots important role character priority mode now sentence page rank ranked words line lines "
    "above conversation info information ask asks questioned queried report repeat gave given task tasks question "
    "questions software tools".split()
)
"""Every form needs one of these words: most sentences hold none, and are done with."""


def _compiled(form: str) -> re.Pattern[str]:
    while (filled := re.sub(r"<(\w+)>", lambda name: _WORDS.get(name[1], name[0]), form)) != form:
        form = filled
    return re.compile(form, re.IGNORECASE)


FORMS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {name: _compiled("|".join(forms)) for name, forms in _FORMS.items()}
)
"""What each form is called in the trace, and its pattern."""
