"""Runs DCLM's content filters and ours over the same texts."""
import os, signal, sys, types
sys.path.insert(0, __file__.rsplit("/", 2)[0])
import gopher

binary, checkout, langs, *files = sys.argv[1:]
sys.path[:0] = [checkout, f"{checkout}/baselines"]
for name in ("transformers", "blingfire", "unidecode"):  # imported by the modules, and not used by these filters
    try:
        __import__(name)
    except ImportError:
        sys.modules[name] = types.SimpleNamespace(AutoTokenizer=None, unidecode=None)
from baselines.mappers.filters import content_filters as peer

texts = gopher.read(files, langs.split(","))

def quality(text):
    page = {"text": text}
    rules = {
        "too_few_words": lambda: peer.page_length_filter(page, "word", min_length=50, ignore_punctuation=True),
        "too_many_words": lambda: peer.page_length_filter(page, "word", min_length=0, max_length=100000, ignore_punctuation=True),
        "mean": lambda: peer.word_length_filter(page, min_length=3, max_length=10),
        "symbols": lambda: peer.symbol_ratio_filter(page, max_symbol_to_word_ratio=0.1),
        "bullets": lambda: peer.bullet_count_filter(page, max_bullet_start_ratio=0.9),
        "ellipses": lambda: peer.ellipsis_count_filter(page, max_ellipsis_end_ratio=0.3),
        "alphabetic": lambda: peer.alphabetic_word_ratio_filter(page, max_ratio=0.2),
        "stop_words": lambda: peer.stop_word_filter(page, count_unique=False, min_stop_word=2),
    }
    return {rule for rule, keeps in rules.items() if not keeps()}

GRAINS = {"lines": ("line", 0.3, False), "paragraphs": ("paragraph", 0.3, False), "line_chars": ("line", 0.2, True), "paragraph_chars": ("paragraph", 0.2, True)}
GRAINS |= {rule: (int(rule[4:]), limit[2], True) for rule, limit in gopher.LIMITS.items() if rule[:4] in ("top_", "dup_")}

def repetition(text):
    page, cache = {"text": text}, {}
    if not text.strip():
        return {"empty"} if not peer.massive_web_repetition_filters(page) else set()
    return {rule for rule, (grain, most, chars) in GRAINS.items() if not peer.repetition_filter(page, grain, most, count_characters=chars, cache=cache)}

# uniseg looks back over every mark that joins no word, so that some texts take it minutes.
limit, left = int(os.environ.get("SECONDS_EACH", 0)), 0
def out_of_time(*_):
    raise TimeoutError
signal.signal(signal.SIGALRM, out_of_time)

judged = []
for text in texts:
    signal.alarm(limit)
    try:
        judged.append((text, quality(text), repetition(text)))
    except TimeoutError:
        left += 1
    signal.alarm(0)
texts, qualities, repetitions = zip(*judged)
print(f"{len(texts)} texts judged, of which {sum(len(text) > 12000 for text in texts)} have more than 12,000 characters; {left} took the peer more than {limit} s")

QUALITY = ["too_few_words", "too_many_words", "mean", "symbols", "bullets", "ellipses", "alphabetic", "stop_words"]
shares = [
    gopher.compare("gopher_quality@dclm", texts, gopher.ours(binary, "gopher_quality@dclm", texts), qualities, QUALITY),
    gopher.compare("gopher_repetition@dclm", texts, gopher.ours(binary, "gopher_repetition@dclm", texts), repetitions, list(GRAINS)),
]
sys.exit(1 if min(shares) < 0.995 else 0)
