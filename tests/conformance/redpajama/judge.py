"""Measures texts by RedPajama-V2's own functions and by ours and compares signal by signal.

With --golden, writes filters/golden/redpajama.jsonl to standard output instead."""
import collections, io, json, math, resource, subprocess, sys, tempfile, time
from pathlib import Path
from core.document import Document
from core.quality_signals import content, lines, natural_language, repetitions

def built(bad_words):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "en.txt").write_text("\n".join(bad_words))
        (Path(folder) / "domain_to_category_id.json").write_text("{}")
        signals = content.register_content_callables(language="en", bad_urls_dir=folder, bad_words_dir=folder)
    signals += natural_language.register_natural_language_callables() + repetitions.register_repetitions_callables()
    signals += lines.register_lines_callables()
    return [signal for signal in signals if signal.field_name != "rps_doc_ut1_blacklist"]

def measured(signals, text):
    document, found = Document(text, domain=None), {}
    for signal in signals:
        scores = [score for _, _, score in signal(document)]
        if not scores or None in scores:
            found[signal.field_name] = 0.0 if signal.field_name == "rps_lines_javascript_counts" else None
        elif signal.field_name == "rps_lines_javascript_counts":
            found[signal.field_name] = sum(scores)
        else:
            found[signal.field_name] = sum(scores) / len(scores)
    return found

if sys.argv[1] == "--golden":
    prose = "The Old river… and THE town #1 have a long history, with many floods.\n\n• We've walked there ofTen; it is quiet in the winter...\nWho would, you fool?"
    texts = [prose, "", " \n", "a", "...", prose + "\n" + prose + " {x} Lorem ipsum, javascript!", "one two " * 20, "a b c d e f g h i j k " * 3,
             "这条河，离海很远。三万\n第二行 2 ½ Ⅷ！", "Café ÉTÉ ΟΔΟΣ İstanbul ﬁ “end”\r\n\u2028x\u001cy\u00a0z", "# . , ! -- ...…", "1.5 2.5\n\n\n3"]
    signals = built(["fool", "old river"])
    for text in texts:
        print(json.dumps({"text": text, "signals": measured(signals, text)}, ensure_ascii=False))
    sys.exit()

import zstandard
binary, *files = sys.argv[1:]
texts = []
for name in files:
    with open(name, "rb") as file:
        texts += [json.loads(line)["text"] for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8")]
signals = built([])
start = time.process_time()
expected = [measured(signals, text) for text in texts]
seconds = time.process_time() - start
given = "\n".join(json.dumps(text) for text in texts) + "\n"
def ours(*arguments):
    return subprocess.run([binary, *arguments], input=given.encode(), stdout=subprocess.PIPE, check=True).stdout.decode()
names, *rows = [line.split("\t") for line in ours()[:-1].split("\n")]
before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
rate = ours("--time").strip()
ours_seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
total = equal = 0
for column, name in enumerate(names):
    if name == "rps_doc_ldnoobw_words":
        continue
    same, worst = 0, None
    for number, (row, wanted) in enumerate(zip(rows, expected, strict=True)):
        there, here = wanted[name], float(row[column])
        close = math.isnan(here) if there is None else abs(there - here) < 2e-8
        same += close
        if not close and worst is None:
            worst = (number, there, here)
    total, equal = total + len(texts), equal + same
    print(f"{name:<50} {same/len(texts):.3%}" + (f"  document {worst[0]}: {worst[1]} there, {worst[2]} here" if worst else ""))
size = sum(len(text.encode()) for text in texts) / 1e6
print(f"{len(texts)} documents, {equal} of {total} signals equal ({equal/total:.3%})")
print(f"RedPajama-V2: {size/seconds:.2f} MB/s of processor time; ours: {rate}; {size/ours_seconds:.1f} MB/s of processor time, reading included")
sys.exit(equal / total < 0.995)
