#!/usr/bin/python3
"""coverage_table.py: llvm-cov's summary of each file as a table of rooms."""

import json
import os
import sys

TOP = os.getcwd() + "/"


def main():
    rooms = {}
    for file in json.load(sys.stdin)["data"][0]["files"]:
        name = file["filename"]
        name = name[len(TOP):] if name.startswith(TOP) else name
        room = os.path.dirname(name) or "(top)"
        if room.startswith("tests"):
            continue
        sums = rooms.setdefault(room, [0, 0, 0, 0])
        for i, kind in enumerate(("lines", "functions")):
            sums[2 * i] += file["summary"][kind]["covered"]
            sums[2 * i + 1] += file["summary"][kind]["count"]
    rooms["all"] = [sum(column) for column in zip(*rooms.values())]
    print("%-10s %18s %20s" % ("", "lines", "functions"))
    for room, (lines, of, functions, of_functions) in rooms.items():
        print("%-10s %5d of %5d %3d %%  %5d of %5d %3d %%" % (
            room, lines, of, 100 * lines / of, functions, of_functions,
            100 * functions / of_functions))


if __name__ == "__main__":
    main()
