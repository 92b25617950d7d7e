"""Writes what model2vec 0.10.0 says to a few texts: `python golden.py` here, with model2vec, tokenizers, safetensors.

Two small models are made beside the answers: rows of float16 with words cut by BERT's rules, and rows that several
tokens share (`mapping`) with a weight for each token.
"""
import json, os
import numpy as np
from model2vec import StaticModel
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

TEXTS = [
    "The river leads to the town, and the town to the sea.", "the the the", "河水流入大海，城在河边。", "", "   ", "☃☃☃",
    "THE SEA AND THE RIVER", "unknown zebra river", "town " * 700, "Der Fluss führt zur Stadt; la rivière mène à la ville.",
    "一二三四五六七八九十" * 90, "fn main() { let river = 3.5; }\n\n\tprintln!(\"{river}\");",
]
WORDS = "[UNK] [PAD] the river lead ##s to town , and sea . un ##know ##n 河 水 大 海 城 在 边 ##一 一 二 三 四".split()


def small(folder, tensors, normalize, max_length):
    os.makedirs(folder, exist_ok=True)
    tokenizer = Tokenizer(models.WordPiece({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.save(f"{folder}/tokenizer.json")
    save_file(tensors, f"{folder}/model.safetensors")
    json.dump({"normalize": normalize, "max_length": max_length}, open(f"{folder}/config.json", "w"))


draw = np.random.default_rng(1)
count = len(WORDS)
small("golden/half", {"embeddings": draw.normal(size=(count, 5)).astype(np.float16)}, False, 100)
small("golden/shared", {
    "embeddings": draw.normal(size=(6, 7)).astype(np.float32),
    "mapping": draw.integers(0, 6, count),
    "weights": draw.uniform(0.1, 2, count),
}, True, None)
for name, folder in ("wanjuan-e5-96", "wanjuan-e5-96"), ("half", "golden/half"), ("shared", "golden/shared"):
    model = StaticModel.from_pretrained(folder)
    vectors = model.encode(TEXTS, use_multiprocessing=False)
    rows = [{"text": text, "vector": [float(f"{n:.7g}") for n in vector]} for text, vector in zip(TEXTS, vectors)]
    json.dump(rows, open(f"golden/{name}.json", "w"), ensure_ascii=False, indent=0)
