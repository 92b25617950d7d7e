//! Documents that end the process. This program is both: a wanjuan with steps that die, when it is
//! given arguments, and the test that runs it, when it is not.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan::kit::{Document, Mapper, Setup, Step, Verdict, Wrong, kind};
use wanjuan::registry::Registry;

fn main() -> ExitCode {
    if std::env::args().nth(1).is_some_and(|command| ["run", "isolated", "why"].contains(&command.as_str())) {
        return wanjuan::cli::main(Registry::builtin().with::<Die>());
    }
    documents_that_end_the_process_are_found_and_set_aside();
    println!("documents_that_end_the_process_are_found_and_set_aside ... ok");
    a_document_that_makes_a_step_panic_is_set_aside_on_every_way();
    println!("a_document_that_makes_a_step_panic_is_set_aside_on_every_way ... ok");
    ExitCode::SUCCESS
}

/// Settings of [`Die`].
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct DieConfig {
    /// What a text holds that is to die of.
    of: String,
}

/// A step that dies, as its text says.
struct Die(DieConfig);

impl Step for Die {
    const NAME: &'static str = "die";
    const VERSION: u32 = 1;
    const WORDS: &'static str = "//! Dies.";
    type Config = DieConfig;
    type Kind = kind::Mapper;

    fn new(config: DieConfig, _: &mut Setup) -> Result<Self, Wrong> {
        Ok(Die(config))
    }
}

impl Mapper for Die {
    type Measure = ();

    fn map(&self, document: &mut Document, (): &mut ()) -> Verdict {
        match document.text().strip_prefix(&self.0.of) {
            Some(" abort") => std::process::abort(),
            Some(" panic") => panic!("as it was asked to"),
            Some(" stack") => drop(deeper(&[0; 1000])),
            Some(" memory") => drop(std::hint::black_box(Vec::<u8>::with_capacity(1 << 46))),
            _ => {}
        }
        Verdict::Keep
    }
}

/// Never returns.
#[expect(unconditional_recursion, reason = "the stack is to overflow")]
fn deeper(above: &[u8; 1000]) -> u64 {
    let mut here = *above;
    here[0] = here[0].wrapping_add(1);
    deeper(std::hint::black_box(&here)) + u64::from(here[7])
}

const PIPELINE: &str = r#"
[pipeline]
name = "poison"
output = "OUT"
max_set_aside = 10

[[source]]
use = "jsonl"
paths = ["corpus"]

[[step]]
name = "now"
use = "die"
of = "now"

[[step]]
use = "exact_duplicates"

[[step]]
name = "later"
use = "die"
of = "later"

[[sink]]
name = "kept"
use = "jsonl"
compression = "none"
"#;

fn documents_that_end_the_process_are_found_and_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = folder.path().join("corpus");
    fs::create_dir(&corpus).unwrap();
    let deadly = [(0, 40, "now abort"), (0, 41, "now stack"), (1, 299, "now memory"), (2, 0, "later abort")];
    for file in 0..3 {
        let line = |number: i32| {
            let text = deadly.iter().find(|(at, line, _)| (*at, *line) == (file, number));
            let text = text.map_or_else(|| format!("document {number} of {file}"), |(_, _, text)| (*text).to_owned());
            format!("{}\n", serde_json::json!({ "id": format!("{file}-{number}"), "text": text }))
        };
        fs::write(corpus.join(format!("{file}.jsonl")), (0..300).map(line).collect::<String>()).unwrap();
    }
    let one = runs_to_its_end(folder.path(), "one", &["--threads", "2", "--split", "1KiB"]);
    let many = runs_to_its_end(folder.path(), "many", &["--threads", "8", "--segment", "4KiB"]);
    assert!(one == many, "what is kept and set aside depends on how it ran");
    let (kept, set_aside) = one;
    assert_eq!(kept.lines().count(), 3 * 300 - deadly.len());
    let records: Vec<serde_json::Value> = set_aside.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), deadly.len(), "{set_aside}");
    for (_, _, text) in deadly {
        let named = records.iter().any(|record| {
            record["reason"] == "ended_the_process" && record["raw"].as_str().is_some_and(|raw| raw.contains(text))
        });
        assert!(named, "{text}: {set_aside}");
    }
}

/// Two ways part before the step, and the first has written its documents by then.
fn a_document_that_makes_a_step_panic_is_set_aside_on_every_way() {
    const PIPELINE: &str = r#"
[pipeline]
name = "panics"
output = "out"
max_set_aside = 10

[[source]]
use = "jsonl"
paths = ["corpus"]

[[sink]]
name = "first"
use = "jsonl"
compression = "none"
from = "jsonl"

[[step]]
use = "die"
of = "now"
from = "jsonl"

[[sink]]
name = "second"
use = "jsonl"
compression = "none"
from = "die"
"#;
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("corpus")).unwrap();
    // A huge one, too: it is worked on by a thread of its own.
    let line = |number: usize| {
        let text = match number {
            30 | 31 | 77 => "now panic".to_owned(),
            50 => "now".to_owned() + &" far too much".repeat(100_000),
            _ => format!("document {number}"),
        };
        format!("{}\n", serde_json::json!({ "id": format!("d{number}"), "text": text }))
    };
    fs::write(folder.path().join("corpus/x.jsonl"), (0..100).map(line).collect::<String>()).unwrap();
    let pipeline = folder.path().join("p.toml");
    fs::write(&pipeline, PIPELINE).unwrap();
    let this = |arguments: &[&str]| {
        let run = Command::new(std::env::current_exe().unwrap()).args(arguments).current_dir(folder.path()).output();
        let run = run.unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8(run.stdout).unwrap()
    };
    this(&["run", "p.toml", "--threads", "2"]);
    let out = folder.path().join("out");
    let record: serde_json::Value = serde_json::from_slice(&fs::read(out.join("run.json")).unwrap()).unwrap();
    assert_eq!(record["counts"]["set_aside"]["step_panicked"], 3);
    assert_eq!(record["counts"]["records"], 100);
    for sink in ["first", "second"] {
        let written = fs::read_to_string(out.join(sink).join("part-00000.jsonl")).unwrap();
        assert_eq!(written.lines().count(), 97, "{sink}");
        assert!(!written.contains("now panic"), "{sink}");
        assert_eq!(record["counts"]["sinks"][sink]["documents"], 97);
    }
    let told = this(&["why", "out", "d31"]);
    assert!(told.contains("set aside: step_panicked"), "{told}");
    assert!(this(&["why", "out", "d32"]).contains("kept: written by"));
}

/// Runs again and again until a run ends well; the documents kept and the records set aside.
fn runs_to_its_end(folder: &Path, output: &str, arguments: &[&str]) -> (String, String) {
    let pipeline = folder.join(format!("{output}.toml"));
    fs::write(&pipeline, PIPELINE.replace("OUT", output)).unwrap();
    for attempt in 0.. {
        let run = Command::new(std::env::current_exe().unwrap()).arg("run").arg(&pipeline).args(arguments).output();
        let run = run.unwrap();
        if run.status.success() {
            break;
        }
        // Each deadly document may cost two runs, and no run may fail in another way.
        let told = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.code().is_none() && attempt < 12, "run {attempt}: {:?}: {told}", run.status);
    }
    let out = folder.join(output);
    let kept = fs::read_to_string(out.join("kept/part-00000.jsonl")).unwrap();
    let mut set_aside: Vec<String> = Vec::new();
    for shard in fs::read_dir(out.join("set-aside")).unwrap().map(|entry| entry.unwrap().path()) {
        if shard.extension().is_some_and(|ending| ending == "zst") {
            let text = zstd::decode_all(fs::File::open(shard).unwrap()).unwrap();
            set_aside.extend(String::from_utf8(text).unwrap().lines().map(str::to_owned));
        }
    }
    // Where a document stood depends on how the corpus was cut; what became of it does not.
    set_aside.iter_mut().for_each(|line| *line = line[line.find("\"reason\"").unwrap()..].to_owned());
    set_aside.sort();
    (kept, set_aside.iter().map(|line| format!("{{{line}\n")).collect())
}
