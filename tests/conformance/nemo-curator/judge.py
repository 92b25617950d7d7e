"""Runs NeMo Curator's Gopher filters and ours over the same texts."""
import importlib.util, os, subprocess, sys, types
sys.path.insert(0, __file__.rsplit("/", 2)[0])
import gopher

binary, folder, langs, lang, *files = sys.argv[1:]
# The filters' own files and nothing else of the package, which would want Ray, GPUs and more.
for name in ("nemo_curator", "nemo_curator.stages", "nemo_curator.stages.text", "nemo_curator.stages.text.filters", "nemo_curator.stages.text.utils"):
    sys.modules[name] = types.ModuleType(name)

def load(path):
    name = "nemo_curator.stages.text." + path.replace("/", ".")
    spec = importlib.util.spec_from_file_location(name, f"{folder}/nemo_curator/stages/text/{path}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module

load("utils/constants"), load("utils/text_utils"), load("filters/doc_filter")
string, repetition = load("filters/heuristic/string"), load("filters/heuristic/repetition/repetition")
# Of equally frequent runs the peer takes the first of a set of tuples, whose order changes with the seed of
# Python's hashes. Compared is the peer with a set that keeps the order of insertion; how far it agrees with
# itself as it is, is printed.
AS_IS = "AS_IS" in os.environ
if not AS_IS:
    repetition.set = dict.fromkeys

texts = gopher.read(files, langs.split(","))
QUALITY = {
    "too_few_words": string.WordCountFilter(50, 10**9, lang), "too_many_words": string.WordCountFilter(0, 100000, lang),
    "mean": string.MeanWordLengthFilter(lang=lang), "symbols": string.SymbolsToWordsFilter(lang=lang), "bullets": string.BulletsFilter(),
    "ellipses": string.EllipsisFilter(), "alphabetic": string.WordsWithoutAlphabetsFilter(lang=lang), "stop_words": string.CommonEnglishWordsFilter(),
}
REPETITION = {
    "lines": repetition.RepeatedLinesFilter(), "paragraphs": repetition.RepeatedParagraphsFilter(),
    "line_chars": repetition.RepeatedLinesByCharFilter(), "paragraph_chars": repetition.RepeatedParagraphsByCharFilter(),
    **{rule: repetition.RepeatingTopNGramsFilter(int(rule[4:]), limit[2], lang) for rule, limit in gopher.LIMITS.items() if rule.startswith("top_")},
    **{rule: repetition.RepeatingDuplicateNGramsFilter(int(rule[4:]), limit[2], lang) for rule, limit in gopher.LIMITS.items() if rule.startswith("dup_")},
}
fails = {}

def judged(rules, text):
    found = set()
    for rule, peer in rules.items():
        try:
            if not peer.keep_document(peer.score_document(text)):
                found.add(rule)
        except ZeroDivisionError:
            fails[rule] = fails.get(rule, 0) + 1
            if not text.strip():  # the original fails; such a text is empty to us
                return {"empty"} if rules is REPETITION else set(EMPTY)
    return found

EMPTY = {"too_few_words", "stop_words"}
settings = "" if lang == "en" else f'words = "{ {"zh": "chinese"}[lang] }"'
wanted = [judged(REPETITION, text) for text in texts]
if AS_IS:
    print("\n".join(" ".join(sorted(rules)) for rules in wanted))
    sys.exit(0)
raw = subprocess.run([sys.executable, *sys.argv], env=os.environ | {"AS_IS": "1"}, stdout=subprocess.PIPE, check=True)
raw = raw.stdout.decode().removesuffix("\n").split("\n")
same = sum((not rules) == (not other) for rules, other in zip(wanted, raw, strict=True))
print(f"{'the peer as it is':<32} {same} of {len(texts)} verdicts of repetition equal to those with ordered sets ({same / len(texts):.2%})")
shares = [
    gopher.compare("gopher_quality@nemo-curator", texts, gopher.ours(binary, "gopher_quality@nemo-curator", texts, settings), [judged(QUALITY, text) for text in texts], list(QUALITY)),
    gopher.compare("gopher_repetition@nemo-curator", texts, gopher.ours(binary, "gopher_repetition@nemo-curator", texts, settings), wanted, list(REPETITION)),
]
print("divisions by zero of the peer:", fails or "none")
sys.exit(1 if min(shares) < 0.995 else 0)
