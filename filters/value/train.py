"""Fits the scores: `train.py MEASURE WANJUAN LABELLED SPLIT` writes `weights.toml` and `card.toml` beside itself.

MEASURE is the example `measure` of wanjuan-filters, WANJUAN the command; LABELLED holds quality_{en,zh}.jsonl.zst of `id`,
`text`, `label` (high or low); SPLIT is what models/shipped/split.py wrote. A fifth is held out by crc32 of the id, as in
split.py, before anything is fitted; texts that stand in both are not learned. What the classifiers say of a text that is
learned is said by others that have not seen it, trained in the same way on the rest (five folds; Wolpert 1992). Needs
PyPI zstandard, numpy, scipy, scikit-learn.
"""
import hashlib, io, json, os, subprocess, sys, tempfile, tomllib, zlib
import numpy as np
import zstandard
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score

HERE = os.path.dirname(os.path.abspath(__file__))
SHIPPED = os.path.join(HERE, "../../models/shipped")
FOLDS, WEIGHT = 5, 1.0
SETS = {
    "density": "compressed surprisal content entities new_ideas idf boilerplate formula_code repeated".split(),
    "text_quality": (
        "fluent surprisal unevenness marks misplaced runs sentence small_starts exclaimed shouted links odd foreign "
        "boilerplate formula_code repeated"
    ).split(),
    "information_quality": "worth content entities idf new_ideas boilerplate exclaimed shouted links".split(),
}
STEPS = {"density": "information_density"}
# What only raises a score, and what is best in the middle; the rest only lowers it.
RAISES = {"fluent", "worth", "compressed", "new_ideas"}
MIDDLE = {"surprisal", "unevenness", "content", "entities", "idf", "marks", "sentence"}


def measures(step, texts, settings=""):
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    arguments = [measure, f"{step}@default"] + ([settings] if settings else [])
    out = subprocess.run(arguments, input=lines, capture_output=True, text=True, check=True).stdout.splitlines()
    table = np.array([[float(cell) for cell in line.split("\t")[1:]] for line in out[1:]])
    return dict(zip(out[0].split("\t")[1:], table.T))


def is_chinese(text):
    han = sum("\u4e00" <= c <= "\u9fff" or "\u3400" <= c <= "\u4dbf" for c in text)
    return han > 0 and han * 5 >= sum(c.isalpha() for c in text)


def odds(probability):
    with np.errstate(divide="ignore"):
        return np.log(probability / (1 - probability)).clip(-8, 8)


def unseen(kind, lang, examples, texts, folds):
    """What classifiers say of texts whose folds they have not seen."""
    card = tomllib.load(open(f"{SHIPPED}/{kind}-{lang}.card.toml", "rb"))
    flags = [f"--{'small' if key == 'cutoff' else key.replace('_', '-')}={value}" for key, value in card["settings"].items()
             if key not in ("held_out", "loss", "threads")]
    flags += [f"--words={card['reads']['words']}"] + (["--lowercase"] if card["reads"].get("lowercase") else [])
    flags += [f"--max-chars={card['reads']['max_chars']}"] if "max_chars" in card["reads"] else []
    flags += ["--spoil"] if kind == "fluent" else []
    said = np.full(len(texts), np.nan)
    with tempfile.TemporaryDirectory() as folder:
        for fold in range(FOLDS):
            out = {text for text, of in zip(texts, folds) if of == fold}
            parts = [text[len(text) // at :][:40] for text in out for at in (4, 2)]
            rest = [row for row in examples if row["text"] not in out]
            if kind == "fluent":
                rest = [row for row in rest if not any(part in row["text"] for part in parts if len(part) == 40)]
            path = f"{folder}/rest.jsonl"
            with open(path, "w", encoding="utf8") as file:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rest)
            subprocess.run([wanjuan, "train-scorer", "--kind=fasttext", "--name=fold", f"--out={folder}", "--held-out=0",
                            f"--score={card['labels'][0]}", *flags, path], check=True, capture_output=True)
            at = [place for place, of in enumerate(folds) if of == fold]
            found = measures("classifier", [texts[place] for place in at], f"model = '{folder}/fold.ftz'")
            said[at] = odds(found["probability"])
    return said


def segments(x, knots):
    """How much of each segment between knots lies below a value."""
    return np.stack([((x - a) / (b - a)).clip(0, 1) for a, b in zip(knots, knots[1:])], 1)


def knots_of(x, high, part):
    x = x[~np.isnan(x)]
    knots = list(np.quantile(x, [0.02, 0.15, 0.35, 0.65, 0.85, 0.98]))
    if part in MIDDLE:
        middle = float(np.nanmedian(high))
        knots = [knot for knot in knots if abs(knot - middle) > 0.05 * (knots[-1] - knots[0])] + [middle]
    knots = sorted({round(float(knot), 5) for knot in knots})
    return knots if len(knots) > 1 else [knots[0], knots[0] + max(float(x.max()) - knots[0], 1e-3)]


def fit(x, y, signs):
    """Logistic regression (L2) whose weights have the signs that are given."""
    sign = np.where(y, 1.0, -1.0)

    def loss(w):
        margin = sign * (x @ w[1:] + w[0])
        slope = -sign / (1 + np.exp(np.clip(margin, -500, 500)))
        return np.logaddexp(0, -margin).sum() + WEIGHT * w[1:] @ w[1:] / 2, np.r_[slope.sum(), x.T @ slope + WEIGHT * w[1:]]

    bounds = [(None, None)] + [(0, None) if s > 0 else (None, 0) for s in signs]
    return minimize(loss, np.zeros(x.shape[1] + 1), jac=True, bounds=bounds, method="L-BFGS-B").x


measure, wanjuan, labelled, split = sys.argv[1:5]
rows, data = [], []
for lang in ("en", "zh"):
    packed = open(os.path.join(labelled, f"quality_{lang}.jsonl.zst"), "rb").read()
    found = [json.loads(line) for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(packed), "utf8")]
    data.append((f"quality_{lang}", len(found), hashlib.sha256(packed).hexdigest()))
    held = [zlib.crc32(row["id"].encode()) % 5 == 0 for row in found]
    said = {row["text"] for row, out in zip(found, held) if out}
    rows += [(lang, row["text"], row["label"] == "high", out) for row, out in zip(found, held) if out or row["text"] not in said]
of_set, texts, label, held = (np.array(column, object) for column in zip(*rows))
label, held = label.astype(bool), held.astype(bool)
chinese = np.array([is_chinese(text) for text in texts])
parts = {}
for name in SETS:
    parts |= measures(STEPS.get(name, name), texts)
folds = np.array([zlib.crc32(text.encode()) // 7 % FOLDS for text in texts])
for lang in ("en", "zh"):
    learned = (chinese == (lang == "zh")) & ~held
    for kind, part, file in (("quality", "worth", "quality"), ("fluent", "fluent", "clean")):
        examples = [json.loads(line) for line in open(f"{split}/{file}-{lang}.train.jsonl", encoding="utf8")]
        parts[part][learned] = unseen(kind, lang, examples, list(texts[learned]), list(folds[learned]))

weights, said = "# Written by train.py from labelled documents; card.toml says which.\n", {}
for lang in ("en", "zh"):
    of = chinese == (lang == "zh")
    learned, scores = of & ~held, []
    for name, names in SETS.items():
        columns, signs, spans = [], [], []
        for part in names:
            x = parts[part]
            high = x[learned & label]
            knots = knots_of(x[learned], high, part)
            x = np.where(np.isnan(x), np.nanmedian(high), x)
            columns.append(segments(x, knots))
            middle = float(np.nanmedian(high))
            sign = lambda b: 1 if part in RAISES or part in MIDDLE and b <= middle + 1e-4 else -1
            signs += [sign(b) for b in knots[1:]]
            spans.append((part, knots, float(np.nanmedian(high))))
        x = np.concatenate(columns, 1)
        w = fit(x[learned], label[learned], signs)
        score = x @ w[1:] + w[0]
        scores.append(score)
        said.setdefault(name, np.zeros(len(texts)))[of] = score[of]
        weights += f"\n[{lang}.{name}]\nbias = {w[0]:.4f}\nparts = [\n"
        at = 1
        for part, knots, median in spans:
            gains = np.r_[0, np.cumsum(w[at : at + len(knots) - 1])]
            at += len(knots) - 1
            missing = float(np.interp(median, knots, gains))
            points = ", ".join(f"[{knot:.5f}, {gain + 0.0:.4f}]" for knot, gain in zip(knots, gains))
            weights += f'    {{ name = "{part}", missing = {missing:.4f}, points = [{points}] }},\n'
        weights += "]\n"
    x = np.stack(scores, 1)
    w = fit(x[learned], label[learned], [1, 1, 1])
    said.setdefault("value", np.zeros(len(texts)))[of] = (x @ w[1:] + w[0])[of]
    weights += f"\n[{lang}.value]\nbias = {w[0]:.4f}\n" + "".join(f"{name} = {weight:.4f}\n" for name, weight in zip(SETS, w[1:]))

card = f'''name = "value"
kind = "regression"
file = "weights.toml"
sha256 = "{hashlib.sha256(weights.encode()).hexdigest()}"
bytes = {len(weights.encode())}
decides = "how much a text says for its length, how well it is written, how much it is worth learning from, and all of it in one"
languages = ["en", "zh"]
labels = ["value", "density", "text_quality", "information_quality"]
origin = "high: encyclopaedia, speeches, books, manuals; low: spam mail and junk made from the former (menus, wrong encodings, word salad, repeats, tables, noise, strings of points); by provenance, not by people"
licence = "CC-BY-SA-4.0"
trained = "by train.py: additive logistic regression (L2), piecewise linear in each part with the signs of its slopes given; what classifiers say of learned texts is said by others that have not seen them"
measured = "area under the curve of a fifth that was held out by crc32 of the id; neither the classifiers nor the models of characters have seen its good texts, nor the classifiers its bad ones"
weakness = "it tells junk from text; the junk of the held-out fifth was made by the same means as that which was learned, so that other junk is found less well; the order of good texts among themselves has not been judged by people; nothing knows what is true; letters in disorder lower the English text_quality next to nothing, since no text that was learned is wrong in them alone"
'''
for name, documents, digest in data:
    card += f'\n[[data]]\nname = "{name}"\ndocuments = {documents}\nsha256 = "{digest}"\n'
for lang in ("en", "zh"):
    at = held & (of_set == lang)
    learned = ~held & (of_set == lang)
    card += f'\n[[held_out]]\nlanguage = "{lang}"\ndocuments = {int(at.sum())}\n\n[held_out.measures]\n'
    for name in said:
        auc = [round(float(roc_auc_score(label[some], said[name][some])), 4) for some in (at, learned)]
        print(lang, name, *auc, file=sys.stderr)
        card += f"auc_{name} = {auc[0]}\n"
for name, text in (("weights.toml", weights), ("card.toml", card)):
    with open(os.path.join(HERE, name), "w", encoding="utf8") as file:
        file.write(text)
