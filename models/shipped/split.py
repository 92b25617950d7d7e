"""Writes what the scorers of quality and fluency learn and are measured on: `split.py RAW LABELLED OUT`.

A fifth of quality_{en,zh}.jsonl.zst (LABELLED), by crc32 of the id, is held out: OUT/quality-LANG.test.jsonl; the rest is
OUT/quality-LANG.train.jsonl. The good ones of both are OUT/clean-LANG.{test,train}.jsonl, and the latter has also pieces of
the good documents of RAW, of 1,000 characters and a bit, of any document that holds nothing of a held-out text (40
characters of its first quarter's or its middle's end, as chars.py has it). Needs PyPI zstandard.
"""
import glob, io, json, os, sys, zlib
import zstandard

PIECES = 6000


def rows(path):
    with open(path, "rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf8"):
            yield json.loads(line)


def write(name, texts):
    with open(os.path.join(folder, name + ".jsonl"), "w", encoding="utf8") as file:
        for text, label in texts:
            file.write(json.dumps({"text": text, "label": label, "lang": lang}, ensure_ascii=False) + "\n")


def pieces(text):
    piece = ""
    for line in text.split("\n"):
        piece += line[:3000] + "\n"
        if len(piece) >= 1000:
            yield piece
            piece = ""
    if len(piece) >= 200:
        yield piece


raw, labelled, folder = sys.argv[1:4]
documents = [row for path in sorted(glob.glob(os.path.join(raw, "raw-*.jsonl.zst"))) for row in rows(path)]
for lang in ("en", "zh"):
    all_rows = list(rows(os.path.join(labelled, f"quality_{lang}.jsonl.zst")))
    held = [zlib.crc32(row["id"].encode()) % 5 == 0 for row in all_rows]
    test = [(row["text"], row["label"]) for row, out in zip(all_rows, held) if out]
    said = {text for text, _ in test}
    train = [(row["text"], row["label"]) for row, out in zip(all_rows, held) if not out and row["text"] not in said]
    parts = {text[len(text) // at :][:40] for text, label in test if label == "high" for at in (4, 2)}
    more = []
    for row in documents:
        good = not row["kind"].startswith("junk") and row["kind"] != "spam"
        if row["lang"] == lang and good and not any(part in row["text"] for part in parts):
            more += list(pieces(row["text"]))
    more.sort(key=lambda piece: zlib.crc32(piece.encode()))
    good = lambda texts: [(text, "clean") for text, label in texts if label == "high"]
    write(f"quality-{lang}.test", test)
    write(f"quality-{lang}.train", train)
    write(f"clean-{lang}.test", good(test))
    write(f"clean-{lang}.train", good(train) + [(piece, "clean") for piece in more[:PIECES]])
