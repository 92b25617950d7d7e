"""Compares `refinedweb_lines` with the line modifiers of mlfoundations/dclm (361714b), run from a checkout.

    refinedweb_lines.py CHECKOUT BINARY FILE.jsonl.zst...

BINARY is `cargo build --profile bench -p wanjuan-filters --example rewrite`. With `--golden CHECKOUT`, writes
cases and answers to stdout instead. Words are counted as `fasttext.tokenize` cuts them."""
import importlib.util, io, json, re, subprocess, sys, types

golden = "--golden" in sys.argv
checkout, *rest = [argument for argument in sys.argv[1:] if argument != "--golden"]
# The module imports what its other functions need.
class Anything(types.ModuleType):
    def __getattr__(self, name):
        if name == "CONTENT":
            return "text"
        return (lambda function: function) if name == "factory_function" else Anything(name)
for name in ["justext", "lxml", "lxml.etree", "retrie", "retrie.retrie", "bs4", "core", "core.constants", "core.factory_utils", "baselines", "baselines.mappers", "baselines.mappers.core_utils"]:
    sys.modules[name] = Anything(name)
spec = importlib.util.spec_from_file_location("modifiers", f"{checkout}/baselines/mappers/modifiers.py")
m = importlib.util.module_from_spec(spec)
spec.loader.exec_module(m)

# baselines/baselines_configs/dclm_baseline_refinedweb.yaml
STEPS = [
    lambda page: m.uppercase_ratio_line_modifier(page, max_ratio=0.5),
    lambda page: m.numeric_ratio_line_modifier(page, max_ratio=0.999999),
    m.counter_line_modifier(),
    lambda page: m.line_length_modifier(page, min_length=2),
    m.substring_line_modifier("items in cart", max_length=10, remove_substring_only=True),
    m.substring_line_modifier("Read more...", location="suffix", max_length=10, remove_substring_only=True),
    m.substring_line_modifier("Sign-in", location="prefix", max_length=10, remove_substring_only=True),
]

def words(text):
    return sum(1 for word in re.split("[ \n\r\t\v\f\0]+", text) if word and word[0].isalnum())

def judge(text):
    page, before = {"text": text}, words(text)
    for step in STEPS:
        if not step(page):
            return False, ""
    if before == 0 or (before - words(page["text"])) / before > 0.05:
        return False, ""
    return True, page["text"]

FILL = "it is a line of more than a few words that stays where it is and goes on and on until there are enough of them here"
PIECES = ["", " ", "Home", "ABOUT US", "AB cd", "ABC d", "AbCdE", "2024", " 12 ", "１２", "²³", "①", "1.2k Views!", "3 likes", "- 3,100 comments -", "3 likes now", "2 items in cart", "Items in CART 3", "on and on Read more...", "read more > >", "Sign-in", "sign-in to go on", "Sign-in\u00a0x", "一行", "一行 两", "a\u1d2cb c", "ǅǅ ǅ", "\u001c\u001d", "x\u001cy", "one two three four five six seven eight nine Read more..."]
CASES = ["", "\n", "Home", "- - -"] + [f"{FILL}\n{piece}\n{FILL} {FILL}" for piece in PIECES] + [f"{piece}\n{FILL} {FILL}" for piece in PIECES] + [f"  {FILL}\n{piece}\n\n{piece} " for piece in PIECES]

if golden:
    for text in CASES:
        print(json.dumps([text, *judge(text)], ensure_ascii=False))
    sys.exit()

import zstandard
binary, *files = rest
texts = list(CASES)
for name in files:
    with open(name, "rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8"):
            texts.append(json.loads(line)["text"])
expected = [judge(text) for text in texts]
lines = ("\n".join(json.dumps(text) for text in texts) + "\n").encode()
told = subprocess.run([binary, "refinedweb_lines", ""], input=lines, stdout=subprocess.PIPE, check=True).stdout.decode()
ours = [json.loads(line) for line in told.rstrip("\n").split("\n")]
ours = [(reason == "-", text if reason == "-" else "") for reason, text in ours]
differ = [(text, a, b) for text, a, b in zip(texts, expected, ours, strict=True) if a != b]
print(f"{len(texts)} documents, {sum(kept for kept, _ in expected)} kept, {len(differ)} differ")
for text, a, b in differ[:10]:
    at = next((i for i, (x, y) in enumerate(zip(a[1], b[1])) if x != y), min(len(a[1]), len(b[1])))
    print(a[0], repr(a[1][max(0, at - 40) : at + 40]), b[0], repr(b[1][max(0, at - 40) : at + 40]))
sys.exit(bool(differ))
