"""Measures datamap-rs beside wanjuan: judge.py DATAMAP_RS WANJUAN WORK, with files in WORK/in. See run.sh.

Both read jsonl.zst and write it. First the rules of Gopher alone, by settings that mean the same: verdicts
are compared document by document, and differences written to WORK/differ. Then each tool's own recipe,
in its own order (datamap-rs cheap rules first, wanjuan repetition first, as FineWeb does) and in the
other's. datamap-rs also writes every dropped document; `dropped = "all"` makes wanjuan do the same, and
is measured apart.
"""

import io
import json
import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

ROUNDS = int(os.environ.get("ROUNDS", "3"))

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
SAME = ["gopher_quality@olmo3", "gopher_repetition@olmo3"]
FINEWEB = ["c4_lines@fineweb", "fineweb_quality"]


def main():
    peer, ours, work = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    documents, size = corpus(work / "in")
    if golden := os.environ.get("GOLDEN"):
        return write_golden(peer, work, documents, Path(golden))
    print(f"{len(documents):,} documents, {size / 1e6:.1f} MB of text; one thread, best of {ROUNDS}")
    agree(peer, ours, work, documents)
    gopher = ["gopher_repetition", "gopher_quality"]
    for what, theirs, mine in [
        ("same settings", QUALITY + REPETITION, SAME),
        ("recipes, repetition first", REPETITION + QUALITY + LINES, gopher + FINEWEB),
        ("recipes, quality first", QUALITY + REPETITION + LINES, gopher[::-1] + FINEWEB),
    ]:
        compare(what, size, datamap(peer, work, theirs), [
            ("wanjuan", wanjuan(ours, work, mine, "none")),
            ("wanjuan, dropped ones too", wanjuan(ours, work, mine, "all")),
        ])


def compare(what, size, theirs, mine):
    """Rounds take turns, so that what else runs on the machine falls on all alike."""
    runs = [("datamap-rs", theirs), *mine]
    best, kept = [float("inf")] * len(runs), [0] * len(runs)
    for _ in range(ROUNDS):
        for number, (_, run) in enumerate(runs):
            seconds, kept[number] = measured(*run)
            best[number] = min(best[number], seconds)
    for (name, _), seconds, kept in zip(runs, best, kept):
        rate, times = size / 1e6 / seconds, best[0] / seconds
        print(f"{what:<26} {name:<26} {rate:>6.1f} MB per CPU-second {kept:>8,} kept {times:>6.1f} times")


def corpus(folder):
    """Texts by id; ids of a file are made anew, so that none occurs twice."""
    documents, size = {}, 0
    for file in sorted(folder.iterdir()):
        lines = subprocess.run(["zstd", "-dcq", file], stdout=subprocess.PIPE, check=True).stdout
        rows = []
        for line in io.BytesIO(lines):
            row = json.loads(line)
            row["id"] = str(len(documents))
            documents[row["id"]] = row["text"]
            size += len(row["text"].encode())
            rows.append(json.dumps(row, ensure_ascii=False))
        subprocess.run(["zstd", "-qf", "-", "-o", file], input=("\n".join(rows) + "\n").encode(), check=True)
    return documents, size


def agree(peer, ours, work, documents):
    with open(work / "differ", "w") as differ:
        for step, theirs in zip(SAME, [QUALITY, REPETITION]):
            measured(*datamap(peer, work, theirs))
            kept = ids(work / "datamap" / "step_final")
            measured(*wanjuan(ours, work, [step], "none"))
            differing = sorted(kept ^ ids(work / "wanjuan" / "clean"), key=int)
            equal = len(documents) - len(differing)
            print(f"{step:<26} {equal:,} of {len(documents):,} verdicts equal ({100 * equal / len(documents):.2f} %)")
            for id in differing:
                whose = "datamap-rs" if id in kept else "wanjuan"
                differ.write(json.dumps({"step": step, "kept_by": whose, "text": documents[id]}, ensure_ascii=False) + "\n")
    if folder := os.environ.get("DIFFER"):
        shutil.copy(work / "differ", folder)


def write_golden(peer, work, documents, folder):
    for step, theirs in zip(SAME, [QUALITY, REPETITION]):
        measured(*datamap(peer, work, theirs))
        kept = ids(work / "datamap" / "step_final")
        first = list(documents)[: int(os.environ["FIRST"])]
        (folder / f"{step}.txt").write_text("".join("k" if id in kept else "d" for id in first) + "\n")


def ids(folder):
    found = set()
    for file in folder.rglob("*.jsonl*"):
        lines = subprocess.run(["zstd", "-dcq", file], stdout=subprocess.PIPE, check=True).stdout
        found |= {json.loads(line)["id"] for line in io.BytesIO(lines)}
    return found


def datamap(binary, work, steps):
    config = {"name": "filters", "pipeline": [{"name": name, "kwargs": settings} for name, settings in steps]}
    file = work / f"datamap-{len(steps)}-{steps[0][0]}.json"
    file.write_text(json.dumps(config))
    out = work / "datamap"
    command = [binary, "--threads", "1", "map", "--input-dir", work / "in", "--output-dir", out, "--config", file]
    return command, out, r"(\d+) docs survived"


def wanjuan(binary, work, steps, dropped):
    out = work / "wanjuan"
    pipeline = f'[pipeline]\nname = "filters"\noutput = "{out}"\nseed = 1\ndropped = "{dropped}"\n'
    pipeline += f'[[source]]\nname = "corpus"\nuse = "jsonl"\npaths = ["{work}/in/*.jsonl.zst"]\n'
    for step in steps:
        use, _, profile = step.partition("@")
        pipeline += f'[[step]]\nuse = "{use}"\n' + (f'profile = "{profile}"\n' if profile else "")
    pipeline += '[[sink]]\nname = "clean"\nuse = "jsonl"\n'
    file = work / f"{'-'.join(steps)}-{dropped}.toml"
    file.write_text(pipeline)
    return [binary, "run", "--threads", "1", file], out, r"(?m)^clean +([\d,]+) documents"


def measured(command, out, kept):
    """User and system seconds, and how many documents came out."""
    shutil.rmtree(out, ignore_errors=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{command[0]}: exit {done.returncode}\n{done.stderr}")
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, int(re.search(kept, done.stdout)[1].replace(",", ""))


main()
