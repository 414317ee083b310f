"""The picture of a rerank bench: well formed, every method a point at its seconds."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from evals import render_plot

SVG = "{http://www.w3.org/2000/svg}"


def row(method: str, mean: float, seconds: float) -> dict[str, object]:
    interval = {"mean": mean, "low": mean - 0.1, "high": mean + 0.1}
    return {"method": method, "ndcg@10": mean, "seconds": seconds, "intervals": {"ndcg@10": interval}}


def test_every_method_is_a_point_and_a_line_of_the_legend() -> None:
    names = ["none", "letters+fused", "<odd>", *(f"m{n}" for n in range(20))]
    svg = ET.fromstring(render_plot([row(name, 0.5, 0.1 * number) for number, name in enumerate(names)]))
    titles = [title.text for title in svg.iter(f"{SVG}title")]
    assert titles == names
    assert [text.text for text in svg.iter(f"{SVG}text")][-len(names) :] == names
    height = float(svg.attrib["height"])
    assert height >= 18 * len(names)


def test_the_faster_stands_to_the_left_and_the_better_above() -> None:
    svg = ET.fromstring(render_plot([row("slow", 0.4, 10.0), row("fast", 0.8, 0.1)]))
    points = {
        group.findtext(f"{SVG}title"): group for group in svg.iter(f"{SVG}g") if group.find(f"{SVG}title") is not None
    }
    slow, fast = (points[name].find(f"{SVG}path") for name in ("slow", "fast"))
    assert slow is not None
    assert fast is not None
    # A whisker's path begins at its point's x and the lower end of its interval: "Mx yL...".
    (slow_x, slow_y), (fast_x, fast_y) = (
        (float(at) for at in path.attrib["d"][1:].split("L")[0].split()) for path in (slow, fast)
    )
    assert fast_x < slow_x
    assert fast_y < slow_y


def test_the_cost_can_be_another() -> None:
    rows = [row("slow", 0.4, 10.0) | {"calls": 1.0}, row("fast", 0.8, 0.1) | {"calls": 20.0}]
    told = ET.tostring(ET.fromstring(render_plot(rows, cost="calls")), encoding="unicode")
    assert "nDCG@10 against calls a query: slow 40.0 at 1.00; fast 80.0 at 20.00" in told


def test_a_bench_without_queries_has_an_empty_plot() -> None:
    ET.fromstring(render_plot([{"method": "none", "seconds": 0.0, "intervals": {}}]))
    ET.fromstring(render_plot([]))
