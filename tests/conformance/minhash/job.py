"""The whole job of dropping near-duplicates, beside rensa: `job.py WANJUAN PAIRS.jsonl.zst FILE.jsonl.zst...`.

Reads jsonl.zst, signs, finds duplicates, writes what stays as jsonl.zst at level 1: CPU-seconds of one thread, best of
three; rensa without its imports. The corpus is the FILEs and both texts of each of PAIRS (rows with a, b, and jaccard5,
the exact index of their shingles of five words or CJK characters). Pairs of 0.8 or more are to be found, and no others:
precision and recall count pairs that are found. rensa works on the shingles that jaccard5 is of, cut by a regular
expression, and, as its README does, on words at white space, each text by itself or all in bulk; 128 permutations,
16 bands of 8; a pair is found if a band and 0.8 of its minima agree. wanjuan works with its defaults, and with
`--plain-spool`.
pip: rensa, zstandard.
"""
import io, json, re, resource, shutil, subprocess, sys, tempfile, time
from pathlib import Path

import zstandard
from rensa import RMinHash, RMinHashLSH

wanjuan, pairs, *files = sys.argv[1:]
BANDS, ROWS = 16, 8


def lines(name):
    with open(name, "rb") as file:
        yield from io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8")


CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
UNITS = re.compile(f"[{CJK}]|[^\\s{CJK}]+")


def of_units(text):
    return joined(UNITS.findall(text.lower()))


def of_words(text):
    words = text.lower().split()
    return joined(words if len(text) <= 20 * len(words) else [letter for letter in text if not letter.isspace()])


def joined(words):
    return [" ".join(words[i:i + 5]) for i in range(max(1, len(words) - 4))]


def one_by_one(rows, shingles, index):
    minima, flags = [], []
    for row in rows:
        signed = RMinHash(num_perm=BANDS * ROWS, seed=42)
        signed.update(shingles(json.loads(row)["text"]))
        flags.append(bool(index.query(signed)))
        index.insert(len(minima), signed)
        minima.append(signed)
    return flags, lambda: [signed.digest() for signed in minima]


def in_bulk(rows, shingles, index):
    matrix = RMinHash.digest_matrix_from_token_sets(
        [shingles(json.loads(row)["text"]) for row in rows], num_perm=BANDS * ROWS, seed=42)
    return index.insert_matrix_and_query_duplicate_flags(matrix), matrix.to_rows


def rensa(corpus, out, shingles, sign):
    start = time.process_time()
    rows = list(lines(corpus))
    flags, minima = sign(rows, shingles, RMinHashLSH(threshold=0.8, num_perm=BANDS * ROWS, num_bands=BANDS))
    with open(out, "wb") as file, zstandard.ZstdCompressor(level=1).stream_writer(file) as writer:
        for row, duplicate in zip(rows, flags):
            if not duplicate:
                writer.write(row.encode())
    seconds = time.process_time() - start
    minima = minima()

    def found(one, other):
        one, other = minima[one], minima[other]
        bands = any(one[at:at + ROWS] == other[at:at + ROWS] for at in range(0, BANDS * ROWS, ROWS))
        return bands and sum(map(int.__eq__, one, other)) >= 0.8 * BANDS * ROWS

    return seconds, len(rows) - sum(flags), found


def ours(corpus, out, step, *options):
    text = f"""[pipeline]\nname = "job"\noutput = "{out}"\n[[source]]\nname = "raw"\nuse = "jsonl"\npaths = ["{corpus}"]
[[step]]\nuse = "minhash"\n{step}\n[[sink]]\nname = "clean"\nuse = "jsonl"\nlevel = 1\n"""
    Path(out).with_suffix(".toml").write_text(text)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([wanjuan, "run", "--threads", "1", *options, Path(out).with_suffix(".toml")], capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stderr)
    kept = int(re.search(r"(?m)^clean +([\d,]+) documents", done.stdout)[1].replace(",", ""))
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, kept


def clusters(corpus, out):
    """By document, the one that stays for it."""
    ours(corpus, out, 'action = "mark"')
    rows = [json.loads(line) for file in sorted(Path(out, "clean").glob("*.zst")) for line in lines(file)]
    return [int(row["kept_instead"].rsplit("#", 1)[1]) if row.get("kept_instead") else at for at, row in enumerate(rows)]


with tempfile.TemporaryDirectory() as work:
    corpus, size, gold, number = Path(work, "corpus.jsonl.zst"), 0, [], 0
    with open(corpus, "wb") as file, zstandard.ZstdCompressor(level=3).stream_writer(file) as writer:
        def add(text):
            global size, number
            size += len(text.encode())
            number += 1
            writer.write((json.dumps({"id": str(number), "text": text}, ensure_ascii=False) + "\n").encode())

        for row in map(json.loads, lines(pairs)):
            gold.append((number, number + 1, row["jaccard5"] >= 0.8))
            add(row["a"])
            add(row["b"])
        for name in files:
            for line in lines(name):
                add(json.loads(line)["text"])
    print(f"{number:,} documents, {size / 1e6:.1f} MB; {len(gold)} pairs, {sum(near for *_, near in gold)} of them near")

    def told(name, seconds, kept, found):
        hits = [(found(one, other), near) for one, other, near in gold]
        right = sum(hit and near for hit, near in hits)
        precision, recall = right / max(1, sum(hit for hit, _ in hits)), right / sum(near for _, near in hits)
        print(f"{name:<24} {size / 1e6 / seconds:>6.1f} MB/s  {kept:>7,} kept  precision {precision:.3f} recall {recall:.3f}")

    for name, shingles, sign in [("units", of_units, one_by_one), ("units, in bulk", of_units, in_bulk),
                                 ("words", of_words, one_by_one), ("words, in bulk", of_words, in_bulk)]:
        runs = [rensa(corpus, Path(work, "rensa.zst"), shingles, sign) for _ in range(3)]
        told(f"rensa, {name}", min(run[0] for run in runs), *runs[0][1:])
    labels = clusters(corpus, Path(work, "marked"))
    for options in [[], ["--plain-spool"]]:
        best = []
        for _ in range(3):
            shutil.rmtree(Path(work, "ours"), ignore_errors=True)
            best.append(ours(corpus, Path(work, "ours"), "", *options))
        told(" ".join(["wanjuan", *options]), *min(best), lambda one, other: labels[one] == labels[other])
