//! Joins the files of a repository into one Markdown document, what is imported before what imports it.
//!
//! Files of equal `repository` become one long document: imports are read by regular expressions (Python,
//! JavaScript, TypeScript, Java, Kotlin, Scala, C, C++, C#, Go, Rust, Ruby, PHP, Haskell, Lua, Dart, shell),
//! and files are sorted so that each follows those it imports. A cycle begins with its first path.
//! Documentation stands before the first code of its folder or below. An `__init__.py` follows the files of its
//! package. Each file is a heading with its path, and its text in a fence with its language; documentation
//! is not fenced. The order of the paper is published in words only; what they leave open is decided here.
//!
//! The joined text goes to the file that comes first in the corpus, with the field `files` for how many there
//! are and without the field for the path. The others are dropped as `merged_into_repository`; `wanjuan why`
//! tells where they went. A file that is there twice with the same path and text is kept once. Files without
//! a repository or a path pass as they are, and so do files larger than `max_repository_mb`. A larger
//! repository becomes several documents: files are taken in the order of their paths until the limit is reached,
//! and each part is sorted by itself.
//!
//! | setting             | default      | source                                                       |
//! |---------------------|--------------|--------------------------------------------------------------|
//! | `repository`        | `repository` | ours: the field that names the repository                    |
//! | `path`              | `path`       | ours: the field with the file's path within it               |
//! | `max_repository_mb` | 4            | ours: memory of a thread; InternLM2 trains on 32 thousand tokens, arXiv:2403.17297, sec. 3.1.2 |

mod imports;
mod order;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanjuan_filters::kit::{
    Document, Field, Name, Origin, Reason, Setup, Step, Type, Value, Verdict, Wrong, code_language,
};
use xxhash_rust::xxh3::xxh3_128;

use super::{Decision, Key, Kind, Records, Stage};
use order::{DOCUMENTATION, File, order};

/// Settings of [`Repositories`].
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The field that names the repository.
    pub repository: String,
    /// The field with the file's path within it.
    pub path: String,
    /// Largest document, in megabytes, from 1 to 256; at most `max_document_mb` of the pipeline is sensible.
    pub max_repository_mb: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config { repository: "repository".to_owned(), path: "path".to_owned(), max_repository_mb: 4 }
    }
}

/// See the words at the top of this file.
pub struct Repositories {
    repository: Name,
    path: Name,
    files: Name,
    most: usize,
}

/// Bytes of text in one record.
const PIECE: usize = 256 << 10;
/// Longest name of a repository or a path, in bytes.
const MOST_NAME: usize = 4096;
/// What a file takes beside its text, so that a repository of empty files is bounded too.
const PER_FILE: usize = 128;

/// First byte of a decision: what becomes of the file.
const JOINED: u8 = 0;
const MERGED: u8 = 1;
const REPEATED: u8 = 2;

impl Step for Repositories {
    const NAME: &'static str = "repositories";
    const VERSION: u32 = 1;
    const WORDS: &'static str = include_str!("mod.rs");
    type Config = Config;
    type Kind = Kind;

    fn new(config: Config, _: &mut Setup) -> Result<Self, Wrong> {
        if !(1..=256).contains(&config.max_repository_mb) {
            return Err(Wrong::setting("max_repository_mb", "`max_repository_mb` is not between 1 and 256"));
        }
        Ok(Repositories {
            repository: Name::new(&config.repository),
            path: Name::new(&config.path),
            files: Name::new("files"),
            most: config.max_repository_mb << 20,
        })
    }

    fn reads(&self) -> Vec<Field> {
        [self.repository, self.path].map(|name| Field { name, kind: Type::Text }).to_vec()
    }

    fn writes(&self) -> Vec<Field> {
        vec![Field { name: self.files, kind: Type::Integer }]
    }
}

impl Stage for Repositories {
    const REASONS: &'static [Reason] =
        &[Reason::always("merged_into_repository"), Reason::always("repeated_in_repository")];

    fn observe(&self, document: &Document, emit: &mut dyn FnMut(Key, &[u8])) {
        let name = |field| {
            let name = document.field(field).and_then(Value::as_text)?;
            (!name.is_empty() && name.len() <= MOST_NAME && !name.contains('\0')).then_some(name)
        };
        let (Some(repository), Some(path), text) = (name(self.repository), name(self.path), document.text()) else {
            return;
        };
        let key = xxh3_128(repository.as_bytes());
        if text.len() + PER_FILE > self.most {
            return;
        }
        // path | 0 | hash of the text | number of the piece | the repository, 0 (first piece) | text of the piece
        let mut record = Vec::with_capacity(path.len() + repository.len() + 22 + text.len().min(PIECE));
        record.extend_from_slice(path.as_bytes());
        record.push(0);
        record.extend_from_slice(&xxh3_128(text.as_bytes()).to_be_bytes());
        let head = record.len();
        let pieces = text.as_bytes().chunks(PIECE).chain(text.is_empty().then_some(&b""[..]));
        for (number, piece) in pieces.enumerate() {
            record.truncate(head);
            record.extend_from_slice(&(number as u32).to_be_bytes());
            if number == 0 {
                record.extend_from_slice(repository.as_bytes());
                record.push(0);
            }
            record.extend_from_slice(piece);
            emit(key, &record);
        }
    }

    fn reduce(&self, _: Key, records: &mut dyn Records, decide: &mut dyn FnMut(Origin, Decision<'_>)) {
        let mut part = Part::default();
        // Path and hash of the file under way, and its last piece.
        let mut head: Vec<u8> = Vec::new();
        let mut last = 0;
        while let Some((origin, record)) = records.next() {
            let zero = record.iter().position(|&byte| byte == 0).expect("a path ends with 0");
            let (this, rest) = record.split_at(zero + 17);
            let (number, piece) = rest.split_first_chunk().expect("a piece has a number");
            let number = u32::from_be_bytes(*number);
            if this != head || part.files.is_empty() {
                let split = piece.iter().position(|&byte| byte == 0).expect("a repository ends with 0");
                let (repository, piece) = (&piece[..split], &piece[split + 1..]);
                let size = zero + PER_FILE + piece.len();
                // What follows of the file is added as it comes: see below.
                if part.size + size > self.most {
                    part.decide(decide);
                }
                head = this.to_vec();
                last = 0;
                part.repository = String::from_utf8_lossy(repository).into_owned();
                part.size += size;
                let path = String::from_utf8_lossy(&this[..zero]).into_owned();
                part.files.push(Gathered { origin, path, text: piece.to_vec() });
            } else if number > last {
                if part.size + piece.len() > self.most && part.files.len() > 1 {
                    // The file under way begins the next part.
                    let file = part.files.pop().expect("there are two");
                    let repository = part.repository.clone();
                    part.decide(decide);
                    part.size = file.path.len() + PER_FILE + file.text.len();
                    part.repository = repository;
                    part.files.push(file);
                }
                last = number;
                part.size += piece.len();
                part.files.last_mut().expect("a file is under way").text.extend_from_slice(piece);
            } else if number == 0 {
                let first = part.files.last().expect("a file is under way").origin;
                if origin != first {
                    decide(origin, Decision { kept: Some(first), bytes: &[REPEATED], ..Decision::default() });
                }
            }
        }
        part.decide(decide);
    }

    fn apply(&self, document: &mut Document, decision: Option<Decision<'_>>) -> Verdict {
        let Some((&what, rest)) = decision.and_then(|decision| decision.bytes.split_first()) else {
            return Verdict::Keep;
        };
        match what {
            MERGED => Verdict::Drop("merged_into_repository"),
            REPEATED => Verdict::Drop("repeated_in_repository"),
            _ => {
                let (files, text) = rest.split_first_chunk().expect("a joined text has the number of its files");
                let text = std::str::from_utf8(text).expect("texts are UTF-8, and pieces are put together whole");
                document.set_text(text);
                document.set_field(self.files, i64::from(u32::from_be_bytes(*files)));
                document.remove_field(self.path);
                Verdict::Keep
            }
        }
    }
}

/// Files that become one document.
#[derive(Default)]
struct Part {
    repository: String,
    files: Vec<Gathered>,
    size: usize,
}

struct Gathered {
    origin: Origin,
    path: String,
    text: Vec<u8>,
}

impl Part {
    /// Decides about its files, and is empty again.
    fn decide(&mut self, decide: &mut dyn FnMut(Origin, Decision<'_>)) {
        let Part { repository, files, .. } = std::mem::take(self);
        let Some(first) = files.iter().map(|file| file.origin).min() else { return };
        let text = |file: &'_ Gathered| -> String { String::from_utf8_lossy(&file.text).into_owned() };
        let mut bytes = vec![JOINED];
        bytes.extend_from_slice(&(files.len() as u32).to_be_bytes());
        {
            let texts: Vec<String> = files.iter().map(text).collect();
            let view: Vec<File<'_>> =
                files.iter().zip(&texts).map(|(file, text)| File { path: &file.path, text }).collect();
            join(&repository, &view, &mut bytes);
        }
        for file in &files {
            let decision = match file.origin == first {
                true => Decision { bytes: &bytes, ..Decision::default() },
                false => Decision { kept: Some(first), bytes: &[MERGED], ..Decision::default() },
            };
            decide(file.origin, decision);
        }
    }
}

/// Writes files as one Markdown document, in their order.
fn join(repository: &str, files: &[File<'_>], out: &mut Vec<u8>) {
    let mut put = |text: &str| out.extend_from_slice(text.as_bytes());
    put("# ");
    put(repository);
    put("\n");
    for file in order(files).into_iter().map(|file| files[file]) {
        let language = code_language(file.path, file.text).unwrap_or_default();
        let text = file.text.trim_end_matches('\n');
        put("\n## ");
        put(file.path);
        put("\n\n");
        if DOCUMENTATION.contains(&language) {
            put(text);
            put("\n");
            continue;
        }
        let fence = "`".repeat(longest_fence(text).max(2) + 1);
        put(&fence);
        put(&language.to_lowercase().replace(' ', "-"));
        put("\n");
        put(text);
        put("\n");
        put(&fence);
        put("\n");
    }
}

/// The longest run of backticks.
fn longest_fence(text: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for byte in text.bytes() {
        run = if byte == b'`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    type Decided = Vec<(Origin, Option<Origin>, Vec<u8>)>;

    fn stage() -> Repositories {
        Repositories::new(Config { max_repository_mb: 1, ..Config::default() }, &mut Setup::default()).unwrap()
    }

    fn document(ordinal: u64, repository: &str, path: &str, text: &str) -> Document {
        let mut document = Document::new(format!("{ordinal}"), text);
        document.origin = Origin { split: 0, ordinal };
        document.set_field(Name::new("repository"), repository);
        document.set_field(Name::new("path"), path);
        document
    }

    struct Sorted(std::vec::IntoIter<(Vec<u8>, Origin)>, Vec<u8>);

    impl Records for Sorted {
        fn next(&mut self) -> Option<(Origin, &[u8])> {
            let (value, origin) = self.0.next()?;
            self.1 = value;
            Some((origin, &self.1))
        }
    }

    fn decided(documents: &[Document]) -> Decided {
        let stage = stage();
        let mut records = Vec::new();
        for document in documents {
            stage.observe(document, &mut |_, value| records.push((value.to_vec(), document.origin)));
        }
        records.sort();
        let mut found = Vec::new();
        stage.reduce(0, &mut Sorted(records.into_iter(), Vec::new()), &mut |origin, decision| {
            found.push((origin, decision.kept, decision.bytes.to_vec()));
        });
        found.sort();
        found
    }

    fn applied(document: &Document, decided: &Decided) -> (Verdict, Document) {
        let decision = decided.iter().find(|(origin, ..)| *origin == document.origin);
        let decision = decision.map(|(_, kept, bytes)| Decision { kept: *kept, bytes, ..Decision::default() });
        let mut document = document.clone();
        (stage().apply(&mut document, decision), document)
    }

    #[test]
    fn files_become_one_document_in_the_order_of_their_imports() {
        let documents = [
            document(3, "me/toy", "main.py", "import util\n\nutil.hello()\n"),
            document(5, "me/toy", "README.md", "# Toy\n\n你好\n"),
            document(8, "me/toy", "util.py", "def hello():\n    print('```')\n"),
            document(9, "me/toy", "util.py", "def hello():\n    print('```')\n"),
        ];
        let decided = decided(&documents);
        let (verdict, joined) = applied(&documents[0], &decided);
        assert_eq!(verdict, Verdict::Keep);
        assert_eq!(
            joined.text(),
            "# me/toy\n\n## README.md\n\n# Toy\n\n你好\n\n## util.py\n\n````python\ndef hello():\n    print('```')\n````\n\n## main.py\n\n```python\nimport util\n\nutil.hello()\n```\n"
        );
        assert_eq!(joined.field(Name::new("files")), Some(&Value::Integer(3)));
        assert_eq!(joined.field(Name::new("path")), None);
        assert_eq!(applied(&documents[1], &decided).0, Verdict::Drop("merged_into_repository"));
        assert_eq!(applied(&documents[3], &decided).0, Verdict::Drop("repeated_in_repository"));
        let kept: Vec<_> = decided.iter().map(|(_, kept, _)| kept.map(|kept| kept.ordinal)).collect();
        assert_eq!(kept, [None, Some(3), Some(3), Some(8)]);
    }

    #[test]
    fn files_without_a_repository_or_a_path_pass_as_they_are() {
        let plain = Document::new("", "print(1)");
        assert!(decided(&[plain.clone(), document(1, "a", "", "x"), document(2, "", "b", "x")]).is_empty());
        assert_eq!(applied(&plain, &Vec::new()), (Verdict::Keep, plain));
    }

    #[test]
    fn a_large_repository_becomes_several_documents_and_a_larger_file_stays() {
        let text = "字".repeat(150_000);
        let mut documents: Vec<Document> =
            (0..5).map(|n| document(n, "a", &format!("{n}.py"), &format!("{n}{text}"))).collect();
        documents.push(document(5, "a", "huge.py", &"x".repeat(1 << 20)));
        let decided = decided(&documents);
        let joined: Vec<_> = decided.iter().filter(|(_, kept, _)| kept.is_none()).collect();
        assert_eq!(decided.len(), 5);
        assert_eq!(joined.len(), 3, "two files of 450 kB fit into a megabyte");
        for (origin, _, bytes) in joined {
            assert!(bytes.len() < 1 << 20);
            let (verdict, joined) = applied(&documents[origin.ordinal as usize], &decided);
            assert_eq!(verdict, Verdict::Keep);
            assert!(joined.text().contains(&text));
        }
        assert_eq!(applied(&documents[5], &decided).1, documents[5]);
    }

    #[test]
    fn an_empty_file_is_a_file() {
        let documents = [document(0, "a", "__init__.py", ""), document(1, "a", "b.py", "x = 1")];
        let decided = decided(&documents);
        let (_, joined) = applied(&documents[0], &decided);
        assert_eq!(joined.text(), "# a\n\n## __init__.py\n\n```python\n\n```\n\n## b.py\n\n```python\nx = 1\n```\n");
    }
}
