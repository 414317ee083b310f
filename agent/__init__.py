"""Question to cited answer."""

from agent.answer import answer_question
from agent.context import AnswerOptions, Deps, StageEvent, open_deps

__all__ = ["AnswerOptions", "Deps", "StageEvent", "answer_question", "open_deps"]
