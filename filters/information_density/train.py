"""Fits the scores: `train.py MEASURE LABELLED_EN LABELLED_ZH` writes `weights.toml` and `card.toml` beside itself.

MEASURE is the example `measure` of wanjuan-filters; the others are JSON lines (zstd) of `id`, `text`, `label` (high or low).
A fifth is held out by crc32 of the id before anything is fitted. Needs PyPI zstandard, numpy, scipy, scikit-learn.
"""
import hashlib, io, json, os, subprocess, sys, zlib
import numpy as np
import zstandard
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score

HERE = os.path.dirname(os.path.abspath(__file__))
SETS = {
    "density": ["compressed", "surprisal", "content", "entities", "new_ideas", "idf", "boilerplate", "formula_code"],
    "text_quality": ["surprisal", "boilerplate", "formula_code", "marks", "sentence", "odd", "unevenness"],
}
# What only raises a score, and what is better in the middle; the rest only lowers it.
RAISES = {"compressed", "new_ideas", "idf"}
FAR = {"content", "entities", "marks", "sentence", "unevenness"}


def fit(x, y, signs):
    """Logistic regression (L2, C = 1) whose weights have the signs that are given."""
    sign = np.where(y, 1.0, -1.0)

    def loss(w):
        margin = sign * (x @ w[1:] + w[0])
        slope = -sign / (1 + np.exp(np.clip(margin, -500, 500)))
        return np.logaddexp(0, -margin).sum() + w[1:] @ w[1:] / 2, np.r_[slope.sum(), x.T @ slope + w[1:]]

    bounds = [(None, None)] + [(0, None) if s > 0 else (None, 0) for s in signs]
    return minimize(loss, np.zeros(x.shape[1] + 1), jac=True, bounds=bounds, method="L-BFGS-B").x


weights, held_out, data = "# Written by train.py from labelled documents; card.toml says which.\n", [], []
for lang, path in (("en", sys.argv[2]), ("zh", sys.argv[3])):
    packed = open(path, "rb").read()
    rows = [json.loads(line) for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(packed), "utf8")]
    lines = "".join(json.dumps(row["text"]) + "\n" for row in rows)
    out = subprocess.run([sys.argv[1], "information_density@default"], input=lines, capture_output=True, text=True, check=True)
    table = [line.split("\t") for line in out.stdout.splitlines()]
    held = np.array([zlib.crc32(row["id"].encode()) % 5 == 0 for row in rows])
    label = np.array([row["label"] == "high" for row in rows])
    measures = {}
    for name, parts in SETS.items():
        x = np.array([[float(row[table[0].index(part)]) for part in parts] for row in table[1:]])
        far = np.array([part in FAR for part in parts])
        spread = np.nanstd(x[~held], 0) + 1e-6
        mean = np.where(far, np.nanmedian(x[~held & label], 0), np.nanmean(x[~held], 0))
        x = np.nan_to_num((x - mean) / spread).clip(-3, 3)
        x = np.where(far, np.abs(x), x)
        w = fit(x[~held], label[~held], [1 if part in RAISES else -1 for part in parts])
        measures[f"auc_{name}"] = round(float(roc_auc_score(label[held], x[held] @ w[1:])), 4)
        weights += f"\n[{lang}.{name}]\nbias = {w[0]:.5f}\nparts = [\n"
        for part, weight, m, s in zip(parts, w[1:], mean, spread):
            also = ", far = true" if part in FAR else ""
            weights += f'    {{ name = "{part}", weight = {weight + 0.0:.5f}, mean = {m:.6f}, spread = {s:.6f}{also} }},\n'
        weights += "]\n"
    held_out.append((lang, int(held.sum()), measures))
    data.append((f"quality_{lang}", len(rows), hashlib.sha256(packed).hexdigest()))
    print(lang, int(held.sum()), measures, file=sys.stderr)

card = f'''name = "information-density"
kind = "regression"
file = "weights.toml"
sha256 = "{hashlib.sha256(weights.encode()).hexdigest()}"
bytes = {len(weights.encode())}
decides = "how much a text says for its length, and how well it is written"
languages = ["en", "zh"]
labels = ["density", "text_quality"]
origin = "high: encyclopaedia, speeches, books, manuals; low: spam mail and junk made from the former (menus, wrong encodings, word salad, repeats); by provenance, not by people"
licence = "CC-BY-SA-4.0"
trained = "by train.py: logistic regression (L2, C = 1) with the signs of the weights given, over parts less their means (far: from the median of high texts), by their spread, at most three"
measured = "area under the curve of a fifth that was held out by crc32 of the id; the character models have not seen its good texts"
weakness = "it tells junk from text; fluent spam of English mails looks much like other text to its parts, and the order of good texts among themselves has not been judged by people"
'''
for name, documents, digest in data:
    card += f'\n[[data]]\nname = "{name}"\ndocuments = {documents}\nsha256 = "{digest}"\n'
for lang, documents, measures in held_out:
    card += f'\n[[held_out]]\nlanguage = "{lang}"\ndocuments = {documents}\n\n[held_out.measures]\n'
    card += "".join(f"{name} = {auc}\n" for name, auc in measures.items())
for name, text in (("weights.toml", weights), ("card.toml", card)):
    with open(os.path.join(HERE, name), "w", encoding="utf8") as file:
        file.write(text)
