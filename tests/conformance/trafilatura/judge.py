"""Scores what others and we take for the main text of pages against what a person would keep."""
import collections, io, json, logging, re, subprocess, sys, time
import lxml.html, readability, trafilatura, zstandard
from resiliparse.extract.html2text import extract_plain_text

binary, *files = sys.argv[1:]
logging.disable(logging.CRITICAL)

# As in filters/benches/gold: words, and each Han character, kana and hangul syllable; shingles of four.
ALONE = "々〇\u3041-\u3096\u30a1-\u30faー\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff"
TOKEN = re.compile(f"[{ALONE}]|[^\\W{ALONE}]+")

def shingles(text):
    tokens = TOKEN.findall(text)
    size = max(1, min(4, len(tokens)))
    return collections.Counter(zip(*(tokens[start:] for start in range(size))))

def score(found, gold):
    found, gold = shingles(found), shingles(gold)
    both, found, gold = (found & gold).total(), found.total(), gold.total()
    return (both / found if found else float(not gold)), (both / gold if gold else float(not found))

def by_readability(html):
    try:
        return lxml.html.fromstring(readability.Document(html).summary()).text_content()
    except Exception:  # pages it takes for empty
        return ""

def by_ours(pages):
    lines = "".join(json.dumps({"html": page}) + "\n" for page in pages)
    done = subprocess.run([binary], input=lines.encode(), capture_output=True, check=True)
    return [json.loads(line)["text"] for line in done.stdout.splitlines()], float(done.stderr.split()[0])

def timed(extract):
    def run(pages):
        extract(pages[0])  # what is loaded on first use
        start = time.process_time()
        texts = [extract(page) for page in pages]
        seconds = time.process_time() - start
        return texts, sum(len(page.encode()) for page in pages) / 1e6 / seconds
    return run

TOOLS = {
    "ours": by_ours,
    "trafilatura": timed(lambda page: trafilatura.extract(page, include_comments=False) or ""),
    "trafilatura, recall": timed(lambda page: trafilatura.extract(page, include_comments=False, favor_recall=True) or ""),
    "resiliparse": timed(lambda page: extract_plain_text(page, main_content=True)),
    "readability-lxml": timed(by_readability),
}

failed = False
for name in files:
    with open(name, "rb") as file:
        rows = [json.loads(line) for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8")]
    print(f"{name.rsplit('/', 1)[-1]}: {len(rows)} pages")
    best = {}
    for tool, run in TOOLS.items():
        texts, rate = run([row["html"] for row in rows])
        scores = collections.defaultdict(list)
        for row, text in zip(rows, texts, strict=True):
            scores[row["source"]].append(score(text, row["gold"]))
        if len(scores) > 1:
            scores["all"] = [one for source in scores.values() for one in source]
        print(f"  {tool:<20} {rate:.2f} MB/s")
        for source, of_pages in scores.items():
            precision, recall = (sum(column) / len(column) for column in zip(*of_pages))
            best[tool] = f1 = 2 * precision * recall / (precision + recall)
            print(f"      {source:<46} {len(of_pages):>4} pages  P {precision:.3f}  R {recall:.3f}  F1 {f1:.3f}")
    failed |= best["ours"] < max(best.values())
sys.exit(1 if failed else 0)
