"""Runs datatrove's filters and ours over the same texts and compares verdict and reason."""
import collections, io, json, pathlib, subprocess, sys, time
import zstandard
from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter

binary, rules, langs, *files = sys.argv[1:]
texts = []
for name in files:
    with open(name, "rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8"):
            row = json.loads(line)
            if langs == "all" or row.get("lang") in langs.split(","):
                texts.append(row["text"])

if rules.startswith("fineweb-2-"):
    # configs/*.yml of huggingface/fineweb-2 at 7ee60b3, for eight languages.
    language = rules.removeprefix("fineweb-2-")
    with open(pathlib.Path(__file__).with_name("fineweb-2.json"), encoding="utf-8") as file:
        config = json.load(file)[language]
    PEERS = [
        GopherRepetitionFilter(language=language, dup_para_frac=0, dup_line_char_frac=0, dup_para_char_frac=0, dup_line_frac=config["dup_line_frac"],
                               top_n_grams=config["top_n_grams"], dup_n_grams=config["dup_n_grams"]),
        GopherQualityFilter(language=language, max_avg_word_length=config["max_avg_word_length"], min_avg_word_length=config["min_avg_word_length"],
                            stop_words=config["stopwords"], max_non_alpha_words_ratio=config["max_non_alpha_words_ratio"], min_stop_words=2),
        C4QualityFilter(language=language, filter_no_terminal_punct=False, min_words_per_line=-1 if language == "cmn_Hani" else 3),
        FineWebQualityFilter(language=language, short_line_thr=999, char_duplicates_ratio=0.1, line_punct_thr=config["line_punct_thr"], new_line_ratio=config["new_line_ratio"]),
    ]
else:
    language = {"en": "eng_Latn", "zh": "cmn_Hani"}[rules]
    PEERS = [GopherRepetitionFilter(language=language), GopherQualityFilter(language=language),
             C4QualityFilter(language=language, filter_no_terminal_punct=False, min_words_per_line=-1 if rules == "zh" else 3), FineWebQualityFilter(language=language)]
NAMES = ["gopher_repetition", "gopher_quality", "c4_lines", "fineweb_quality"]
# Their reasons in our words.
WORDS = {
    "empty": "empty_text", "dup_para_frac": "duplicate_paragraphs", "dup_para_char_frac": "duplicate_paragraph_chars",
    "dup_line_frac": "duplicate_lines", "dup_line_char_frac": "duplicate_line_chars",
    **{f"top_{n}_gram": f"frequent_{n}gram" for n in (2, 3, 4)}, **{f"duplicated_{n}_n_grams": f"duplicate_{n}grams" for n in range(5, 11)},
    "gopher_short_doc": "too_few_words", "gopher_long_doc": "too_many_words", "gopher_below_avg_threshold": "words_too_short",
    "gopher_above_avg_threshold": "words_too_long", "gopher_too_many_hashes": "too_many_hashes", "gopher_too_many_ellipsis": "too_many_ellipses",
    "gopher_too_many_bullets": "too_many_bullet_lines", "gopher_too_many_end_ellipsis": "too_many_ellipsis_lines",
    "gopher_below_alpha_threshold": "too_few_alphabetic_words", "gopher_enough_stop_words": "too_few_stop_words",
    "line_punct_ratio": "too_few_ended_lines", "short_line_ratio": "too_many_short_lines", "char_dup_ratio": "duplicate_line_chars", "list_ratio": "too_many_lines",
}

def told(verdict):
    if verdict is True:
        return "-"
    reason = verdict[1] if isinstance(verdict, tuple) else "?"
    return WORDS.get(reason, reason)

def judged(peer, text):
    document = Document(text=text, id="0")
    try:
        return told(peer.filter(document)), document.text
    except Exception as error:  # a division by the number of words, where there are none
        return f"error: {type(error).__name__}", text

for peer in PEERS:
    judged(peer, "Warm up. The rules are loaded now.")
expected = [[judged(peer, text) for peer in PEERS] for text in texts]
start = time.process_time()
kept = 0
for text in texts:
    document = Document(text=text, id="0")
    try:
        kept += all(peer.filter(document) is True for peer in PEERS)
    except Exception:
        pass
seconds = time.process_time() - start

lines = "\n".join(json.dumps(text) for text in texts) + "\n"
ours = subprocess.run([binary, rules], input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout.decode().rstrip("\n").split("\n")
best = min((subprocess.run([binary, rules, "--time"], input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout.split() for _ in range(3)), key=lambda cells: float(cells[3]))
ours_kept, ours_seconds = int(best[0]), float(best[3])

failed = False
for column, name in enumerate(NAMES):
    kinds, verdicts, reasons = collections.Counter(), 0, 0
    for text, line, row in zip(texts, ours, expected, strict=True):
        cells = line.split("\t")
        found, (wanted, rewritten) = cells[column], row[column]
        same_verdict = (found == "-") == (wanted == "-")
        if name == "c4_lines" and found == wanted == "-":
            same_verdict = json.loads(cells[4]) == rewritten
        verdicts += same_verdict
        reasons += found == wanted
        if not same_verdict or found != wanted:
            kinds[(wanted, found)] += 1
    share = verdicts / len(texts)
    failed |= share < 0.995
    print(f"{name:<20} {verdicts} of {len(texts)} verdicts equal ({share:.2%}), {reasons} reasons")
    for (wanted, found), count in kinds.most_common(8):
        print(f"    {count:>4}  datatrove {wanted}, ours {found}")
size = sum(len(text.encode()) for text in texts)
print(f"datatrove: {kept} of {len(texts)} kept, {len(texts)/seconds:.0f} documents/s, {size/1e6/seconds:.2f} MB/s")
print(f"ours:      {ours_kept} of {len(texts)} kept, {len(texts)/ours_seconds:.0f} documents/s, {size/1e6/ours_seconds:.2f} MB/s: {seconds/ours_seconds:.0f} times")
sys.exit(1 if failed else 0)
