"""Runs both predictors over the same texts and compares label by label."""
import io, json, subprocess, sys, time
import fasttext, zstandard

binary, model, *files = sys.argv[1:]
texts = []
for name in files:
    with open(name, "rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8"):
            # One text a line: every character that ends a line for either side becomes a space.
            texts.append(" ".join(json.loads(line)["text"].replace("\0", " ").splitlines()))

peer = fasttext.load_model(model)
start = time.process_time()
expected = [peer.predict(text, k=1) for text in texts]
seconds = time.process_time() - start
size = sum(len(text.encode()) for text in texts)

lines = "\n".join(texts) + "\n"
ours = subprocess.run([binary, model], input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
rate = subprocess.run([binary, model, "1", "--time"], input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout.decode().strip()
short = "\n".join(text[:258] for text in texts) + "\n"
start = time.process_time()
for text in texts:
    peer.predict(text[:258], k=1)
short_seconds = time.process_time() - start
short_rate = subprocess.run([binary, model, "1", "--time"], input=short.encode(), stdout=subprocess.PIPE, check=True).stdout.decode().strip()

differ, furthest = 0, 0.0
for text, line, (labels, probabilities) in zip(texts, ours, expected, strict=True):
    found = line.split()
    label = labels[0].removeprefix("__label__") if labels else None
    if (found[0] if found else None) != label:
        differ += 1
        if differ <= 5:
            print("differs:", repr(text[:80]), found, labels, probabilities)
    elif found:
        furthest = max(furthest, abs(float(found[1]) - float(probabilities[0])))
print(f"{len(texts)} texts, {differ} with another label, probabilities at most {furthest:.1e} apart")
print(f"whole texts:          C++ {len(texts)/seconds:.0f} documents/s, {size/1e6/seconds:.1f} MB/s; ours {rate}")
print(f"first 258 characters: C++ {len(texts)/short_seconds:.0f} documents/s; ours {short_rate}")
sys.exit(1 if differ or furthest > 1e-5 else 0)
