"""Trains the same texts with the C++ library and with us, and tells CPU-seconds (with reading and writing) and accuracy.

With `--golden`, writes models of ours and what the C++ library answers for them, for `models/fasttext/golden/`.
"""
import hashlib, json, os, resource, subprocess, sys, time
import fasttext

fasttext.FastText.eprint = lambda *_: None
binary, work, *rest = sys.argv[1:]


def cpu():
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def number(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def accuracy(model, texts):
    right = [model.predict(text, k=1)[0] == (label,) for label, text in texts]
    return sum(right) / len(right)


def golden(texts):
    """Every loss, dense and small."""
    lines = [line.split(" ", 1)[1].split(" . ") for line in open(texts, encoding="utf-8") if " . " in line]
    asked = [f"{line[0]} . {lines[-at][0]}".strip() for at, line in enumerate(lines[:12], 1)] + ["", "unknown words alone 未知"]
    models = []
    for name, settings in [
        ("softmax.bin", "loss=softmax dim=12 epoch=8 lr=0.5 wordNgrams=2 bucket=500"),
        ("hs.bin", "loss=hs dim=9 epoch=8 lr=0.5 wordNgrams=1 minn=2 maxn=3 bucket=500"),
        ("ova.bin", "loss=ova dim=20 epoch=8 lr=0.5 wordNgrams=3 bucket=500"),
        ("softmax.ftz", "loss=softmax dim=12 epoch=8 lr=0.5 wordNgrams=2 bucket=900 small=300"),
    ]:
        path = os.path.join(work, name)
        subprocess.run([binary, texts, path, *settings.split()], check=True, stdout=subprocess.DEVNULL)
        model = fasttext.load_model(path)
        rows = []
        for text in asked:
            labels, probabilities = model.predict(text, k=3)
            rows.append({"text": text, "labels": list(labels), "probs": [float(value) for value in probabilities]})
        digest = hashlib.sha256(open(path, "rb").read()).hexdigest()
        models.append({"name": name, "settings": settings, "sha256": digest, "rows": rows})
    json.dump({"of": "fasttext-wheel 0.9.2", "models": models}, sys.stdout, ensure_ascii=False, indent=1)


if rest[0] == "--golden":
    golden(rest[1])
    sys.exit()

learned, held_out, *settings = rest
texts = [line.rstrip("\n").split(" ", 1) for line in open(held_out, encoding="utf-8")]
named = {name: number(value) for name, value in (setting.split("=") for setting in settings)}
for threads in (1, 2):
    start, wall = cpu(), time.time()
    model = fasttext.train_supervised(learned, thread=threads, verbose=0, **named)
    model.save_model(os.path.join(work, "peer.bin"))
    print(f"C++,  {threads} threads: {cpu() - start:.2f} CPU-seconds, {time.time() - wall:.2f} by the clock, accuracy {accuracy(model, texts):.4f}")
    start, wall, path = cpu(), time.time(), os.path.join(work, "ours.bin")
    subprocess.run([binary, learned, path, f"thread={threads}", *settings], check=True, stdout=subprocess.DEVNULL)
    spent, clock = cpu() - start, time.time() - wall
    digest = hashlib.sha256(open(path, "rb").read()).hexdigest()[:12]
    print(f"ours, {threads} threads: {spent:.2f} CPU-seconds, {clock:.2f} by the clock, accuracy {accuracy(fasttext.load_model(path), texts):.4f}, sha256 {digest}")
