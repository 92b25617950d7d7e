"""Measures datamap-rs beside wanjuan: judge.py DATAMAP_RS WANJUAN WORK, with files in WORK/in. See run.sh.

Both read jsonl.zst and write it. Each runs twice: in the order of its own recipe (datamap-rs cheap rules
first, wanjuan repetition first, as FineWeb does), and in the other's. datamap-rs also writes every dropped
document; `dropped = "all"` makes wanjuan do the same, and is measured apart.
"""

import io
import json
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

ROUNDS = 3

# Steps of configs/all_dressed/all_dressed_config.yaml, without those that need lists of URLs, a model or an id.
QUALITY = [
    ("page_len_filter", {"length_type": "char", "lower_bound": 150, "ignore_punctuation": False}),
    ("page_len_filter", {"length_type": "word", "lower_bound": 50, "upper_bound": 100000}),
    ("word_len_filter", {"lower_bound": 3, "upper_bound": 10}),
    ("symbol_ratio_filter", {"max_symbol_to_word_ratio": 0.1}),
    ("bullet_filter", {"max_bullet_ratio": 0.9}),
    ("ellipsis_line_ratio_filter", {"max_ratio": 0.3}),
    ("alphabetic_word_ratio_filter", {"max_ratio": 0.2}),
    ("stop_word_filter", {"count_unique": False, "min_stop_word": 2}),
]
REPETITION = [("newline_removal_modifier", {"max_consecutive": 2}), ("massive_web_repetition_filter", {})]
LINES = [
    ("word_count_adder", {}),
    ("ratio_line_modifier", {"upper_bound": 0.5, "check": "uppercase"}),
    ("ratio_line_modifier", {"upper_bound": 0.999999, "check": "numeric"}),
    ("regex_line_modifier", {}),
    ("line_len_modifier", {"lower_bound": 2}),
    ("substring_line_modifier", {"banlist": "items in cart"}),
    ("substring_line_modifier", {"banlist": "Read more...", "location": "suffix"}),
    ("substring_line_modifier", {"banlist": "Sign-in", "location": "prefix"}),
    ("word_removal_ratio_filter", {"upper_bound": 0.05}),
    ("newline_removal_modifier", {"max_consecutive": 2}),
]


def main():
    peer, ours, work = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    documents, size = corpus(work / "in")
    print(f"{documents:,} documents, {size / 1e6:.1f} MB of text; one thread, best of {ROUNDS}")
    for order in ["repetition first", "quality first"]:
        theirs = 0.0
        for name, run in [
            ("datamap-rs", datamap(peer, work, order)),
            ("wanjuan", wanjuan(ours, work, order, "none")),
            ("wanjuan, dropped ones too", wanjuan(ours, work, order, "all")),
        ]:
            seconds, kept = measured(*run)
            theirs = seconds if name == "datamap-rs" else theirs
            rate, times = size / 1e6 / seconds, theirs / seconds
            print(f"{order:<17} {name:<26} {rate:>6.1f} MB per CPU-second {kept:>8,} kept {times:>6.1f} times")


def corpus(folder):
    documents = size = 0
    for file in sorted(folder.iterdir()):
        lines = subprocess.run(["zstd", "-dcq", str(file.resolve())], stdout=subprocess.PIPE, check=True).stdout
        for line in io.BytesIO(lines):
            documents += 1
            size += len(json.loads(line)["text"].encode())
    return documents, size


def datamap(binary, work, order):
    steps = {"repetition first": REPETITION + QUALITY, "quality first": QUALITY + REPETITION}[order] + LINES
    config = {"name": "filters", "pipeline": [{"name": name, "kwargs": settings} for name, settings in steps]}
    (work / "datamap.json").write_text(json.dumps(config))
    out = work / "datamap"
    command = [binary, "--threads", "1", "map", "--input-dir", work / "in", "--output-dir", out]
    return [*command, "--config", work / "datamap.json"], out, r"(\d+) docs survived"


def wanjuan(binary, work, order, dropped):
    out = work / "wanjuan"
    gopher = ["gopher_repetition", "gopher_quality"]
    steps = gopher[:: 1 if order == "repetition first" else -1] + ["c4_lines@fineweb", "fineweb_quality"]
    pipeline = f'[pipeline]\nname = "filters"\noutput = "{out}"\nseed = 1\ndropped = "{dropped}"\n'
    pipeline += f'[[source]]\nname = "corpus"\nuse = "jsonl"\npaths = ["{work}/in/*.jsonl.zst"]\n'
    for step in steps:
        use, _, profile = step.partition("@")
        pipeline += f'[[step]]\nuse = "{use}"\n' + (f'profile = "{profile}"\n' if profile else "")
    pipeline += '[[sink]]\nname = "clean"\nuse = "jsonl"\n'
    file = work / f"{dropped}.toml"
    file.write_text(pipeline)
    return [binary, "run", "--threads", "1", file], out, r"(?m)^clean +([\d,]+) documents"


def measured(command, out, kept):
    """User and system seconds, the fewest of all rounds, and how many documents came out."""
    best = float("inf")
    for _ in range(ROUNDS):
        shutil.rmtree(out, ignore_errors=True)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            sys.exit(f"{command[0]}: exit {done.returncode}\n{done.stderr}")
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best, int(re.search(kept, done.stdout)[1].replace(",", ""))


main()
