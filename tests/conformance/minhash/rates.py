"""How fast rensa and datasketch sign the texts that ours signs: `rates.py BINARY LANG FILE.jsonl.zst...`.

The same work for all: lower case, words at white space, shingles of five words, 128 permutations. (Ours cuts
words at punctuation too.) rensa takes a list of strings, datasketch a list of bytes. BINARY is the example
`sign` of wanjuan-dedup; rates are megabytes of text per CPU-second of one thread. pip: rensa, datasketch, zstandard.
"""
import io, json, subprocess, sys, time
import zstandard
from datasketch import MinHash
from rensa import CMinHash, RMinHash

binary, lang, *files = sys.argv[1:]
texts = []
for name in files:
    with open(name, "rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8"):
            row = json.loads(line)
            if lang in ("all", row.get("lang")):
                texts.append(row["text"])


def shingles(text):
    words = text.lower().split()
    return [" ".join(words[i:i + 5]) for i in range(max(1, len(words) - 4))]


def rensa(kind):
    def sign(text):
        signer = kind(num_perm=128, seed=42)
        signer.update(shingles(text))
        return signer.digest()
    return sign


def datasketch(scheme):
    def sign(text):
        signer = MinHash(num_perm=128, scheme=scheme)
        signer.update_batch([shingle.encode() for shingle in shingles(text)])
        return signer.hashvalues
    return sign


size = sum(len(text.encode()) for text in texts) / 1e6
print(f"{len(texts)} documents, {size:.1f} MB")
peers = {"shingles alone, in Python": shingles, "rensa RMinHash": rensa(RMinHash), "rensa CMinHash": rensa(CMinHash),
         "datasketch affine32": datasketch("affine32"), "datasketch legacy": datasketch("legacy")}
for name, sign in peers.items():
    sign(texts[0])
    start = time.process_time()
    for text in texts:
        sign(text)
    print(f"{name}: {size / (time.process_time() - start):.2f} MB/s")
given = "".join(json.dumps(text, ensure_ascii=False) + "\n" for text in texts).encode()
answer = subprocess.run([binary, "wanjuan", "bands = 32\nrows = 4", "--time"], input=given, stdout=subprocess.PIPE, check=True).stdout
print(f"ours: {size / float(answer.split()[2]):.1f} MB/s")
