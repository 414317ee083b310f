"""`hopcite doctor`: every configured part, proven by a real call."""

from __future__ import annotations

import asyncio

import typer

from hopcite.settings_layers import load_settings
from ui.terminal import AsJson, StatusLine, print_json, print_line


def doctor(as_json: AsJson = False) -> None:
    """Check every configured part for real and name the fix for each that fails. Exit status 3 when one does."""
    settings = load_settings().settings
    from ui.checks import check_all

    with StatusLine() as status:
        findings = asyncio.run(check_all(settings, on_start=lambda part: status.set(f"Checking {part}…")))
    good = all(finding.ok for finding in findings)
    if as_json:
        print_json({"ok": good, "checks": [finding.as_dict() for finding in findings]})
    else:
        for finding in findings:
            print_line(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.part:<12} {finding.detail}")
            if finding.fix:
                print_line(f"{'':<19}{finding.fix}")
    if not good:
        raise typer.Exit(3)
