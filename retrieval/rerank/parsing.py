"""From what a model wrote to passages: whatever it wrote, the result can be used, and how much was mended is known."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hopcite.wire_openai import ThinkingFilter

_BRACKETED = re.compile(r"\[([0-9\s,;>]+)\]")  # one number, or a list of them
_BARE = re.compile(r"[0-9]+")
_ANSWER = re.compile(r"<answer>(.*?)(?:</answer>|$)", re.DOTALL | re.IGNORECASE)
_MOST_DIGITS = 6  # no list is longer, and converting thousands of digits is an error in Python


@dataclass(frozen=True, slots=True)
class Named:
    """The passages that a reply names, counted from 0, each once, in the reply's order; and what was left out."""

    places: tuple[int, ...]
    foreign: int
    """Numbers that are no passage's."""
    repeated: int


def answer(reply: str) -> str:
    """What stands in a reply's `<answer>` or, without one, after what the model thinks aloud.

    Some servers leave out the `<think>` with which their prompt begins the reply; thinking without an end is no answer.
    """
    text = ThinkingFilter().feed(reply, last=True).rpartition("</think>")[2]
    answers = _ANSWER.findall(text)
    return answers[-1] if answers else text


def named(reply: str, n: int) -> Named:
    """The numbers 1 to n in the answer of a reply: those in brackets or, where there are none, all of them."""
    text = answer(reply)
    numbers = _BARE.findall(" ".join(_BRACKETED.findall(text))) or _BARE.findall(text)
    places = [int(number) - 1 if len(number) <= _MOST_DIGITS else -1 for number in numbers]
    inside = [place for place in places if 0 <= place < n]
    once = tuple(dict.fromkeys(inside))
    return Named(once, foreign=len(places) - len(inside), repeated=len(inside) - len(once))


def grade(reply: str, *, highest: int) -> int | None:
    """The first number in the answer of a reply, if it is on the scale from 0."""
    found = _BARE.search(answer(reply))
    if found is None or len(found[0]) > _MOST_DIGITS:
        return None
    return int(found[0]) if int(found[0]) <= highest else None


def completed(first: Iterable[int], every: Iterable[int]) -> list[int]:
    """`first`, then those of `every` that are not among them, in their order."""
    ahead = dict.fromkeys(first)
    return [*ahead, *(one for one in every if one not in ahead)]
