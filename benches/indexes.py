"""A new crawl cleaned against the index of an old one, beside one run over both.

    benches/indexes.py WANJUAN COPIES OLD.jsonl.zst... NEW.jsonl.zst

The old crawl is as many copies of its files, each with every third word changed, so that copies are no duplicates of
each other. Prints CPU-seconds of whole runs, and what an index takes for each document.
"""

import json, os, pathlib, resource, subprocess, sys, tempfile

wanjuan, copies, *files = sys.argv[1:]
folder = pathlib.Path(tempfile.mkdtemp(prefix="indexes-"))


def lines(path):
    with subprocess.Popen(["zstdcat", path], stdout=subprocess.PIPE, text=True) as cat:
        for line in cat.stdout:
            row = json.loads(line)
            yield row.get("text") or "", row.get("id")


def write(name, rows):
    count = size = 0
    with subprocess.Popen(["zstd", "-q", "-3", "-o", folder / name], stdin=subprocess.PIPE, text=True) as out:
        for text, id in rows:
            out.stdin.write(json.dumps({"text": text, "id": id}, ensure_ascii=False) + "\n")
            count, size = count + 1, size + len(text.encode())
        out.stdin.close()
    return count, size


def changed(copy):
    for path in files[:-1]:
        for text, id in lines(path):
            words = text.split(" ")
            if len(words) < len(text) / 20:  # without spaces
                words = [text[at : at + 12] for at in range(0, len(text), 12)]
            words[::3] = [f"{word}{copy}" if copy else word for word in words[::3]]
            yield " ".join(words), f"{id}-{copy}"


def run(name, paths, step):
    text = f'[pipeline]\nname = "{name}"\noutput = "{name}"\n[[source]]\nuse = "jsonl"\npaths = {json.dumps(paths)}\n'
    (folder / f"{name}.toml").write_text(text + f'[[step]]\n{step}\n[[sink]]\nname = "clean"\nuse = "jsonl"\n')
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([wanjuan, "run", folder / f"{name}.toml", "--threads", "1"], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


old = [write(f"old-{copy:02}.jsonl.zst", changed(copy)) for copy in range(int(copies))]
new = write("new.jsonl.zst", lines(files[-1]))
told = lambda many: f"{sum(n for n, _ in many):,} documents, {sum(size for _, size in many) / 1e6:.0f} MB"
print(f"old {told(old)}; new {told([new])}")
olds = [f"old-{copy:02}.jsonl.zst" for copy in range(int(copies))]
for kind, step in [
    ("text", 'use = "exact_duplicates"'),
    ("none", 'use = "minhash"\nverify = "none"'),
    ("signature", 'use = "minhash"\nverify = "signature"'),
    ("jaccard", 'use = "minhash"'),
]:
    alone = run(f"{kind}-plain", olds, step)
    writes = run(f"{kind}-old", olds, f'{step}\nindex = "{kind}"')
    clean = run(f"{kind}-new", ["new.jsonl.zst"], f'{step}\nagainst = ["{kind}"]')
    by_itself = run(f"{kind}-itself", ["new.jsonl.zst"], step)
    both = run(f"{kind}-both", olds + ["new.jsonl.zst"], step)
    index = json.loads((folder / kind / "_manifest.json").read_text())
    size = sum(file.stat().st_size for file in (folder / kind).iterdir())
    print(
        f"{kind:<10} new against the index {clean:.2f} s ({by_itself:.2f} without one), both read again {both:.2f} s; "
        f"the old alone {alone:.2f} s, {writes:.2f} with its index; {size / index['documents']:.0f} bytes a document"
    )
    for part in ["plain", "old", "new", "itself", "both"]:
        subprocess.run(["rm", "-r", folder / f"{kind}-{part}"], check=True)
subprocess.run(["rm", "-r", folder], check=True)
