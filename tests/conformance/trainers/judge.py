"""Reads our shards with the trainers' own readers, and compares tokens with those of Hugging Face."""
import importlib.util, os, pathlib, sys, types
import numpy, pyarrow, pyarrow.parquet
from tokenizers import Tokenizer

work, tokenizer_file = pathlib.Path(sys.argv[1]), sys.argv[2]

class Anything(types.ModuleType):
    """A module in which every name is something harmless: a base class, or a decorator."""
    __path__ = []
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {"__init__": lambda self, *a, **k: None, "__class_getitem__": classmethod(lambda cls, item: cls)})

def stand_in(*names):
    for name in names:
        sys.modules[name] = Anything(name)
        package, _, last = name.rpartition(".")
        if package in sys.modules:
            setattr(sys.modules[package], last, sys.modules[name])

def load(relative, name):
    """One file of an installed package, without the package around it."""
    path = next(p for p in (pathlib.Path(s) / relative for s in sys.path) if p.exists())
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module

stand_in("torch", "torch.utils", "torch.utils.data", "megatron", "megatron.core", "megatron.core.datasets",
         "megatron.core.datasets.object_storage_utils", "megatron.core.msc_utils", "megatron.core.utils")
sys.modules["megatron.core.msc_utils"].MultiStorageClientFeature = type("M", (), {"is_enabled": staticmethod(lambda: False), "import_package": staticmethod(lambda: None)})
sys.modules["megatron.core.datasets.object_storage_utils"].is_object_storage_path = lambda path: False

table = pyarrow.parquet.read_table(work / "megatron" / "clean")
texts = dict(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True))
tokenizer = Tokenizer.from_file(tokenizer_file)
tokenizer.encode_special_tokens = True
expected = [tokenizer.encode(text, add_special_tokens=False).ids + [0] for text in table["text"].to_pylist()]
print(f"pyarrow {pyarrow.__version__}: {table.num_rows} rows, columns {', '.join(table.column_names)}")

megatron = load("megatron/core/datasets/indexed_dataset.py", "indexed_dataset")
dataset = megatron.IndexedDataset(str(work / "megatron" / "tokens" / "part-00000"))
found = [dataset[i].tolist() for i in range(len(dataset))]
assert found == expected, "Megatron's tokens differ"
assert dataset.document_indices.tolist() == list(range(len(expected) + 1)), "borders of documents"
print(f"megatron-core IndexedDataset: {len(found)} documents, {sum(map(len, found))} tokens, dtype {dataset.index.dtype.__name__}, equal")

internevo = load("internlm/data/tokenized/single_dataset.py", "single_dataset")
dataset = internevo.JsonlDataset(str(work / "internevo" / "tokens" / "part-00000.bin"), dataset_type_id=0, min_length=50)
found = [list(dataset[i]["tokens"]) for i in range(len(dataset))]
wanted = [ids for ids in expected if len(ids) >= 50]
assert found == wanted, "InternEvo's tokens differ"
print(f"InternEvo JsonlDataset: {len(found)} documents of 50 tokens or more, equal")
