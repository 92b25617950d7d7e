"""Compares what `pii` finds under its profile `datatrove` with datatrove's PIIFormatter.

    pii.py BINARY FILE.jsonl.zst...

BINARY is `cargo build --profile bench -p wanjuan-filters --example rewrite`. Each find becomes one mark, the
same in both, so that equal texts mean equal spans. With `--golden`, writes cases and answers to stdout instead."""
import io, json, subprocess, sys, time
import zstandard
from datatrove.pipeline.formatters.pii import PIIFormatter

CASES = [
    "", "mail jane@doe.com now", "中文jane@doe.com中文", "中-a@b.com", "x.@b.com a..b@c.com .a@b.com", "a@b.com.1.2.3.4", "a@b_c.com a@b.c_1.2.3.4",
    "a@b-.com a@b.c- a@-b.com", "é@b.com éa@b.com #a@b.com '#a@b.com", "a@b.c@d.e@f.gh", "a@[1.2.3.4:] a@[1.2.3.x-y:] a@[1.2.3.4]", "a@b a@b. @b.com",
    "8.8.8.8 and 10.0.0.1", "1234.5.6.7 1.2.3.4567 999.1.1.1", "1.2.3.4.5.6.7.8", "01.2.3.4 192.0.2.1 224.0.0.1 240.0.0.1 100.64.0.1 192.0.0.8",
    "v8.8.8.8x", "256.8.8.8.8", "25.255.255.2555 2.2.2.260", "地址8.8.8.8。", "user+tag@sub.example.co.uk, <x@y.zw>", "a@b.com8.8.8.8 8.8.8.8@b.com", "8.8.8.08",
    "１２＠ｑｑ．ｃｏｍ", "mailto:a@b.com?subject=x", "http://u:p@8.8.8.8/", "_a@b.com ²a@b.com ①a@b.com aा@b.com", "172.16.0.1 172.32.0.1 169.254.0.1 198.18.0.1 198.20.0.1",
]
SETTINGS = 'rules = "datatrove"\nphone = "off"\nid_card = "off"\nbank_card = "off"\nsecret = "off"\nemail_replacements = ["\\uE000"]\nip_replacements = ["\\uE001"]'
peer = PIIFormatter(email_replacement="\ue000", ip_replacement="\ue001")

if "--golden" in sys.argv:
    for text in CASES:
        print(json.dumps([text, peer.format(text)], ensure_ascii=False))
    sys.exit()

binary, *files = sys.argv[1:]
texts = list(CASES)
for name in files:
    with open(name, "rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8"):
            texts.append(json.loads(line)["text"])
start = time.process_time()
expected = [peer.format(text) for text in texts]
seconds = time.process_time() - start
lines = ("\n".join(json.dumps(text) for text in texts) + "\n").encode()
run = lambda *more: subprocess.run([binary, "pii", SETTINGS, *more], input=lines, stdout=subprocess.PIPE, check=True).stdout.decode()
ours = [json.loads(line)[1] for line in run().rstrip("\n").split("\n")]
differ = [(a, b) for a, b in zip(expected, ours, strict=True) if a != b]
megabytes = sum(len(text.encode()) for text in texts) / 1e6
emails, ips = (sum(text.count(mark) for text in expected) for mark in "\ue000\ue001")
print(f"{len(texts)} documents, {megabytes:.1f} MB, {emails} e-mail and {ips} IP addresses; {len(differ)} documents differ")
print(f"datatrove {megabytes / seconds:.1f} MB/s, ours {run('--time').strip()}, each on one thread")
for a, b in differ[:10]:
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    print("theirs", repr(a[max(0, at - 40) : at + 40]), "\nours  ", repr(b[max(0, at - 40) : at + 40]))
sys.exit(bool(differ))
