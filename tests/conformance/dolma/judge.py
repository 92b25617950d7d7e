"""Runs Dolma's tagger `gopher_v1` with the thresholds of its mixer, and ours, over the same texts."""
import importlib.util, sys, types
sys.path.insert(0, __file__.rsplit("/", 2)[0])
import gopher

binary, folder, langs, *files = sys.argv[1:]
# The tagger's own file and nothing else of the package, which would want cloud storage and more.
for name in ("dolma", "dolma.core", "dolma.core.data_types", "dolma.core.registry", "dolma.core.taggers", "dolma.taggers"):
    sys.modules[name] = types.ModuleType(name)
registry = types.SimpleNamespace(add=lambda name: lambda tagger: tagger)
vars(sys.modules["dolma.core.data_types"]).update(DocResult=None, Document=None, Span=lambda *a, type=None, score=None: (type or a[2], score if score is not None else a[3]))
vars(sys.modules["dolma.core.registry"]).update(TaggerRegistry=registry)
vars(sys.modules["dolma.core.taggers"]).update(BaseTagger=object)
spec = importlib.util.spec_from_file_location("dolma.taggers.gopher", f"{folder}/dolma/taggers/gopher.py")
peer = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = peer
spec.loader.exec_module(peer)

texts = gopher.read(files, langs.split(","))
# configs/dolma-v1_5/mixing/cc-head.yaml, its `…_most_common_2gram` read as the tagger's `…_2grams`.
NAMES = {
    "too_few_words": "word_count", "too_many_words": "word_count", "median": "median_word_length", "symbols": "symbol_to_word_ratio",
    "alphabetic": "fraction_of_words_with_alpha_character", "stop_words": "required_word_count",
    "bullets": "fraction_of_lines_starting_with_bullet_point", "ellipses": "fraction_of_lines_ending_with_ellipsis",
    "lines": "fraction_of_duplicate_lines", "line_chars": "fraction_of_characters_in_duplicate_lines",
    **{f"top_{n}": f"fraction_of_characters_in_most_common_{n}grams" for n in (2, 3, 4)},
    **{f"dup_{n}": f"fraction_of_characters_in_duplicate_{n}grams" for n in range(5, 11)},
}
LIMITS = gopher.LIMITS | {"line_chars": ("dup_line_chars", None, 0.3)}
QUALITY = ["too_few_words", "too_many_words", "median", "symbols", "bullets", "ellipses", "alphabetic", "stop_words"]
REPETITION = [rule for rule in NAMES if rule not in QUALITY]

def judged(text):
    attributes = dict(peer.get_attributes(text).as_spans())
    rules = {rule for rule, name in NAMES.items() if name in attributes and gopher.broken({name: attributes[name]}, rule, {rule: (name, *LIMITS[rule][1:])})}
    return rules

wanted = [judged(text) for text in texts]
shares = [
    gopher.compare("gopher_quality@dolma", texts, gopher.ours(binary, "gopher_quality@dolma", texts), [rules & set(QUALITY) for rules in wanted], QUALITY, LIMITS),
    gopher.compare("gopher_repetition@dolma", texts, gopher.ours(binary, "gopher_repetition@dolma", texts), [rules & set(REPETITION) for rules in wanted], REPETITION, LIMITS),
]
sys.exit(1 if min(shares) < 0.995 else 0)
