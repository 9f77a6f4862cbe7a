#!/usr/bin/env python3
"""2,000 small files, 50 MB: copies of the incidents' files, cut to windows of records and varied by a seed.

usage: make_small.py INCIDENTS OUT [--files 2000] [--mb 50] [--seed 1]
"""
import argparse, json, os, random, re, struct

def lines_window(data, size, rng):
    lines = data.splitlines(keepends=True)
    if sum(map(len, lines)) <= size:
        return data
    start = rng.randrange(max(1, len(lines) * max(1, len(data) - size) // len(data)))
    out, total = [], 0
    for line in lines[start:]:
        if total + len(line) > size and out:
            break
        out.append(line)
        total += len(line)
    return b"".join(out)

def capture_window(data, size, rng):
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack_from(order + "I", data, at + 8)[0]
        if at + 16 + length > min(size, len(data)):
            break
        at += 16 + length
    return data[:at]

def cut(path, data, size, rng):
    name = os.path.basename(path)
    if "pcap" in name:
        return capture_window(data, size, rng)
    if name.startswith(("wtmp", "btmp")):
        count = max(1, size // 384)
        start = rng.randrange(max(1, len(data) // 384 - count))
        return data[start * 384:(start + count) * 384]
    if name.endswith("inspect.json"):
        items = json.loads(data)
        rng.shuffle(items)
        out, total = [], 0
        for item in items:
            total += len(json.dumps(item, indent=4))
            if total > size and out:
                break
            out.append(item)
        return json.dumps(out, indent=4).encode() + b"\n"
    if name.endswith(".json") and not name.endswith("-json.log"):
        return data
    if re.match(rb"[A-Z ]+\n", data[:200]) or len(data) <= size:
        return data
    if name.endswith(".txt"):
        head, _, rest = data.partition(b"\n")
        return head + b"\n" + lines_window(rest, size, rng)
    return lines_window(data, size, rng)

def main():
    p = argparse.ArgumentParser()
    p.add_argument("incidents"); p.add_argument("out")
    p.add_argument("--files", type=int, default=2000)
    p.add_argument("--mb", type=float, default=50)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    rng = random.Random(a.seed)
    sources = []
    for incident in sorted(os.listdir(a.incidents)):
        root = os.path.join(a.incidents, incident)
        if not os.path.isdir(root):
            continue
        found = []
        for folder, _, names in sorted(os.walk(root)):
            for name in sorted(names):
                path = os.path.join(folder, name)
                inside = os.path.relpath(path, root)
                if name != "case.toml" and name != "iocs.txt":
                    found.append((inside, open(path, "rb").read()))
        sources.append((incident, found))
    hosts = set()
    for _, found in sources:
        hosts |= {inside.split("/")[0] for inside, _ in found if "/" in inside}
    left, total, number = a.files, a.mb * 1e6, 0
    while left > 0:
        incident, found = sources[number % len(sources)]
        suffix = "-%03d" % number
        shift = rng.randrange(1, 200)
        for inside, data in found:
            if left == 0:
                break
            mean = total / left
            size = min(len(data), int(rng.uniform(0.2, 3.8) * mean))
            piece = cut(inside, data, max(size, 256), rng)
            if b"\0" not in piece:
                piece = re.sub(rb"\b10\.(\d+)\.(\d+)\.(\d+)\b",
                    lambda m: b"10.%d.%s.%s" % ((int(m[1]) + shift) % 256, m[2], m[3]), piece)
                for host in sorted(hosts, key=len, reverse=True):
                    piece = piece.replace(host.encode(), (host + suffix).encode())
            top, slash, rest = inside.partition("/")
            place = top + suffix + slash + rest if slash else "cluster" + suffix + "/" + inside
            target = os.path.join(a.out, place)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as f:
                f.write(piece)
            left -= 1
            total -= len(piece)
        number += 1
    print("files", a.files, "seed", a.seed, "bytes", int(a.mb * 1e6 - total))

main()
