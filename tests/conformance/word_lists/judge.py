"""Precision and recall of word lists as judges of toxic texts, and how many clean texts they flag.

Usage: judge.py EXAMPLE LABELLED.jsonl.zst LIST...

EXAMPLE is the built example `words` of wanjuan-filters; the rows have `text` and `label`, `toxic` or not; a
LIST is what `listed_words` takes in `lists`. A text is flagged if a listed word is in it.
"""
import io, json, subprocess, sys
import zstandard

example, labelled, *lists = sys.argv[1:]
with open(labelled, "rb") as file:
    rows = [json.loads(line) for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8")]
toxic = [row.get("label") == "toxic" for row in rows]
lines = "".join(json.dumps({"text": row["text"]}) + "\n" for row in rows).encode()
print(f"{len(rows)} texts, {sum(toxic)} toxic")
for names in [[name] for name in lists] + ([lists] if len(lists) > 1 else []):
    settings = f"lists = {json.dumps(names, ensure_ascii=False)}\nignore_separators = true"
    told = subprocess.run([example, "listed_words", settings], input=lines, stdout=subprocess.PIPE, check=True)
    flagged = [json.loads(line)["hits"] > 0 for line in told.stdout.decode().split("\n")[:-1]]
    right = sum(flag and bad for flag, bad in zip(flagged, toxic, strict=True))
    precision, recall = right / max(sum(flagged), 1), right / max(sum(toxic), 1)
    print(f"{' + '.join(names):<50} flags {sum(flagged):>5}, precision {precision:.3f}, recall {recall:.3f}")
