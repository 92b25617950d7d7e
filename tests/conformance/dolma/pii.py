"""Compares `pii@dolma` with Dolma's tagger `pii_regex_with_counts_fast_v2` and what its mixer does with the spans.

    pii.py BINARY DOLMA FILE.jsonl.zst...

BINARY is `cargo build --profile bench -p wanjuan-filters --example rewrite`, DOLMA the folder of an unpacked wheel
(see run.sh). The mixer's replacement (`span_replacement` of configs/dolma-v1_5/mixing) is done here in a few lines:
spans of the text in order, those that overlap an earlier one left. Equal texts and equal drops are wanted. With
`--golden DOLMA`, writes cases and answers to stdout instead."""
import importlib.util, io, json, re, subprocess, sys, time, types
from dataclasses import dataclass

CASES = [
    "", "mail jane@doe.com now", "中文jane@doe.com 中文", "a@b.com, c@d.com; e@f.org.\n", "no end a@b.com", "( (@b.com x", "(a@b.com) x", "x@y z@w.v t", "a@b@c.de f",
    "call (212) 555-1234 now", "212-555-1234", " 212.555.1234", "tel 2125551234567", "tel 1 212 555 1234\n 212 555 1234", "１ ２１２ ５５５ １２３４",
    "8.8.8.8 and 10.0.0.1", "1.2.3.4567 999.1.1.1 1.2.3.4.5.6.7.8", "v8.8.8.8x", "a.b 8.8.8.8", "x\u00a0@b.com y", "x\x1c212 555 1234", "x@b.com\u3000y",
    "to a@b.com now\nat (212) 555-1234 or 10.0.0.1!", "x a@b.com x\n" * 5, "x a@b.com x\n" * 6, "u@8.8.8.8 x", "u@212.555.1234 8.8.8.8 212 555 1234 x", "a@b.c\r\nd@e.f\r\n", "..@a.b@c.d ,,e@f.g?? x",
]
MARKS = {"EMAIL_ADDRESS": "\ue000", "PHONE_NUMBER": "\ue001", "IP_ADDRESS": "\ue002"}
MOST = 5

def tagger(folder):
    """The tagger's file and nothing else of the package, which would want cloud storage and more."""
    @dataclass
    class Span:
        start: int
        end: int
        type: str
        score: float = 1.0
        def __len__(self):
            return self.end - self.start

    @dataclass
    class TextSlice:
        doc: str
        start: int
        end: int
        @property
        def text(self):
            return self.doc[self.start : self.end]

    for name in ("dolma", "dolma.core", "dolma.core.data_types", "dolma.core.registry", "dolma.core.taggers", "dolma.core.utils", "dolma.taggers", "necessary"):
        sys.modules[name] = types.ModuleType(name)
    vars(sys.modules["dolma.core.data_types"]).update(DocResult=lambda doc, spans: spans, Document=None, Span=Span, TextSlice=TextSlice)
    vars(sys.modules["dolma.core.registry"]).update(TaggerRegistry=types.SimpleNamespace(add=lambda name: lambda tagger: tagger))
    vars(sys.modules["dolma.core.taggers"]).update(BaseTagger=object)
    class necessary:
        def __init__(self, *_, **__): pass
        def __enter__(self): return False
        def __exit__(self, *_): pass
    vars(sys.modules["necessary"]).update(necessary=necessary)
    # The package's own function, taken out of its file.
    with open(f"{folder}/dolma/core/utils.py") as file:
        source = file.read()
    body = re.search(r"^def split_paragraphs.*?(?=^\S)", source, re.S | re.M).group()
    scope = {"TextSlice": TextSlice, "List": list, "re": re}
    exec("from __future__ import annotations\n" + body, scope)
    vars(sys.modules["dolma.core.utils"]).update(split_paragraphs=scope["split_paragraphs"])
    spec = importlib.util.spec_from_file_location("dolma.taggers.pii", f"{folder}/dolma/taggers/pii.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.FastPiiRegex()

def answer(peer, text):
    spans = peer.predict(types.SimpleNamespace(text=text))
    [count] = [span.score for span in spans if span.type == "doc_count"]
    if count > MOST:
        return None
    out, at = "", 0
    for span in sorted((span for span in spans if span.type in MARKS), key=lambda span: span.start):
        if span.start >= at:
            out += text[at : span.start] + MARKS[span.type]
            at = span.end
    return out + text[at:]

SETTINGS = 'rules = "dolma"\npublic_ips_only = false\nmax_found = 5\nid_card = "off"\nbank_card = "off"\nsecret = "off"\nemail_replacements = ["\\uE000"]\nphone_replacements = ["\\uE001"]\nip_replacements = ["\\uE002"]'

if sys.argv[1] == "--golden":
    peer = tagger(sys.argv[2])
    for text in CASES:
        print(json.dumps([text, answer(peer, text)], ensure_ascii=False))
    sys.exit()

import zstandard
binary, folder, *files = sys.argv[1:]
peer = tagger(folder)
texts = list(CASES)
for name in files:
    with open(name, "rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8"):
            texts.append(json.loads(line)["text"])
start = time.process_time()
expected = [answer(peer, text) for text in texts]
seconds = time.process_time() - start
lines = ("\n".join(json.dumps(text) for text in texts) + "\n").encode()
run = lambda *more: subprocess.run([binary, "pii", SETTINGS, *more], input=lines, stdout=subprocess.PIPE, check=True).stdout.decode()
ours = [text if reason == "-" else None for reason, text in map(json.loads, run().rstrip("\n").split("\n"))]
differ = [(a, b) for a, b in zip(expected, ours, strict=True) if a != b]
megabytes = sum(len(text.encode()) for text in texts) / 1e6
found = [sum(text.count(mark) for text in expected if text) for mark in MARKS.values()]
print(f"{len(texts)} documents, {megabytes:.1f} MB, {sum(text is None for text in expected)} dropped; {found[0]} e-mail addresses, {found[1]} phone numbers, {found[2]} IP addresses in the others; {len(differ)} documents differ")
print(f"Dolma {megabytes / seconds:.1f} MB/s, ours {run('--time').strip()}, each on one thread")
for a, b in differ[:10]:
    if a is None or b is None:
        print("dropped by", "Dolma" if a is None else "us", "alone:", repr((a or b)[:80]))
        continue
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    print("theirs", repr(a[max(0, at - 40) : at + 40]), "\nours  ", repr(b[max(0, at - 40) : at + 40]))
sys.exit(bool(differ))
