"""Signs the same texts with a peer and with ours, and counts identical signatures.

datatrove's signatures are made by its own class. The others' scripts need a cluster framework, a GPU or a
package for each to be run; what they compute for one text is written here again, in numpy, from their
sources: Data-Juicer 1.6.1 (`document_minhash_deduplicator.py`), text-dedup 0.4.0 (`minhash.py`),
RedPajama-Data 855a8e0 (`app/src/dedupe`), Cerebras' model zoo (`to_hash.py`, with datasketch 1's MinHash),
NeMo Curator 1.4.0 (`minhash.py`) with cuDF's kernel (`cpp/src/text/minhash.cu`).
"""
import hashlib, io, json, os, re, string, struct, subprocess, sys, time, unicodedata
import numpy as np
import zstandard

PRIME, MAX32 = np.uint64((1 << 61) - 1), np.uint64((1 << 32) - 1)
PUNCTUATION = str.maketrans("", "", string.punctuation)


def sha1_32(text):
    return struct.unpack("<I", hashlib.sha1(text.encode()).digest()[:4])[0]


def pairs(seed, count):
    draw = np.random.RandomState(seed)
    numbers = [(draw.randint(1, PRIME, dtype=np.uint64), draw.randint(0, PRIME, dtype=np.uint64)) for _ in range(count)]
    return np.array(numbers, dtype=np.uint64).T


def minima(shingles, permutations, hashed=sha1_32):
    if not shingles:
        return None
    a, b = permutations
    hashes = np.array([hashed(shingle) for shingle in shingles], dtype=np.uint64).reshape(-1, 1)
    least = None
    for start in range(0, len(hashes), 4096):
        block = np.bitwise_and((hashes[start:start + 4096] * a + b) % PRIME, MAX32).min(axis=0)
        least = block if least is None else np.minimum(least, block)
    return [int(number) for number in least]


def grams(units, n, joint):
    return {joint.join(units[i:i + n]) for i in range(len(units) - n + 1)}


def datatrove(hash_fc, zh):
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
    from datatrove.utils.hashing import HashConfig
    signer = MinhashDedupSignature("/tmp", MinhashConfig(hash_config=HashConfig(hash_fc=hash_fc)), language="cmn_Hani" if zh else "eng_Latn")

    def sign(text):
        shingles = signer.get_shingles(text)
        return sum(signer.get_signature(shingles), []) if shingles.size else None
    return sign


def data_juicer(zh):
    permutations = pairs(42, 256)[:, :250]

    def sign(text):
        text = text.lower()
        units = text if zh else [word for word in text.split(" ") if word]
        return minima(grams(units, 5, "" if zh else " "), permutations)
    return sign


def text_dedup(zh):
    draw = np.random.RandomState(42)
    permutations = draw.randint(1, PRIME, size=(250,), dtype=np.uint64), draw.randint(0, PRIME, size=(250,), dtype=np.uint64)
    non_word = re.compile(r"\W")
    return lambda text: minima(grams(non_word.split(text.lower()), 5, " "), permutations)


def redpajama(zh):
    permutations = pairs(42, 128)[:, :126]

    def sign(text):
        text = re.sub(r"\s+", " ", text.translate(PUNCTUATION).lower().strip())
        return minima(grams(unicodedata.normalize("NFD", text).split(), 13, " "), permutations)
    return sign


def slimpajama(zh):
    permutations = pairs(1, 128)[:, :117]

    def sign(text):
        text = re.sub(r"\s+", " ", text.lower().translate(PUNCTUATION).strip())
        return minima(grams(text, 6, ""), permutations)
    return sign


def nemo_curator(zh):
    import mmh3
    prime = np.uint32((1 << 31) - 1)
    draw = np.random.RandomState(42)
    numbers = [(draw.randint(1, prime, dtype=np.uint32), draw.randint(0, prime, dtype=np.uint32)) for _ in range(260)]
    a, b = np.array(numbers, dtype=np.uint32).T
    seed = int(a[0])

    def sign(text):
        shingles = {text[i:i + 24] for i in range(max(1, len(text) - 23))} if text else set()
        if not shingles:
            return None
        hashes = np.array([max(1, mmh3.hash(shingle.encode(), seed, signed=False)) for shingle in shingles], dtype=np.uint32)
        least = np.full(260, (1 << 32) - 1, dtype=np.uint32)
        for start in range(0, len(hashes), 4096):
            least = np.minimum(least, (hashes[start:start + 4096].reshape(-1, 1) * a + b).min(axis=0))
        return [int(number) for number in least]
    return sign


PEERS = {
    "datatrove": lambda zh: datatrove("xxhash", zh), "fineweb": lambda zh: datatrove("sha1", zh), "data-juicer": data_juicer,
    "text-dedup": text_dedup, "redpajama": redpajama, "slimpajama": slimpajama, "nemo-curator": nemo_curator,
}


def main():
    binary, profiles, langs, *files = sys.argv[1:]
    texts = []
    for name in files:
        with open(name, "rb") as file:
            for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8"):
                row = json.loads(line)
                if langs == "all" or row.get("lang") in langs.split(","):
                    texts.append(row["text"])
    texts = texts[:int(os.environ.get("FIRST", len(texts)))]
    zh = langs.startswith("zh")
    bytes_ = sum(len(text.encode()) for text in texts)
    given = "".join(json.dumps(text, ensure_ascii=False) + "\n" for text in texts).encode()
    worst = 1.0
    print(f"{len(texts)} documents, {bytes_ / 1e6:.1f} MB")
    for profile in profiles.split(","):
        settings = {"datatrove": "words = 'chinese'", "fineweb": "words = 'chinese'", "data-juicer": "tokens = 'lower_characters'"}.get(profile, "") if zh else ""
        sign = PEERS[profile](zh)
        sign("Warm up. The rules are loaded now, all of them.")
        start = time.process_time()
        theirs = [sign(text) for text in texts]
        seconds = time.process_time() - start
        run = lambda *more: subprocess.run([binary, profile, settings, *more], input=given, stdout=subprocess.PIPE, check=True).stdout
        ours = [json.loads(line) for line in run().splitlines()]
        equal = sum(a == b for a, b in zip(theirs, ours))
        bands = sum(x == y for a, b in zip(theirs, ours) if a and b for x, y in zip(a, b)) / max(1, sum(len(a) for a, b in zip(theirs, ours) if a and b))
        signed, _, spent = (float(number) for number in run("--time").split())
        spent = spent or float("nan")  # too short to be counted
        print(f"{profile}: {equal} of {len(texts)} signatures identical ({sum(a is not None for a in theirs)} and {signed:.0f} texts signed), "
              f"{bands:.6f} of all minima; theirs {bytes_ / 1e6 / seconds:.3f} MB/s, ours {bytes_ / 1e6 / spent:.1f} MB/s, {seconds / spent:.0f} times")
        if os.environ.get("SHOW"):
            shown = 0
            for text, a, b in zip(texts, theirs, ours):
                if a != b and shown < int(os.environ["SHOW"]):
                    shown += 1
                    print("  ", json.dumps(text[:200], ensure_ascii=False), a and a[:2], b and b[:2], sum(x != y for x, y in zip(a or [], b or [])))
        if folder := os.environ.get("GOLDEN"):
            with open(f"{folder}/minhash-{profile}-{langs}.txt", "w") as file:
                for signature in theirs:
                    packed = struct.pack(f"<{len(signature)}Q", *signature) if signature else b""
                    file.write(hashlib.sha1(packed).hexdigest()[:16] + "\n" if signature else "none\n")
        worst = min(worst, equal / max(1, len(texts)))
    sys.exit(worst < 0.99)


main()
