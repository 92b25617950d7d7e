"""What the judges of the Gopher profiles share: texts in, our measures, and the comparison.

A judge gives, for each text, a dictionary from rule to whether the peer drops for it; ours come from the
measures and the profile's thresholds. Agreement is of the whole verdict; differences are told by rule."""
import collections, io, json, os, subprocess
import zstandard

LIMITS = {  # of the published configurations: rule -> (measure, least, most)
    "too_few_words": ("words", 50, None), "too_many_words": ("words", None, 100000),
    "mean": ("mean_word_chars", 3, 10), "median": ("median_word_chars", 3, 10),
    "symbols": ("symbols_per_word", None, 0.1), "bullets": ("bullet_lines", None, 0.9), "ellipses": ("ellipsis_lines", None, 0.3),
    "alphabetic": ("alphabetic_words", 0.8, None), "stop_words": ("stop_words", 2, None),
    "lines": ("dup_lines", None, 0.3), "paragraphs": ("dup_paragraphs", None, 0.3),
    "line_chars": ("dup_line_chars", None, 0.2), "paragraph_chars": ("dup_paragraph_chars", None, 0.2),
    **{f"top_{n}": (f"top_{n}gram_chars", None, most) for n, most in ((2, 0.20), (3, 0.18), (4, 0.16))},
    **{f"dup_{n}": (f"dup_{n}gram_chars", None, most) for n, most in zip(range(5, 11), (0.15, 0.14, 0.13, 0.12, 0.11, 0.10))},
}

def read(files, langs):
    """Texts of the rows whose `lang` is asked for; of all, for `all`. FIRST and MAX_CHARS make it fewer."""
    texts = []
    most = int(os.environ.get("MAX_CHARS", 1 << 30))
    for name in files:
        with open(name, "rb") as file:
            for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8"):
                row = json.loads(line)
                if (langs == ["all"] or row.get("lang") in langs) and len(row["text"]) <= most:
                    texts.append(row["text"])
    return texts[: int(os.environ.get("FIRST", len(texts)))]

def ours(binary, profile, texts, settings=""):
    lines = "\n".join(json.dumps(text) for text in texts) + "\n"
    command = [binary, profile, settings]
    told = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout.decode()
    names, *rows = [line.split("\t") for line in told.rstrip("\n").split("\n")]
    return [{name: cell if name == "reason" else float(cell) for name, cell in zip(names, row)} for row in rows]

def broken(measures, rule, limits):
    name, least, most = limits[rule]
    found = measures[name]
    return (least is not None and found < least) or (most is not None and found > most)

def compare(name, texts, found, wanted, rules, limits=LIMITS, show=3):
    """Prints agreement; returns it. `wanted` has, for each text, the rules the peer drops it for."""
    verdicts, kept, kinds, examples = 0, 0, collections.Counter(), collections.defaultdict(list)
    for text, measures, peer in zip(texts, found, wanted, strict=True):
        kept += not peer
        verdicts += (measures["reason"] == "-") == (not peer)
        # A text that stands out of all measure: the reason says so, and no rule is asked.
        mine = {"empty"} if measures["reason"] == "empty_text" else {rule for rule in rules if broken(measures, rule, limits)}
        for rule in mine ^ peer:
            kinds[rule, rule in peer] += 1
            examples[rule, rule in peer].append((text, measures))
    share = verdicts / len(texts)
    if os.environ.get("GOLDEN"):  # a folder, for filters/golden: k for each text the peer keeps, d for each it drops
        with open(f"{os.environ['GOLDEN']}/{name}.txt", "w") as file:
            file.write("".join("d" if peer else "k" for peer in wanted) + "\n")
    print(f"{name:<32} {verdicts} of {len(texts)} verdicts equal ({share:.2%}); the peer keeps {kept}")
    for (rule, theirs), count in kinds.most_common():
        print(f"    {count:>5}  {'the peer alone' if theirs else 'we alone'} drops for {rule}")
        for text, measures in examples[rule, theirs][:show]:
            print(f"           {measures.get(limits.get(rule, ('',))[0])}  {text[:70]!r}")
    return share
