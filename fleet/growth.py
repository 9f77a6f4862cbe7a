"""Plots what growth.sh measured: `python3 growth.py growth.tsv growth.svg`. CPU seconds by hosts, both axes logarithmic."""

import math
import sys

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 760, 440, 70, 30, 190, 60
COLOURS = ["#1b6ca8", "#c0392b", "#27824a", "#8e5aa8", "#b9770e", "#16808a", "#7f3b2b", "#555555", "#2c3e90", "#a03a74"]


def main(table, picture):
    series = {}
    for line in open(table, encoding="utf-8"):
        hosts, what, cpu = line.rstrip("\n").split("\t")[:3]
        series.setdefault(what, []).append((int(hosts), max(float(cpu), 0.01)))
    xs = sorted({x for points in series.values() for x, _ in points})
    ys = [y for points in series.values() for _, y in points]
    low, high = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))
    from_x, to_x = math.log10(xs[0]), math.log10(xs[-1])

    def at(x, y):
        across = (math.log10(x) - from_x) / (to_x - from_x)
        up = (math.log10(y) - low) / (high - low)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="18" font-weight="bold">CPU seconds by hosts, 1,000 events a host</text>',
    ]
    for power in range(low, high + 1):
        x, y = at(xs[0], 10**power)
        out.append(f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#dddddd"/>')
        out.append(f'<text x="{x - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{10**power:g} s</text>')
    for x in xs:
        across, _ = at(x, 10**low)
        out.append(f'<line x1="{across:.1f}" y1="{TOP}" x2="{across:.1f}" y2="{HEIGHT - BOTTOM}" stroke="#dddddd"/>')
        out.append(f'<text x="{across:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{x:,}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 15}" text-anchor="middle">hosts</text>')
    ends = sorted((points[-1][1], what) for what, points in series.items())
    last = None
    for number, (_, what) in enumerate(ends):
        points = sorted(series[what])
        colour = COLOURS[number % len(COLOURS)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in points))
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for x, y in (at(*point) for point in points):
            out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
        x, y = at(*points[-1])
        # Names stand above each other where lines end close together.
        y = y if last is None else min(y, last - 15)
        last = y
        out.append(f'<text x="{x + 10:.1f}" y="{y + 4:.1f}" fill="{colour}">{what} ({points[-1][1]:g} s)</text>')
    out.append("</svg>")
    with open(picture, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
