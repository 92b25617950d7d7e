"""Makes `corpus.dict` and `idf.tsv.zst` beside itself: `parts.py LINES_EN LINES_ZH`, the texts of models/shipped/chars.py.

The dictionary is of zstd, from 6,000 paragraphs of each language. A document of the inverse document frequencies is 20
lines; they are in twentieths of a bit, at most 12 bits. Of units that are as rare as the last that fits,
the first by their letters are listed. Needs PyPI zstandard (0.25
gives the same dictionary).
"""
import collections, math, os, random, re, sys
import zstandard

HERE = os.path.dirname(os.path.abspath(__file__))
UNIT = re.compile(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+")
MOST = {"en": 15000, "zh": 4000}

texts = {lang: open(path, encoding="utf8").read().split("\n") for lang, path in zip(MOST, sys.argv[1:3])}
samples = []
for lines in texts.values():
    paragraphs = [line for line in lines if len(line) > 150]
    random.Random(1).shuffle(paragraphs)
    samples += [paragraph[:2000].encode() for paragraph in paragraphs[:6000]]
with open(os.path.join(HERE, "corpus.dict"), "wb") as file:
    file.write(zstandard.train_dictionary(48 << 10, samples, level=3).as_bytes())

table = []
for lang, lines in texts.items():
    documents = [set(UNIT.findall("\n".join(lines[at : at + 20]).lower())) for at in range(0, len(lines), 20)]
    found = collections.Counter()
    for units in documents:
        found.update(units)
    fit = []
    for unit, count in found.items():
        han = "\u4e00" <= unit[0] <= "\u9fff"
        if han == (lang == "zh") and not unit.isdigit() and count >= 3 and len(unit.encode()) <= 24:
            fit.append((-count, unit))
    for count, unit in sorted(fit)[: MOST[lang]]:
        table.append((unit, round(min(math.log2(len(documents) / -count), 12.0) * 20)))
lines = "".join(f"{unit}\t{bits}\n" for unit, bits in sorted(table))
with open(os.path.join(HERE, "idf.tsv.zst"), "wb") as file:
    file.write(zstandard.ZstdCompressor(19).compress(lines.encode()))
