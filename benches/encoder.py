"""How busy an encoder keeps its threads in a whole run, one and two of them:

    benches/encoder.py WANJUAN MODEL_FOLDER FILE.jsonl.zst [PRECISION]

MODEL_FOLDER has a head. The share is the time in the model, as the summary tells it, of threads times the whole time of the
program: reading, cutting into tokens, sorting and writing are in the rest, and so is a thread that has no more work.
"""
import pathlib, re, resource, subprocess, sys, tempfile, time

wanjuan, model, file = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
precision = sys.argv[4] if len(sys.argv) > 4 else "f32"
label = next(iter(__import__("json").loads((model / "config.json").read_text())["id2label"].values()))
for threads in (1, 2):
    with tempfile.TemporaryDirectory() as folder:
        pipeline = pathlib.Path(folder, "pipeline.toml")
        pipeline.write_text(f"""
[pipeline]
name = "busy"
output = "out"
[[source]]
name = "texts"
use = "jsonl"
paths = ["{file}"]
[[step]]
use = "encoder"
model = "{model}"
scores = {{ score = "{label}" }}
precision = "{precision}"
[[sink]]
name = "scored"
use = "jsonl"
""")
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
        run = subprocess.run([wanjuan, "run", pipeline, "--threads", str(threads)], check=True, stdout=subprocess.PIPE, text=True)
        seconds, after = time.time() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        told = next(line for line in run.stdout.splitlines() if "in the model" in line).strip()
        in_model = float(re.search(r"([\d.]+) s in all", told).group(1))
        tokens = int(re.search(r"([\d,]+) tokens", told).group(1).replace(",", ""))
        print(f"{threads} threads, {precision}: {in_model:.1f} s in the model of {threads} x {seconds:.1f} s: {in_model / seconds / threads:.1%}; "
              f"{cpu:.1f} CPU-seconds, {tokens / cpu:.0f} tokens of each")
