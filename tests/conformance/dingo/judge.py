"""Runs dingo's rules of the group `pretrain` and ours over the same texts and compares rule by rule."""
import collections, io, json, resource, subprocess, sys, time
import zstandard
from dingo.io import Data
from dingo.model.model import Model
import dingo.model.rule.rule_common  # noqa: F401, fills the groups

binary, *files = sys.argv[1:]
rows = []
for name in files:
    with open(name, "rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8"):
            rows.append(json.loads(line))
texts = [row["text"] for row in rows]

RULES = {rule.__name__: rule for rule in Model.rule_groups["pretrain"]}
print(len(RULES), "rules:", " ".join(sorted(RULES)))

def broken(text):
    found = set()
    for name, rule in RULES.items():
        try:
            if rule.eval(Data(data_id="0", content=text)).status:
                found.add(name)
        except Exception as error:
            found.add(f"{name}: {type(error).__name__}")
    return found

broken("Warm up. The rules are loaded now.")
start = time.process_time()
expected = [broken(text) for text in texts]
seconds = time.process_time() - start
lines = "\n".join(json.dumps(text) for text in texts) + "\n"
def ours(*arguments):
    return subprocess.run([binary, *arguments], input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout.decode()
found = [set(line.split()) for line in ours()[:-1].split("\n")]
before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
rate = ours("--time").strip()
ours_seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before

print(f"{'rule':<30} {'dingo':>6} {'ours':>6} {'equal':>9}")
for name in sorted(RULES):
    equal = sum((name in a) == (name in b) for a, b in zip(expected, found, strict=True))
    print(f"{name:<30} {sum(name in a for a in expected):>6} {sum(name in b for b in found):>6} {equal/len(texts):>9.3%}")
kinds, examples = collections.Counter(), {}
for row, a, b in zip(rows, expected, found):
    for name in a ^ b:
        kind = (name, "dingo alone" if name in a else "ours alone")
        kinds[kind] += 1
        examples.setdefault(kind, []).append(f"{row.get('id')} ({row.get('lang')})")
for (name, who), count in kinds.most_common():
    print(f"    {count:>4}  {name}: {who}, such as {', '.join(examples[name, who][:3])}")
all_equal = sum(a == b for a, b in zip(expected, found)) / len(texts)
verdicts = sum(bool(a) == bool(b) for a, b in zip(expected, found)) / len(texts)
languages = collections.defaultdict(lambda: [0, 0])
for row, a, b in zip(rows, expected, found):
    languages[row.get("lang")][0] += a == b
    languages[row.get("lang")][1] += 1
print("all rules equal by language:", ", ".join(f"{lang} {equal}/{count}" for lang, (equal, count) in sorted(languages.items(), key=lambda item: -item[1][1])[:6]))
print(f"{len(texts)} documents: verdict equal {verdicts:.3%}, all 22 rules equal {all_equal:.3%}")
print(f"dingo: {sum(not a for a in expected)} of {len(texts)} kept, {len(texts)/seconds:.0f} documents/s, {sum(len(text.encode()) for text in texts)/1e6/seconds:.2f} MB/s")
print(f"ours:  {rate}; {sum(len(text.encode()) for text in texts)/1e6/ours_seconds:.1f} MB/s of processor time, reading included")
sys.exit(verdicts < 0.995)
