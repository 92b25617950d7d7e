//! The corpora of the fuzzers in `fuzz/`, without a fuzzer.

#[path = "../../fuzz/mappers.rs"]
mod mappers;

#[test]
fn the_mappers_come_back_from_every_text_of_the_corpus() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/mappers");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        // Cut anywhere, too.
        (0..bytes.len()).step_by(7).chain([bytes.len()]).for_each(|end| mappers::probe(&bytes[..end]));
        files += 1;
    }
    assert!(files >= 8, "{files}");
}
