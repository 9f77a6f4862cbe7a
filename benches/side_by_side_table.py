"""The table of side_by_side.sh: wall times as ratios to sha256sum's, round by round."""
import glob
import json
import os
import statistics
import sys

times, work, workloads = sys.argv[1], sys.argv[2], sys.argv[3:]


def wall(workload, number):
    """Seconds of each round that ran to its end, by round."""
    found = {}
    for path in glob.glob(f"{times}/{workload}.{number}.[0-9]*"):
        # A command that failed leaves an empty file.
        if os.path.getsize(path):
            with open(path) as file:
                found[path.rsplit(".", 1)[1]] = json.load(file)["results"][0]["times"][0]
    return found


print("| workload | command | wall / `sha256sum`, median (least to most) | wall, s | CPU, s | peak memory |")
print("| --- | --- | --- | --- | --- | --- |")
for workload in workloads:
    with open(f"{work}/{workload}.files", "rb") as file:
        paths = [path for path in file.read().split(b"\0") if path]
    size = sum(os.path.getsize(path) for path in paths)
    names = {}
    for path in glob.glob(f"{times}/{workload}.*.name"):
        with open(path) as file:
            names[int(path.split(".")[-2])] = file.read().strip()
    hashed = next(wall(workload, number) for number, name in names.items() if name == "sha256sum")
    for number, name in sorted(names.items()):
        taken = wall(workload, number)
        ratios = [taken[one] / hashed[one] for one in taken if one in hashed]
        if not ratios:
            continue
        with open(f"{times}/{workload}.{number}.memory") as file:
            user, system, memory = file.read().split()[-3:]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        title = f"{workload}, {size / 1e6:.0f} MB in {len(paths)} files"
        median = statistics.median(taken.values())
        print(f"| {title} | {name} | {spread} | {median:.2f} | {float(user) + float(system):.2f} | {int(memory) / 1024:.0f} MB |")
