"""Runs datatrove's C4BadWordsFilter and our `bad_words` over the same texts and lists.

Usage: bad_words.py EXAMPLE FILE.jsonl.zst...      compares verdicts
       bad_words.py --golden                       writes filters/golden/bad_words.json

EXAMPLE is the built example `words` of wanjuan-filters. datatrove fetches its lists from GitHub; here it is
given ours, and where GitHub can be reached the lists are compared with those it pins.
"""
import collections, io, json, pathlib, subprocess, sys
import datatrove
from datatrove.data import Document
from datatrove.pipeline.filters import c4_filters

ROOT = pathlib.Path(__file__).resolve().parents[3]
LISTS = {path.stem: path for path in sorted((ROOT / "filters/data/bad_words").glob("*.txt"))}
fetch = c4_filters.cached_asset_path_or_download
c4_filters.cached_asset_path_or_download = lambda url, **_: LISTS[url.rsplit("/", 1)[1]]
peer = c4_filters.C4BadWordsFilter()

def keeps(text, lang):
    return peer.filter(Document(text=text, id="0", metadata={"language": lang})) is True

def cases(lang):
    """Some of a list's words, alone and beside all that may or may not be a part of a word."""
    words = LISTS[lang].read_text().split("\n")[:-1]
    word, last = words[len(words) // 2], words[-1]
    yield from [word, word.upper(), words[0].title(), f" {last} ", f"x{word}", f"{word}x", f"{word}_", f"1{word}", f"²{word}", f"{word}Ⅷ"]
    yield from [f"({word})", f"{word}\n", f"{word}\u0301", f"字{word}字", f"क{word}ि", f"ि{word}", f"Ⓐ{word}", f"{word}\u200b{last}", f"{word},{last}x"]
    yield from ["".join(words[:3]), word[1:], f"{word} {word}", "", "\n", "SM グロ 女の子 性", "ΌΣΟΣ İ ẞ"]

def golden():
    rows = [{"lang": lang, "text": text, "keep": keeps(text, lang)} for lang in LISTS for text in cases(lang)]
    about = f"C4BadWordsFilter of datatrove {datatrove.__version__ if hasattr(datatrove, '__version__') else '0.10.1'}, Python {sys.version.split()[0]}; tests/conformance/datatrove/bad_words.py --golden"
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (ROOT / "filters/golden/bad_words.json").write_text(f'{{"about": {json.dumps(about)}, "rows": [\n{lines}\n]}}\n')
    print(len(rows), "rows,", sum(row["keep"] for row in rows), "kept")

def compare_lists():
    for lang in c4_filters._BADWORDS_LANGS:
        url = c4_filters._EN_BADWORDS_URL if lang == "en" else c4_filters._BADWORDS_URL + lang
        try:
            pinned = {line.strip() for line in open(fetch(url, namespace="filters", subfolder="c4_badwords"))}
        except Exception as error:
            print(f"the lists that datatrove pins cannot be had ({type(error).__name__})")
            return
        ours = set(LISTS[lang].read_text().split("\n")[:-1]) if lang in LISTS else set()
        if pinned != ours:
            print(f"list {lang}: {len(pinned - ours)} only pinned {sorted(pinned - ours)[:9]}, {len(ours - pinned)} only ours {sorted(ours - pinned)[:9]}")

def compare(example, files):
    import zstandard
    rows = []
    for name in files:
        with open(name, "rb") as file:
            for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8"):
                row = json.loads(line)
                # Every text by its own list, and by the lists of the two languages that differ most.
                rows += [{"lang": lang, "text": row["text"]} for lang in {row.get("lang"), "en", "zh"} if lang in LISTS]
    expected = [keeps(row["text"], row["lang"]) for row in rows]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    told = subprocess.run([example, "bad_words"], input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout.decode().split("\n")[:-1]
    equal, dropped, differ = 0, collections.Counter(), collections.Counter()
    for row, keep, line in zip(rows, expected, told, strict=True):
        ours = json.loads(line)["reason"] is None
        equal += ours == keep
        dropped[row["lang"]] += not keep
        if ours != keep:
            differ[row["lang"], keep] += 1
    print(f"{equal} of {len(rows)} verdicts equal; datatrove drops {sum(dropped.values())}: {dict(dropped.most_common(12))}")
    for (lang, keep), count in differ.most_common():
        print(f"    {count} of {lang}: datatrove {'keeps' if keep else 'drops'}, we do not")
    compare_lists()
    return equal == len(rows)

if sys.argv[1] == "--golden":
    golden()
else:
    sys.exit(0 if compare(sys.argv[1], sys.argv[2:]) else 1)
