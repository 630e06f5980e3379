# SPDX-License-Identifier: MIT
"""Charts of a run, as SVG: drawn from its JSON, readable on light and on dark ground."""

import html
import math
import os

WIDTH, LEFT, RIGHT, ROW = 760, 236, 90, 34
STYLE = """
  .ground { fill: #ffffff; }
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .small { font-size: 11px; fill: #57606a; }
  .title { font-size: 15px; font-weight: 600; }
  .grid { stroke: #d0d7de; }
  .bus { fill: #0969da; stroke: #0969da; }
  .floor { fill: #6e7781; stroke: #6e7781; }
  .peer { fill: #bc4c00; stroke: #bc4c00; }
  .hollow { fill-opacity: 0.25; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; }
    text { fill: #e6edf3; }
    .small { fill: #9198a1; }
    .grid { stroke: #3d444d; }
    .bus { fill: #58a6ff; stroke: #58a6ff; }
    .floor { fill: #9198a1; stroke: #9198a1; }
    .peer { fill: #f0883e; stroke: #f0883e; }
  }
"""


def text(x, y, words, kind="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{html.escape(words)}</text>'


def line(x1, y1, x2, y2, kind, width=1):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}" stroke-width="{width}"/>')


def kind_of(name):
    return {"logbus": "bus", "floor": "floor"}.get(name, "peer")


def document(title, subtitle, rows, body, caption):
    """`body` draws below the titles, which take 56; the axis and the caption take 60 below the rows."""
    height = 56 + rows * ROW + 60
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'role="img" aria-label="{html.escape(title)}">',
        # A ground of its own: not every viewer knows the media query, and then dark words would stand on dark.
        f"<style>{STYLE}</style>", f'<rect width="{WIDTH}" height="{height}" rx="6" class="ground"/>', text(8, 20, title, "title"), text(8, 38, subtitle, "small"), *body,
        text(8, height - 8, caption, "small"), "</svg>", ""])


def duration(ns):
    for unit, of_it in (("ns", 1), ("us", 1e3), ("ms", 1e6)):
        if ns < 1000 * of_it:
            break
    return f"{ns / of_it:.{0 if of_it == 1 else 1}f}".removesuffix(".0") + f" {unit}"


def latency(found, caption):
    """One row a program: a line from p50 to p99.9 of single calls, on a logarithmic scale."""
    rows = [(name, peer["call"]["single"]) for name, peer in found.items() if "call" in peer]
    rows.sort(key=lambda row: row[1]["p50"])
    low = math.floor(math.log10(min(max(of["p50"], 1) for _, of in rows)))
    high = math.ceil(math.log10(max(of["p999"] for _, of in rows)))
    at = lambda ns: LEFT + (math.log10(max(ns, 10**low)) - low) / (high - low) * (WIDTH - LEFT - RIGHT)
    bottom = 56 + len(rows) * ROW
    body = []
    for power in range(low, high + 1):
        body += [line(at(10**power), 48, at(10**power), bottom, "grid"),
                 text(at(10**power), bottom + 18, duration(10**power), "small", "middle")]
    for i, (name, of) in enumerate(rows):
        y, kind = 56 + i * ROW + ROW / 2, kind_of(name)
        body += [text(LEFT - 14, y + 4, name, anchor="end"), line(at(of["p50"]), y, at(of["p999"]), y, kind, 2)]
        for p, radius in (("p50", 6), ("p90", 3), ("p99", 3), ("p999", 3)):
            body.append(f'<circle cx="{at(of[p]):.1f}" cy="{y:.1f}" r="{radius}" class="{kind}"/>')
        body += [text(at(of["p50"]), y - 9, duration(of["p50"]), "small", "middle"),
                 text(at(of["p999"]) + 8, y + 4, duration(of["p999"]), "small")]
    return document("What a log call costs its caller",
                    "int + int + double, bursts of 20, 2 ms pauses; each call timed; dots: p50 (large), p90, p99, p99.9",
                    len(rows), body, caption)


def throughput(found, caption):
    """One bar a program."""
    kinds = (("lines_per_s", ""), ("messages_per_s", " (no text)"), ("events_per_s", " (no text)"))
    rows = [(name, name + note, peer[kind]) for name, peer in found.items() for kind, note in kinds if kind in peer]
    rows.sort(key=lambda row: -row[2])
    longest = max(rate for *_, rate in rows)
    body = []
    for i, (name, label, rate) in enumerate(rows):
        y, width = 56 + i * ROW, rate / longest * (WIDTH - LEFT - RIGHT)
        body += [text(LEFT - 14, y + ROW / 2 + 4, label, anchor="end"),
                 f'<rect x="{LEFT}" y="{y + 6}" width="{width:.1f}" height="{ROW - 12}" rx="2" '
                 f'class="{kind_of(name)}{" hollow" if label != name else ""}"/>',
                 text(LEFT + width + 8, y + ROW / 2 + 4, f"{rate / 1e6:.2f} M/s")]
    return document("From one process to a file, lines a second",
                    "from the first call to the last line in the file; paler: messages or events that nobody makes text of",
                    len(rows), body, caption)


def draw(results, folder):
    """Writes latency.svg and throughput.svg; gives their paths."""
    machine, found = results["machine"], results["groups"]["peers"]["details"]
    caption = f"{machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}, {machine['date']}"
    os.makedirs(folder, exist_ok=True)
    paths = []
    for name, chart in (("latency.svg", latency), ("throughput.svg", throughput)):
        paths.append(os.path.join(folder, name))
        with open(paths[-1], "w") as file:
            file.write(chart(found, caption))
    return paths
