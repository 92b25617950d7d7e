//! Every step's bytes beside its version: who changes the one must raise the other, or runs that
//! resume would mix two kinds of output.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use wanjuan::engine::commit::digest;
use wanjuan::registry::{Entry, Registry};

use crate::kit::{files, run};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/versions.txt");
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines/sample");

/// Digest of all that a run with this step in it writes from the sample.
fn bytes_of(entry: &Entry, folder: &Path) -> String {
    let name = entry.name;
    let (source, paths) = match (entry.kind, name) {
        ("source", "warc") | (_, "html_text") => ("warc", format!("{SAMPLE}/pages.warc.gz")),
        ("source", "wet") => ("wet", format!("{SAMPLE}/page.warc.wet.gz")),
        ("source", "text") => ("text", format!("{}/LICENSE", env!("CARGO_MANIFEST_DIR"))),
        ("source", "parquet") => ("parquet", folder.join("sink-parquet/out").display().to_string()),
        (_, "code_quality" | "programming_language" | "repositories") => ("jsonl", format!("{SAMPLE}/code.jsonl")),
        _ => ("jsonl", format!("{SAMPLE}/mixed.jsonl.zst")),
    };
    let step = match entry.kind {
        "source" | "sink" => String::new(),
        _ if name == "sample" => "[[step]]\nuse = \"sample\"\nshare = 0.5\n".to_owned(),
        _ if name == "top" => {
            "[[step]]\nuse = \"statistics\"\n[[step]]\nuse = \"top\"\nscore = \"statistics.unique_words\"\nshare = 0.5\nbins = 20\n".to_owned()
        }
        _ if name == "rule" => "[[step]]\nuse = \"rule\"\ndrop_if = \"text.words < 40 or text.han > 0.3\"\n".to_owned(),
        _ if name == "bad_words" => "[[step]]\nuse = \"bad_words\"\nlang = \"en\"\n".to_owned(),
        _ if name == "listed_words" => {
            "[[step]]\nuse = \"listed_words\"\nlists = [\"zh-mixed\", \"bad-words-en\"]\nallow = [\"网站\"]\nignore_separators = true\n".to_owned()
        }
        _ if name == "decontaminate" => {
            let sets = concat!(env!("CARGO_MANIFEST_DIR"), "/filters/data/eval");
            format!("[[step]]\nuse = \"decontaminate\"\nsets = ['{sets}/gaokao.jsonl']\nngram = 4\nthreshold = 0\naction = \"cut\"\n")
        }
        _ if name == "classifier" => {
            format!("[[step]]\nuse = \"classifier\"\nmodel = '{SAMPLE}/toxic-zh.ftz'\nlabel = \"toxic\"\n")
        }
        _ if name == "encoder" => {
            let model = concat!(env!("CARGO_MANIFEST_DIR"), "/models/encoder/golden/bert");
            format!("[[step]]\nuse = \"encoder\"\nmodel = '{model}'\nscores = {{ value = \"LABEL_0\" }}\ndevice = \"cpu\"\n")
        }
        _ => format!("[[step]]\nuse = \"{name}\"\n"),
    };
    let sink = match entry.kind {
        "sink" => format!("use = \"{name}\""),
        _ => "use = \"jsonl\"\ncompression = \"none\"\nmeasures = true".to_owned(),
    };
    let output = folder.join(format!("{}-{name}", entry.kind));
    let fields = match name {
        _ if paths.ends_with("code.jsonl") => "fields = { repository = 'text', path = 'text' }\n",
        "domain" | "url_lists" => "fields = { url = 'text' }\n",
        _ => "",
    };
    let text = format!(
        "[pipeline]\nname = \"bytes\"\noutput = '{}'\nseed = 1\ndropped = \"all\"\n[[source]]\nname = \"in\"\nuse = \"{source}\"\npaths = ['{paths}']\n{fields}{step}[[sink]]\nname = \"out\"\n{sink}\n",
        output.display(),
    );
    let pipeline = folder.join("p.toml");
    fs::write(&pipeline, text).unwrap();
    run(&pipeline, &["--threads", "2"], 0);
    let mut all = String::new();
    for (name, bytes) in files(&output) {
        // The columns of measures are judged by the lines of the sink.
        if name.starts_with("out/") && !name.ends_with(".json") || name.starts_with("dropped/") {
            let _ = writeln!(all, "{name} {}", digest(&bytes));
        }
    }
    assert!(all.lines().count() > 0, "{name} wrote nothing");
    digest(all.as_bytes())[..16].to_owned()
}

/// After a change that is meant: `WANJUAN_BLESS=1 cargo test --test it versions`.
#[test]
fn a_step_whose_bytes_change_has_another_version() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::builtin();
    let mut entries: Vec<&Entry> = registry.entries().collect();
    entries.sort_by_key(|entry| (entry.kind != "sink", entry.kind, entry.name));
    let mut found = BTreeMap::new();
    for entry in entries {
        let bytes = bytes_of(entry, folder.path());
        found.insert(format!("{} {}", entry.kind, entry.name), (entry.version.to_string(), bytes));
    }
    let text: String = found.iter().map(|(name, (version, bytes))| format!("{name} {version} {bytes}\n")).collect();
    if std::env::var_os("WANJUAN_BLESS").is_some() {
        fs::write(TABLE, &text).unwrap();
    }
    let table = fs::read_to_string(TABLE).unwrap();
    for line in table.lines() {
        let [kind, name, version, bytes] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let Some((now, changed)) = found.get(&format!("{kind} {name}")) else { panic!("{kind} {name} is gone") };
        let told = format!("the bytes of the {kind} `{name}` have changed, and its VERSION is still {version}");
        assert!(bytes == changed || version != now, "{told}");
    }
    assert_eq!(text, table, "write the table anew, once every VERSION is right");
}

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/models.txt");

/// The steps that read a model that comes along without being given a file.
fn readers(kind: &str, name: &str) -> &'static [&'static str] {
    match (kind, name) {
        ("ngram", _) => &["perplexity", "information_density", "text_quality", "value"],
        ("regression", _) => &["information_density", "text_quality", "information_quality", "value"],
        ("fasttext", "fluent-en" | "fluent-zh") => &["classifier", "text_quality", "value"],
        ("fasttext", "quality-en" | "quality-zh") => &["classifier", "information_quality", "value"],
        ("fasttext", "lid.176") => &["classifier", "language"],
        ("fasttext", _) => &["classifier"],
        ("tokenizer", _) => &["statistics", "tokens", "minhash"],
        ("embedding", _) => &["semantic_duplicates"],
        _ => &[],
    }
}

/// Bytes of a sample may stay as they are when a model changes; those of other texts do not.
#[test]
fn a_model_that_changes_raises_the_version_of_each_step_that_reads_it() {
    use wanjuan_models::card::{Card, sha256};
    let data = |name: &str| fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("filters/value").join(name)).unwrap();
    let value = Card::parse(&String::from_utf8(data("card.toml")).unwrap()).unwrap();
    let mut models: Vec<(String, String, String)> = wanjuan_models::shipped::all()
        .map(|(card, file)| (card.kind, card.name, sha256(file)))
        .chain([(value.kind, value.name, sha256(&data("weights.toml")))])
        .chain(["idf.tsv.zst", "corpus.dict"].map(|name| ("regression".into(), name.into(), sha256(&data(name)))))
        .collect();
    models.sort();
    let registry = Registry::builtin();
    let version = |step: &str| {
        let entry = registry.entries().find(|entry| entry.name == step);
        entry.unwrap_or_else(|| panic!("there is no step `{step}`")).version
    };
    let text: String = models
        .iter()
        .map(|(kind, name, sum)| {
            let steps = readers(kind, name);
            assert!(!steps.is_empty(), "no step is said to read the {kind} `{name}`");
            let steps: Vec<String> = steps.iter().map(|step| format!("{step}={}", version(step))).collect();
            format!("{kind} {name} {sum} {}\n", steps.join(","))
        })
        .collect();
    let table = fs::read_to_string(MODELS).unwrap_or_default();
    for line in table.lines() {
        let [kind, name, sum, steps] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let Some((.., now)) = models.iter().find(|model| (model.0.as_str(), model.1.as_str()) == (kind, name)) else {
            continue; // Who asks for a model that is gone is refused.
        };
        for step in steps.split(',').filter(|_| now != sum) {
            let (step, before) = step.split_once('=').unwrap();
            let told = format!("the {kind} `{name}` has changed, and the VERSION of `{step}` is still {before}");
            assert!(version(step).to_string() != before, "{told}");
        }
    }
    if std::env::var_os("WANJUAN_BLESS").is_some() {
        fs::write(MODELS, &text).unwrap();
    } else {
        assert_eq!(text, table, "write the table anew: `WANJUAN_BLESS=1 cargo test --test it versions`");
    }
}
