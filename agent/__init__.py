"""Question to cited answer."""

from agent.answer import answer_question
from agent.context import AnswerOptions, Deps, StageEvent, open_deps
from agent.followup import Exchange
from agent.state import Turn
from agent.threads import THREAD_NAME, Thread, Threads

__all__ = [
    "THREAD_NAME",
    "AnswerOptions",
    "Deps",
    "Exchange",
    "StageEvent",
    "Thread",
    "Threads",
    "Turn",
    "answer_question",
    "open_deps",
]
