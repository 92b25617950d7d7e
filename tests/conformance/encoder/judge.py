"""Embeds the same texts with onnxruntime f32 on one thread, batches of like length, and with ours, by turns; rates and differences."""
import io, json, os, statistics, subprocess, sys, time
os.environ["OMP_NUM_THREADS"] = "1"
import numpy, onnxruntime, torch, zstandard
from tokenizers import Tokenizer
from transformers import AutoModel

binary, work, folder, count, rounds, precisions, documents = sys.argv[1:]

class Body(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

exported = f"{work}/model.onnx"
example, axes = torch.ones(2, 16, dtype=torch.long), {0: "batch", 1: "tokens"}
names = ["input_ids", "attention_mask"]
torch.onnx.export(Body(), (example, example), exported, input_names=names, output_names=["hidden"], opset_version=17, dynamo=False,
                  dynamic_axes={name: axes for name in [*names, "hidden"]})
tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
tokenizer.no_padding(); tokenizer.enable_truncation(json.load(open(f"{folder}/config.json"))["max_position_embeddings"])
tokenizer.encode_special_tokens = True  # special tokens that stand in a text are text
texts = []
with open(documents, "rb") as file:
    for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8"):
        if len(texts) == int(count): break
        texts.append(json.loads(line)["text"])
ids = [encoding.ids for encoding in tokenizer.encode_batch(texts) if len(encoding.ids) > 2]
useful = sum(map(len, ids))
options = onnxruntime.SessionOptions(); options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(exported, options, providers=["CPUExecutionProvider"])
order = sorted(range(len(ids)), key=lambda at: -len(ids[at]))
expected = numpy.zeros((len(ids), session.run(None, {name: [[1]] for name in names})[0].shape[-1]), dtype=numpy.float32)

rates = {}

def peer(size):
    padded, start = 0, time.process_time()
    for first in range(0, len(order), size):
        batch = order[first:first + size]
        longest = max(len(ids[at]) for at in batch)
        padded += longest * len(batch)
        x = numpy.zeros((len(batch), longest), dtype=numpy.int64); mask = numpy.zeros_like(x)
        for row, at in enumerate(batch):
            x[row, :len(ids[at])] = ids[at]; mask[row, :len(ids[at])] = 1
        hidden = session.run(None, dict(zip(names, (x, mask))))[0]
        mean = (hidden * mask[:, :, None]).sum(1)
        expected[batch] = mean / numpy.linalg.norm(mean, axis=1, keepdims=True)
    said = f"onnxruntime {onnxruntime.__version__} f32, batches of {size}, padding {1 - useful / padded:.1%}"
    rates.setdefault(said, []).append(useful / (time.process_time() - start))

def ours(precision):
    """The program's embeddings; it counts the CPU time of its one thread itself."""
    told = subprocess.run([binary, folder, documents, count, f"{work}/{precision}", precision], check=True, capture_output=True, text=True).stdout
    rates.setdefault(f"ours, {precision}", []).append(float(told.split()[-2]))
    return numpy.fromfile(f"{work}/{precision}", dtype=numpy.float32).reshape(expected.shape)

# By turns, so that what else the machine does falls on all.
for _ in range(int(rounds)):
    peer(4); peer(8)
    found = {precision: ours(precision) for precision in precisions.split(",")}
for said, each in rates.items():
    print(f"{said}: {statistics.median(each):.0f} useful tokens/CPU-s ({min(each):.0f} to {max(each):.0f})")
for precision, vectors in found.items():
    cosine = (vectors * expected).sum(1)
    print(f"{precision}: {len(ids)} texts, {useful} tokens: numbers of embeddings at most {numpy.abs(vectors - expected).max():.1e} apart, "
          f"cosines of {cosine.mean():.5f}, {cosine.min():.5f} at least")
sys.exit(1 if numpy.abs(found["f32"] - expected).max() > 1e-4 else 0)
