"""Where a model in this process computes."""

from __future__ import annotations

from hopcite.errors import SettingsError


def usable_device(wanted: str, *, setting: str) -> str:
    """Torch's name for the device; for auto, CUDA where there is one. `SettingsError` names the `setting` to change."""
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=wanted)
    except (RuntimeError, AssertionError, NotImplementedError) as exc:
        said = str(exc).splitlines()[0]
        raise SettingsError(f"{setting} {wanted!r} cannot be used here ({said}); set auto or cpu.") from exc
    return wanted
