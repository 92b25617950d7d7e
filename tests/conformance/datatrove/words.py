"""Compares words with those of spaCy's blank pipelines, which datatrove cuts many languages by.

    words.py BINARY CODE WORDS LANGS FILE.jsonl.zst...        as in: words.py BINARY fr french all raw.jsonl.zst

BINARY is `cargo build --profile bench -p wanjuan-filters --example segment`. LANGS selects rows by their `lang`.
    words.py --exceptions > filters/data/spacy.txt
    words.py --french > filters/data/spacy-fr.txt
write what spaCy keeps by name and by pattern, in our form."""
import collections, json, pathlib, subprocess, sys
import spacy
from spacy.attrs import ORTH

CODES = ["en", "de", "fr", "es", "ar", "ru", "xx"]

def exceptions():
    def of(code):
        rules = spacy.blank(code).tokenizer.rules
        return {tuple(part[ORTH] for part in parts) for chunk, parts in rules.items() if len(chunk.encode()) > 1 and not any(map(str.isspace, chunk))}
    known = {code: of(code) for code in CODES}
    shared = set.intersection(*known.values())
    print("# Chunks that are words, or are cut in a way of their own: the language (`all`, `xx` for none in particular),")
    print(f"# then the parts. From spaCy {spacy.__version__}, `tokenizer_exceptions.py` of the languages; white space left out.")
    for code, entries in [("all", shared)] + [(code, entries - shared) for code, entries in known.items()]:
        print("".join(f"{code} {' '.join(parts)}\n" for parts in sorted(entries, key=lambda parts: ("".join(parts), parts))), end="")

def french():
    import spacy.lang.fr.tokenizer_exceptions as rules
    letter, hyphen, elision = f"[{rules.ALPHA_LOWER}]", f"[{rules.HYPHENS}]", f"[{rules.ELISION}]"
    written = set()
    for pattern in rules._regular_exp:
        tail = f"{letter}[{rules.HYPHENS}{rules.ALPHA_LOWER}{rules.ELISION}]*"
        pattern = pattern.removeprefix("^").removesuffix("$").replace(tail, "…").replace(letter, "~").replace(f"[{rules.ALPHA}]", "~")
        written.add(pattern.replace(hyphen, "-").replace(elision, "'"))
    written = {pattern for pattern in written if " " not in pattern}  # no chunk has a space
    between = [pattern for pattern in written if pattern.startswith("~+-")]
    middles = [pattern.removeprefix("~+-").removesuffix("-(?:l')?~+") for pattern in sorted(between)]
    print("# French words that stay whole though there is a hyphen or an apostrophe in them, one pattern a line:")
    print("# `-` is any hyphen, `'` any apostrophe, `~` a letter, `…` letters, hyphens and apostrophes, a letter first.")
    print("\n".join(sorted(written - set(between)) + [f"~+-(?:{'|'.join(middles)})-(?:l')?~+"]))

def compare(binary, code, words, langs, *files):
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
    import gopher

    texts = gopher.read(files, langs.split(","))
    lines = "\n".join(json.dumps(text) for text in texts) + "\n"
    told = subprocess.run([binary, words], input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout.decode()
    peer = spacy.blank(code)
    peer.max_length = 1 << 30
    same, number, differ = 0, 0, collections.Counter()
    for text, line in zip(texts, told.rstrip("\n").split("\n"), strict=True):
        ours = json.loads(line)
        with peer.memory_zone():
            wanted = [word for word in (token.text.strip() for token in peer.tokenizer(text)) if word]
        same += ours == wanted
        number += len(wanted)
        if ours != wanted:
            differ.update({word: count for word, count in (collections.Counter(wanted) - collections.Counter(ours)).items()})
    share = same / len(texts)
    print(f"{words}: {same} of {len(texts)} texts ({share:.2%}) have the same words as spaCy {spacy.__version__} ({code}); {sum(differ.values())} of {number} words are not ours")
    for word, count in differ.most_common(40):
        print(f"    {count:>5}  {word[:60]!r}")
    return share

match sys.argv[1:]:
    case ["--exceptions"]:
        exceptions()
    case ["--french"]:
        french()
    case arguments:
        sys.exit(1 if compare(*arguments) < 0.995 else 0)
