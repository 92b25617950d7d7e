//! Scorers through the command: training, cards, and what is refused.

use std::fs;
use std::path::Path;

use crate::kit::wanjuan;

/// Reviews, good and bad by turns, in English and Chinese.
fn reviews(folder: &Path) {
    let (mut all, mut good, mut bad) = (String::new(), String::new(), String::new());
    for at in 0..300 {
        let (text, label) = match at % 4 {
            0 => (format!("A fine book, well made and clear, number {at}."), "good"),
            1 => (format!("A dull book, badly made and far too long, number {at}."), "bad"),
            2 => (format!("内容丰富，讲解清楚，值得一读，第{at}本。"), "good"),
            _ => (format!("错字连篇，内容空洞，读不下去，第{at}本。"), "bad"),
        };
        let language = if at % 4 < 2 { "en" } else { "zh" };
        all += &format!("{}\n", serde_json::json!({ "text": text, "label": label, "lang": language }));
        *(if label == "good" { &mut good } else { &mut bad }) += &format!("{}\n", serde_json::json!({ "text": text }));
    }
    all += "not a record\n";
    fs::write(folder.join("all.jsonl"), all).unwrap();
    fs::write(folder.join("good.jsonl.zst"), zstd::encode_all(good.as_bytes(), 3).unwrap()).unwrap();
    fs::write(folder.join("bad.jsonl"), bad).unwrap();
}

/// Runs the command in a folder; `{}` in an argument is that folder.
fn ran(folder: &Path, arguments: &str, code: i32) -> String {
    let arguments: Vec<String> =
        arguments.split(' ').map(|argument| argument.replace("{}", folder.to_str().unwrap())).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = wanjuan(&arguments);
    let told = String::from_utf8(if code == 0 { output.stdout } else { output.stderr }).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
    told.replace(folder.to_str().unwrap(), "FOLDER")
}

const TRAIN: &str = "train-scorer --kind fasttext --out {}/scorers --words characters --dim 16 --rate 0.5 --epochs 10 --bucket 2000 --held-out 0.2";

#[test]
fn a_scorer_is_trained_listed_and_used() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    reviews(folder);
    let told = ran(folder, &format!("{TRAIN} --name good --score good --threads 2 {{}}/all.jsonl"), 0);
    assert!(told.contains("1 bad records passed over") && told.contains("the score is the probability of `good`"));
    for language in ["en ", "zh ", "all "] {
        let line = told.lines().find(|line| line.starts_with(language)).unwrap();
        assert!(line.contains("1.0000"), "{line}");
    }
    let model = fs::read(folder.join("scorers/good.bin")).unwrap();
    ran(folder, &format!("{TRAIN} --name good --score good --threads 1 {{}}/all.jsonl"), 0);
    assert!(fs::read(folder.join("scorers/good.bin")).unwrap() == model, "threads decide about the model");

    let list = ran(folder, "models list --folder {}/scorers", 0);
    assert!(list.lines().any(|line| line.starts_with("good ")) && list.contains("toxic-zh"));
    let card = ran(folder, "models show good --folder {}/scorers", 0);
    assert!(card.contains("words cut as `characters`") && card.contains("all.jsonl, 300 texts"), "{card}");
    assert!(ran(folder, "models verify --folder {}/scorers", 0).contains("ok  good\n"));
    ran(folder, "models fetch {}/scorers/good.card.toml --to {}/other", 0);
    assert!(fs::read(folder.join("other/good.bin")).unwrap() == model);

    let pipeline = |step: &str| {
        let text = format!(
            "[pipeline]\nname = \"p\"\noutput = \"out\"\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = [\"all.jsonl\"]\n[[step]]\nuse = \"classifier\"\n{step}\n[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\ncompression = \"none\"\n"
        );
        fs::write(folder.join("p.toml"), text).unwrap();
    };
    pipeline("model = \"scorers/good.bin\"\nmin_probability = 0.5");
    ran(folder, "run {}/p.toml", 0);
    let clean = fs::read_to_string(folder.join("out/clean/part-00000.jsonl")).unwrap();
    assert_eq!(clean.lines().count(), 150);
    assert!(clean.contains("讲解清楚") && !clean.contains("错字") && !clean.contains("dull"));

    pipeline("model = \"scorers/good.bin\"\nlabel = \"fine\"");
    insta::assert_snapshot!("label_missing", ran(folder, "check {}/p.toml", 2));
    pipeline("model = \"toxic-zhh\"");
    insta::assert_snapshot!("model_misspelt", ran(folder, "check {}/p.toml", 2));

    // Another file under the card's name, and half of one.
    let file = folder.join("scorers/good.bin");
    for (bytes, reason) in
        [(&model[..model.len() / 2], "bytes, the card says"), (&[&model[..], b"x"].concat(), "bytes, the card says")]
    {
        fs::write(&file, bytes).unwrap();
        pipeline("model = \"scorers/good.bin\"");
        assert!(ran(folder, "check {}/p.toml", 2).contains(reason));
        assert!(ran(folder, "models verify --folder {}/scorers", 2).contains(reason));
        assert!(ran(folder, "models fetch {}/scorers/good.card.toml --to {}/third", 2).contains("nothing was kept"));
        assert!(!folder.join("third/good.bin").exists());
    }
    fs::remove_file(folder.join("scorers/good.card.toml")).unwrap();
    fs::write(&file, &model[..model.len() / 2]).unwrap();
    assert!(ran(folder, "check {}/p.toml", 2).contains("the file ends too early"));
}

#[test]
fn two_corpora_and_clean_texts_alone_are_enough() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    reviews(folder);
    let two = ran(
        folder,
        &format!("{TRAIN} --name hq --positive {{}}/good.jsonl.zst --negative {{}}/bad.jsonl --most 100 --small 300"),
        0,
    );
    assert!(two.contains("probability of `hq`") && two.contains("hq.ftz"), "{two}");
    let card = fs::read_to_string(folder.join("scorers/hq.card.toml")).unwrap();
    assert!(card.contains("labels = [\"hq\", \"cc\"]") && card.contains("cutoff = 300"), "{card}");
    let spoiled = ran(folder, &format!("{TRAIN} --name fluent --spoil --keep-held-out {{}}/bad.jsonl"), 0);
    assert!(spoiled.contains("probability of `clean`"), "{spoiled}");
    assert!(
        fs::read_to_string(folder.join("scorers/fluent.held-out.jsonl")).unwrap().contains("\"label\":\"spoiled\"")
    );
}

#[test]
fn what_cannot_be_trained_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    reviews(folder);
    let base = "train-scorer --kind fasttext --out {}/scorers --dim 8 --bucket 1000";
    let wrong = |arguments: &str| ran(folder, &format!("{base} {arguments}"), 2);
    assert!(wrong("--name x {}/all.jsonl --label grade").contains("record 1 has no label at `grade`"));
    assert!(wrong("--name x {}/all.jsonl --text body").contains("--text names the member"));
    assert!(wrong("--name x {}/nowhere.jsonl").contains("there is no such file"));
    assert!(wrong("--name x {}/all.jsonl --score fine").contains("the labels are good, bad"));
    assert!(wrong("--name x --positive {}/bad.jsonl").contains("add --negative"));
    assert!(wrong("--name a/b {}/all.jsonl").contains("no name of a file"));
    assert!(wrong("--name x {}/all.jsonl --held-out 1").contains("no share of the texts"));
    assert!(wrong("--name x {}/all.jsonl --words klingon").contains("`characters` or `chinese`"));
    assert!(wrong("--name x {}/all.jsonl --rate 0").contains("above zero"));
    assert!(ran(folder, "models show toxic-zhh", 2).contains("did you mean `toxic-zh`?"));
}
