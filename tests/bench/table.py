# SPDX-License-Identifier: MIT
"""The table of a run: each figure with its floor or peer of the same run, the ratio, the target, met or missed."""


def number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


class Table:
    """Rows are dicts: what, value, unit; with a yardstick: yardstick, yardstick_name, ratio; with a target: target, met."""

    def __init__(self, rows=()):
        self.rows = list(rows)

    def add(self, what, value, unit, yardstick=None, yardstick_name="", *, at_most=None, at_least=None, less=None,
            limit=None, floor=None, note=""):
        """One figure. Several targets: any of them met is enough, so that a row's target is what an "or" says; what
        has to hold together gets a row each.

        at_most, at_least: a ratio to the yardstick. less: at most that much over the yardstick.
        limit, floor: the figure itself, at most or at least.
        """
        row = {"what": what, "value": value, "unit": unit}
        targets = []
        if yardstick:
            ratio = value / yardstick
            row.update(yardstick=yardstick, yardstick_name=yardstick_name, ratio=ratio)
            targets += [(f"<= {at_most} x", ratio <= at_most)] if at_most is not None else []
            targets += [(f">= {at_least} x", ratio >= at_least)] if at_least is not None else []
            targets += [(f"<= +{less} {unit}", value - yardstick <= less)] if less is not None else []
        targets += [(f"<= {number(limit)} {unit}", value <= limit)] if limit is not None else []
        targets += [(f">= {number(floor)} {unit}", value >= floor)] if floor is not None else []
        if targets:
            row.update(target=" or ".join(text for text, _ in targets), met=any(met for _, met in targets))
        if note:
            row["note"] = note
        self.rows.append(row)
        return row

    def text(self):
        lines = [f"{'':<50} {'measured':>16}  {'yardstick':<30} {'ratio':>8}  target"]
        for row in self.rows:
            yardstick = f"{row['yardstick_name']} {number(row['yardstick'])}" if "yardstick" in row else ""
            ratio = f"{row['ratio']:.2f} x" if "ratio" in row else ""
            target = f"{row['target']:<10} {'met' if row['met'] else 'MISSED'}" if "target" in row else ""
            measured = f"{number(row['value'])} {row['unit']}"
            lines.append(f"{row['what']:<50} {measured:>16}  {yardstick:<30} {ratio:>8}  {target}".rstrip())
        notes = [f"  {row['what'].strip()}: {row['note']}" for row in self.rows if "note" in row]
        return "\n".join(lines + ([""] + notes if notes else []))
