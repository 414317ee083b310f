"""How often a follow-up is rewritten right, on docs/follow-ups.jsonl: conversations made up with names of samples/.

    python benchmarks/follow_ups.py [SET ...]        sets: alone, tuned, first, second

A rewritten question is right when it has every phrase of `holds` and none of `lacks`. `tuned` is the set that the
prompt was written with; `first` was new to the first version of prompt and check, `second` to the present one; `alone`
holds questions that lean on nothing, which must cost no call.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from agent.followup import Exchange, leans_on, rewrite_question
from hopcite.budget import Budget
from hopcite.chat import Chat
from hopcite.errors import WorkFailed
from hopcite.openai_chat import open_chat
from hopcite.settings_layers import load_settings

CASES = Path(__file__).parent.parent / "docs" / "follow-ups.jsonl"


async def rewritten(case: dict[str, Any], chat: Chat, budget: Budget) -> str:
    """What would be searched for."""
    question, earlier = case["question"], [Exchange(*said) for said in case["turns"]]
    if not leans_on(question, earlier):
        return str(question)
    try:
        return await rewrite_question(question, earlier, chat=chat, budget=budget)
    except WorkFailed as exc:
        return f"{question} ({exc})"


async def main(wanted: list[str]) -> None:
    """Print every case, and the share of each set."""
    cases = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
    chat = open_chat(load_settings().settings)
    try:
        for name in wanted or sorted({case["set"] for case in cases}):
            chosen = [case for case in cases if case["set"] == name]
            right, budget, started = 0, Budget(), time.monotonic()
            for case in chosen:
                found = await rewritten(case, chat, budget)
                good = all(p.lower() in found.lower() for p in case["holds"])
                good = good and not any(p.lower() in found.lower() for p in case["lacks"])
                right += good
                print("right" if good else "WRONG", "|", case["question"], "->", found)
            seconds = time.monotonic() - started
            print(f"{name}: {right} of {len(chosen)} right, {budget.llm_calls} calls, {seconds:.1f} s\n")
    finally:
        await chat.aclose()


asyncio.run(main(sys.argv[1:]))
