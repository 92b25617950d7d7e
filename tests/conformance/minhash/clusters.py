"""Clusters and survivors of datatrove and of `minhash` with its profile, over the same documents:

    python clusters.py WANJUAN LANGS FILE.jsonl.zst...

LANGS as in `run.sh`, whose packages this needs. All four of datatrove's steps are run as they are (signatures, buckets,
clusters, filter); its survivors are the roots of its union by size, so that which one of a cluster stays is its own. Ours
are marked, not dropped. Prints the clusters and how many are the same sets of documents, the documents that either keeps,
and the CPU-seconds of both. Exits 1 if a cluster differs.
GOLDEN=FILE writes the clusters of more than one document to it: a line of ids for each.
"""
import io, json, os, resource, subprocess, sys, tempfile, time
import zstandard


def documents(langs, files):
    for name in files:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(open(name, "rb")), "utf-8"):
            row = json.loads(line)
            if langs == "all" or row["lang"] in langs.split(","):
                yield row["text"]


def theirs(texts, zh, work):
    """The cluster of each document that is in one, and the documents that stay."""
    from datatrove.data import Document
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
    from datatrove.utils.hashing import HashConfig
    config = MinhashConfig(hash_config=HashConfig(hash_fc="xxhash"))
    rows = lambda: (Document(text=text, id=str(number)) for number, text in enumerate(texts))
    MinhashDedupSignature(f"{work}/signatures", config, language="cmn_Hani" if zh else "eng_Latn").run(rows(), 0, 1)
    for bucket in range(config.num_buckets):
        MinhashDedupBuckets(f"{work}/signatures", f"{work}/buckets", config=config).run(None, bucket, config.num_buckets)
    MinhashDedupCluster(f"{work}/buckets", f"{work}/clusters", config=config, save_cluster_id=True).run(None, 0, 1)
    stay = {int(document.id) for document in MinhashDedupFilter(f"{work}/clusters").run(rows(), 0, 1)}
    found = {}
    with open(f"{work}/clusters/000000.clusters", "rb") as file:
        while pair := file.read(8):
            found[int.from_bytes(pair[:4], "little")] = int.from_bytes(pair[4:], "little")
    return found, stay


def ours(wanjuan, texts, zh, work):
    with open(f"{work}/in.jsonl", "w") as out:
        for number, text in enumerate(texts):
            out.write(json.dumps({"id": str(number), "text": text}, ensure_ascii=False) + "\n")
    words = 'words = "chinese"' if zh else ""
    with open(f"{work}/pipeline.toml", "w") as out:
        out.write(f"""[pipeline]
name = "clusters"
output = "out"
[[source]]
name = "raw"
use = "jsonl"
paths = ["in.jsonl"]
[[step]]
use = "minhash"
profile = "datatrove"
action = "mark"
{words}
[[sink]]
name = "all"
use = "jsonl"
compression = "none"
""")
    subprocess.run([wanjuan, "run", f"{work}/pipeline.toml", "--threads", "1"], check=True, stderr=subprocess.DEVNULL)
    found, stay = {}, set()
    for name in sorted(os.listdir(f"{work}/out/all")):
        if name.endswith(".jsonl"):
            for line in open(f"{work}/out/all/{name}"):
                row = json.loads(line)
                number = int(row["id"])
                if "kept_instead" in row:
                    found[number] = int(row["kept_instead"].rsplit("#", 1)[1])
                else:
                    stay.add(number)
                    if row["cluster_size"] > 1:
                        found[number] = number
    return found, stay


def sets(found):
    clusters = {}
    for number, cluster in found.items():
        clusters.setdefault(cluster, set()).add(number)
    return {frozenset(members) for members in clusters.values()}


def main(wanjuan, langs, *files):
    texts, zh = list(documents(langs, files)), langs.startswith("zh")
    with tempfile.TemporaryDirectory() as work:
        start = time.process_time()
        (their_found, their_stay), their_seconds = theirs(texts, zh, work), time.process_time() - start
        our_found, our_stay = ours(os.path.abspath(wanjuan), texts, zh, work)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    one, other = sets(their_found), sets(our_found)
    print(f"{langs}: {len(texts)} documents; clusters: datatrove {len(one)} of {len(their_found)} documents, ours {len(other)} of {len(our_found)}, the same {len(one & other)}")
    print(f"  stay: datatrove {len(their_stay)}, ours {len(our_stay)}, the same documents {len(their_stay & our_stay)}")
    print(f"  CPU-seconds: datatrove {their_seconds:.1f}, ours {usage.ru_utime + usage.ru_stime:.1f}")
    if golden := os.environ.get("GOLDEN"):
        with open(golden, "w") as out:
            for cluster in sorted(sorted(cluster) for cluster in one):
                out.write(" ".join(map(str, cluster)) + "\n")
    sys.exit(one != other)


main(*sys.argv[1:])
