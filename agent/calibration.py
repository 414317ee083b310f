"""From the signals of an answer to its confidence: a logistic function, fitted by `hopcite eval calibrate`.

What was fitted lies as plain numbers in `calibration.json` of the data folder, with the conditions that it was fitted
under. Under any other conditions it says nothing, and the signal itself is the confidence, uncalibrated.

Platt, "Probabilistic Outputs for Support Vector Machines", 1999: a logistic function of a score, here of its logit, so
that a probability that is right already stays what it is (Guo et al., 2017, section 4.2; with an intercept).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.context import AnswerOptions, Deps
from agent.prompts import WRITE_EXAMPLES, WRITE_SYSTEM
from agent.signals import Signals
from hopcite.errors import OperatorError
from hopcite.settings import Settings

FILE = "calibration.json"
Signal = Literal["likelihood", "support"]
Condition = str | int | float | bool | None
# They decide where and how fast, not what is answered.
_OF_NO_ACCOUNT = ("device", "engine")
_EDGE = 0.01
# No fit comes near it; a file that was changed by hand may.
_STEEPEST = 50


class Quality(BaseModel):
    """Of a confidence, over answers known to be right or wrong: `ece` and `brier` in 0..1, `log_loss` in nats."""

    model_config = ConfigDict(frozen=True)

    ece: float
    brier: float
    log_loss: float


class Calibration(BaseModel):
    """What `calibration.json` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1] = 1
    made: str
    """The day, as 2026-01-31."""
    runs: tuple[str, ...]
    """Folders of the runs whose answers it was fitted on."""
    answers: int
    right: int
    measure: str
    """By which an answer is right: `em` or `accuracy`."""
    signal: Signal
    intercept: float = Field(ge=-_STEEPEST, le=_STEEPEST)
    slope: float = Field(ge=0, le=_STEEPEST)
    before: Quality
    after: Quality
    """Of answers that were held out (cross-validation)."""
    conditions: dict[str, Condition]

    @property
    def fingerprint(self) -> str:
        """12 hex digits over all of it."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]

    def confidence(self, signals: Signals) -> float | None:
        """The chance that the answer is right; None where its signal is not known."""
        signal, value = uncalibrated(signals)
        return platt(value, intercept=self.intercept, slope=self.slope) if signal == self.signal else None


def uncalibrated(signals: Signals) -> tuple[Signal, float]:
    """What is told as confidence without a calibration: the short answer's likelihood or, unknown, the support."""
    return ("support", signals.support) if signals.likelihood is None else ("likelihood", signals.likelihood)


def platt(value: float, *, intercept: float, slope: float) -> float:
    """1 / (1 + exp(-(intercept + slope * logit(value)))). Intercept 0 and slope 1 leave all but the extremes alone."""
    return 1 / (1 + math.exp(-(intercept + slope * logit(value))))


def logit(value: float) -> float:
    """Of a value in 0..1, kept away from both ends: one answer may not count without bounds."""
    inside = min(max(value, _EDGE), 1 - _EDGE)
    return math.log(inside / (1 - inside))


def conditions(
    settings: Settings, options: AnswerOptions, *, llm: str, encoder: str, reranker: str
) -> dict[str, Condition]:
    """What decides the meaning of an answer's signals, by name: models, prompt, and what is done with a question.

    Not what a question may cost, nor the collection.
    """
    prompt = json.dumps([WRITE_SYSTEM, WRITE_EXAMPLES]).encode()
    sections = {"chunking": settings.chunking, "search": settings.search, "rerank": settings.rerank}
    return {
        "llm": llm,
        "encoder": encoder,
        "reranker": reranker,
        "prompt": hashlib.sha256(prompt).hexdigest()[:12],
        "llm.context_tokens": settings.llm.context_tokens,
        **{
            f"{section}.{name}": value
            for section, part in sections.items()
            for name, value in part.model_dump(mode="json").items()
            if name not in _OF_NO_ACCOUNT
        },
        "answer.mode": options.mode,
        "answer.evidence": options.evidence,
        "answer.min_share": options.min_share,
        "answer.sure": options.sure,
        "answer.further_evidence": options.further_evidence,
        "answer.max_rounds": options.max_rounds,
        "given passages": options.passages is not None,
        "given documents": options.within is not None,
    }


def conditions_of(deps: Deps, options: AnswerOptions) -> dict[str, Condition]:
    """The conditions under which these parts answer."""
    models = {"llm": deps.chat.model, "encoder": deps.collection.encoder.fingerprint, "reranker": deps.reranker.name}
    return conditions(deps.settings, options, **models)


def read_calibration(data_dir: Path) -> Calibration | None:
    """The calibration of a data folder; None without one. `OperatorError` when the file is broken."""
    path = data_dir / FILE
    try:
        return Calibration.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as exc:
        raise OperatorError(f"{path} cannot be used; delete it, or run `hopcite eval calibrate` again.") from exc


def in_force(data_dir: Path, now: Mapping[str, Condition]) -> tuple[Calibration | None, str]:
    """The calibration that holds under these conditions, and a line that tells which it is, or why there is none."""
    try:
        found = read_calibration(data_dir)
    except OperatorError as exc:
        return None, f"uncalibrated: {exc}"
    if found is None:
        return None, f"uncalibrated: no {FILE} in the data folder; `hopcite eval calibrate RUN` makes one"
    if changed := differences(found.conditions, now):
        return None, f"uncalibrated: {FILE} was fitted under other conditions ({'; '.join(changed)})"
    return found, f"calibrated on {found.answers} answers, {found.made}"


def differences(fitted: Mapping[str, Condition], now: Mapping[str, Condition]) -> list[str]:
    """The conditions that are not the same, as `name: fitted, now other`."""
    names = [name for name in {**fitted, **now} if fitted.get(name) != now.get(name)]
    return [f"{name}: {json.dumps(fitted.get(name))}, now {json.dumps(now.get(name))}" for name in names]
