"""Judges URLs with datatrove's URLFilter and with `url_lists@datatrove`, and compares the reasons.

    url.py BINARY DOMAINS URLS FILE...           compares; DOMAINS and URLS are lists to block
    url.py --golden DOMAINS URLS FILE...         prints datatrove's reasons, for filters/golden/url_lists.tsv

Files are plain or .zst; URLs are taken out of their text wherever one stands. From every 50th line of DOMAINS and
every 5th of URLS, spellings of a URL are made as well: subdomains, capitals, ports, users, paths."""
import collections, io, json, os, re, subprocess, sys, time, warnings
os.environ["TLDEXTRACT_PUBLIC_SUFFIX_LIST_URLS"] = ""  # the snapshot of the package, not today's list
import datatrove, tldextract, zstandard
from datatrove.data import Document
from datatrove.pipeline.filters import URLFilter
from datatrove.pipeline.filters.url_filter import ASSETS_PATH

warnings.simplefilter("ignore")
binary, domains, urls, *files = sys.argv[1:]
golden = binary == "--golden"
FOUND = re.compile(r"https?://[^\s\"'<>)\\\]}]+")
REASONS = {
    "domain": "blocked_domain", "subdomain": "blocked_domain", "url": "blocked_url", "hard_blacklisted": "banned_words_in_url",
    "soft_blacklisted": "soft_banned_words_in_url", "blacklisted_subword": "banned_substrings_in_url",
}

def opened(name):
    file = open(name, "rb")
    return io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file) if name.endswith(".zst") else file, "utf-8", "replace")

def spellings():
    for number, host in enumerate(open(domains).read().split()[::1 if golden else 50]):
        yield (f"http://{host}/", f"https://www.{host}/a?b=c", f"http://a.b.{host}:80/x#y", f"http://{host.upper()}/",
            f"http://u:p@{host}./", f"{host}/x", f"http://not{host}/", f"http://{host}.example.com/", f"http://{host}。/")[number % 9]
    for number, url in enumerate(open(urls).read().split()[:: 1 if golden else 5]):
        yield (f"http://{url}", url, f"https://{url}/", f"http://{url.swapcase()}", f"http://{url}?a")[number % 5]

found = dict.fromkeys(spellings())
for name in files:
    for line in opened(name):
        found.update(dict.fromkeys(FOUND.findall(line)))
found = [url for url in found if "\t" not in url]

def words(name):
    return open(f"{ASSETS_PATH}/{name}.txt").readlines()

peer = URLFilter(
    extra_domains=open(domains), extra_urls=open(urls), use_integrated_lists=False,
    banned_words=words("banned_words"), soft_banned_words=words("soft_banned_words"), banned_subwords=words("banned_subwords"),
)

def judged(url):
    verdict = peer.filter(Document(text="", id="0", metadata={"url": url}))
    return "-" if verdict is True else REASONS[verdict[1]]

judged("http://example.com/")
start = time.process_time()
expected = [judged(url) for url in found]
seconds = time.process_time() - start

if golden:
    print(f"# URLFilter of datatrove 0.10.1 with tldextract {tldextract.__version__}, its snapshot of the public suffix list.")
    print("# Made by tests/conformance/datatrove/url.py --golden; README.md says from what.")
    for kind, name in (("domain", domains), ("url", urls)):
        for line in open(name).read().split():
            print(f"{kind}\t{line}")
    for url, reason in zip(found, expected):
        print(f"{reason}\t{url}")
    sys.exit()

settings = f"block_domains = [{json.dumps(os.path.abspath(domains))}]\nblock_urls = [{json.dumps(os.path.abspath(urls))}]"
lines = "".join(json.dumps(url) + "\n" for url in found)
ours = subprocess.run([binary, settings], input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout.decode().split()
kinds = collections.Counter((wanted, found) for wanted, found in zip(expected, ours, strict=True))
equal = sum(count for (wanted, found), count in kinds.items() if wanted == found)
print(f"url_lists            {equal} of {len(found)} reasons equal ({equal / len(found):.3%}); datatrove {len(found) / seconds:.0f} URLs/s")
for (wanted, found_), count in kinds.most_common():
    print(f"    {count:>6}  datatrove {wanted}, ours {found_}")
for url, wanted, reason in [(u, w, r) for u, w, r in zip(found, expected, ours) if w != r][:40]:
    print(f"    {url[:120]}  datatrove {wanted}, ours {reason}")
sys.exit(0 if equal > 0.995 * len(found) else 1)
