//! Scorers through the command: training, cards, and what is refused.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
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
    // What cannot be is told before a text is read: these have none at `body`.
    let unread = |arguments: &str| {
        ran(folder, &format!("train-scorer --kind fasttext --out {{}}/scorers --text body {arguments}"), 2)
    };
    assert!(unread("--name x {}/all.jsonl --dim 0").contains("1 to 65536 numbers"));
    assert!(unread("--name x {}/all.jsonl --small 255").contains("too small for a quantizer"));
    assert!(unread("--name x --positive {}/bad.jsonl --spoil --score fine").contains("the labels are hq, cc"));
    assert!(unread("--name x {}/all.jsonl --ridge 2").contains("`--ridge` is an option of `--kind encoder` alone"));
    let encoder = "train-scorer --kind encoder --out {}/scorers --name x {}/all.jsonl";
    for (option, name) in [("--small 300", "--small"), ("--words characters", "--words"), ("--spoil", "--spoil")] {
        let told = ran(folder, &format!("{encoder} {option}"), 2);
        assert!(told.contains(&format!("`{name}` is an option of `--kind fasttext`")), "{told}");
    }
    assert!(ran(folder, "models show toxic-zhh", 2).contains("did you mean `toxic-zh`?"));
}

#[test]
fn a_head_is_fitted_from_files_and_a_person_is_asked_about_a_pool() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    reviews(folder);
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/models/encoder/golden/bert");
    let pool: String = (0..9).map(|number| format!("{{\"text\": \"房间很大，早餐一般，第{number}次来\"}}\n")).collect();
    fs::write(folder.join("pool.jsonl"), pool + "{\"text\": \" \"}\nno row\n").unwrap();
    let line = format!("train-scorer --kind encoder --model {model} --out {{}}/scorers --held-out 0.2 --name head");
    let told = ran(folder, &format!("{line} {{}}/all.jsonl --pool {{}}/pool.jsonl --ask 4"), 0);
    assert!(told.contains("4 texts to label") && told.contains("2 bad records passed over"), "{told}");
    let asked = fs::read_to_string(folder.join("scorers/head/ask.jsonl")).unwrap();
    assert_eq!(asked.lines().count(), 4);
    assert!(asked.lines().all(|line| line.contains("\"label\":\"\"") && line.contains("\"scores\"")), "{asked}");
    let card = fs::read_to_string(folder.join("scorers/head/card.toml")).unwrap();
    assert!(card.contains("kind = \"encoder\"") && card.contains("labels = [\"bad\", \"good\"]"), "{card}");
    // What a person has filled in is read like any other file.
    fs::write(folder.join("more.jsonl"), asked.replace("\"label\":\"\"", "\"label\":\"good\"")).unwrap();
    ran(folder, &format!("{line} {{}}/all.jsonl {{}}/more.jsonl"), 0);
    let numbers = ran(folder, &format!("{line} {{}}/all.jsonl --number"), 2);
    assert!(numbers.contains("is no number; leave out --number"), "{numbers}");
    assert!(ran(folder, &format!("{line} {{}}/all.jsonl --threads 1025"), 2).contains("1..=1024"));
}

#[test]
fn a_whole_encoder_is_trained_and_one_that_was_stopped_goes_on_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    reviews(folder);
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/models/encoder/golden/bert");
    let base = format!("train-scorer --kind encoder --model {model} --device cpu");
    let line = |out: &str, more: &str| {
        format!(
            "{base} --weights all --rate 1e-3 --batch 4 --threads 2 --out {{}}/{out} --name all {more} {{}}/all.jsonl"
        )
    };
    let told = ran(folder, &line("whole", "--epochs 12 --held-out 0.2"), 0);
    assert!(told.contains("auc 1.0000"), "{told}");
    let card = fs::read_to_string(folder.join("whole/all/card.toml")).unwrap();
    assert!(card.contains("all weights of bert") && card.contains("rate = 0.001\n"), "{card}");
    let config = fs::read_to_string(folder.join("whole/all/config.json")).unwrap();
    assert!(config.contains("BertForSequenceClassification"), "{config}");

    // Stopped as soon as it tells of its first step.
    let stopped = line("stopped", "--epochs 12 --held-out 0.2").replace("{}", folder.to_str().unwrap());
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_wanjuan"))
        .args(stopped.split(' '))
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("step 1 of ")));
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let rest: Vec<String> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("the same command goes on from")), "{rest:?}");
    let unfinished = folder.join("stopped/all/unfinished.safetensors");
    assert!(unfinished.exists());
    let other = ran(folder, &line("stopped", "--epochs 13 --held-out 0.2"), 2);
    assert!(other.contains("a training with other texts, settings"), "{other}");
    ran(folder, &line("stopped", "--epochs 12 --held-out 0.2"), 0);
    assert!(!unfinished.exists());
    for file in ["model.safetensors", "config.json", "card.toml"] {
        let read = |out: &str| fs::read(folder.join(out).join("all").join(file)).unwrap();
        assert!(read("whole") == read("stopped"), "{file}");
    }

    // From nothing, measured on a file of its own.
    let nothing = folder.join("nothing");
    fs::create_dir(&nothing).unwrap();
    for file in ["config.json", "tokenizer.json"] {
        fs::copy(Path::new(model).join(file), nothing.join(file)).unwrap();
    }
    let all = fs::read_to_string(folder.join("all.jsonl")).unwrap();
    fs::write(folder.join("some.jsonl"), all.lines().take(60).map(|line| format!("{line}\n")).collect::<String>())
        .unwrap();
    let from_nothing = "train-scorer --kind encoder --model {}/nothing --out {}/scorers --name new {}/all.jsonl";
    let told = ran(folder, from_nothing, 2);
    assert!(told.contains("there is no model.safetensors") && told.contains("--weights all trains"), "{told}");
    let told = ran(folder, &format!("{from_nothing} --weights all --epochs 1 --test {{}}/some.jsonl"), 0);
    assert!(told.contains("240 texts learned") && told.contains("60 held out"), "{told}");
    let card = fs::read_to_string(folder.join("scorers/new/card.toml")).unwrap();
    assert!(card.contains("a model of the shape of nothing, from nothing"), "{card}");

    for (option, told) in [
        ("--epochs 3", "`--epochs` is an option of `--weights all` alone"),
        ("--batch 8", "`--batch` is an option of `--weights all` alone"),
        ("--weights all --ridge 2", "`--ridge` is an option of `--weights head` alone"),
        ("--weights all --warm-up 1", "the warm-up is a share of the steps"),
        ("--weights all --rate 0", "are numbers above 0"),
    ] {
        let found = ran(folder, &format!("{base} --name x --out {{}}/x {{}}/all.jsonl {option}"), 2);
        assert!(found.contains(told), "{option}: {found}");
    }
}

/// Answers requests for files of a folder until it has answered so many; what was asked for.
fn serve(folder: &Path, count: usize) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let folder = folder.to_owned();
    let served = std::thread::spawn(move || {
        let answer = |stream: std::net::TcpStream| {
            let mut lines = BufReader::new(&stream).lines().map(Result::unwrap);
            let asked = lines.next().unwrap();
            lines.find(String::is_empty);
            let name = asked.split(' ').nth(1).unwrap().trim_start_matches('/').to_owned();
            let (status, body) = match fs::read(folder.join(&name)) {
                Ok(body) => ("200 OK", body),
                Err(_) => ("404 Not Found", Vec::new()),
            };
            write!(&stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())
                .unwrap();
            (&stream).write_all(&body).unwrap();
            name
        };
        listener.incoming().take(count).map(|stream| answer(stream.unwrap())).collect()
    });
    (address, served)
}

#[test]
fn a_model_of_several_files_is_fetched_whole_from_an_address_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let told = ran(folder, "models fetch wanjuan-e5-96 --to {}/there", 0);
    assert_eq!(told.lines().count(), 3, "{told}");
    let [weights, tokenizer, config] = ["model.safetensors", "tokenizer.json", "config.json"];
    let card = "{}/there/model.card.toml";
    let without = std::process::Command::new("curl").arg("--version").output().is_err();
    if without {
        let told = ran(folder, &format!("models fetch {card} --to {{}}/here --from http://127.0.0.1:9/{weights}"), 4);
        assert!(told.contains("install curl"), "{told}");
        return;
    }
    let (address, served) = serve(&folder.join("there"), 3);
    ran(folder, &format!("models fetch {card} --to {{}}/here --from {address}/{weights}"), 0);
    assert_eq!(served.join().unwrap(), [weights, tokenizer, config]);
    for file in [weights, tokenizer, config] {
        assert!(
            fs::read(folder.join("there").join(file)).unwrap() == fs::read(folder.join("here").join(file)).unwrap()
        );
    }
    assert!(ran(folder, "models verify --folder {}/here", 0).contains("ok  wanjuan-e5-96\n"));
    // One file is another, then one is missing: none is kept.
    let change = |file: &str, bytes: Option<&[u8]>| {
        let path = folder.join("there").join(file);
        bytes.map_or_else(|| fs::remove_file(&path), |bytes| fs::write(&path, bytes)).unwrap();
    };
    for (bytes, requests, code, told) in
        [(Some(&b"{}"[..]), 3, 2, "what was fetched as config.json has 2 bytes"), (None, 3, 4, "cannot be fetched")]
    {
        change(config, bytes);
        let (address, served) = serve(&folder.join("there"), requests);
        let line = format!("models fetch {card} --to {{}}/third --from {address}/{weights}");
        assert!(ran(folder, &line, code).contains(told));
        served.join().unwrap();
        assert_eq!(fs::read_dir(folder.join("third")).unwrap().count(), 0);
    }
}

#[test]
fn a_language_model_is_trained_and_used_as_its_card_says() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    reviews(folder);
    let train = "train-scorer --kind ngram --out {}/scorers --order 3 --memory 1MiB";
    let told = ran(folder, &format!("{train} --name zh --units characters --threads 2 {{}}/all.jsonl"), 0);
    assert!(told.contains("1 bad records passed over") && told.contains("perplexity"), "{told}");
    let model = fs::read(folder.join("scorers/zh.ngrams")).unwrap();
    ran(folder, &format!("{train} --name zh --units characters --threads 1 {{}}/all.jsonl"), 0);
    assert!(fs::read(folder.join("scorers/zh.ngrams")).unwrap() == model, "threads decide about the model");
    let card = fs::read_to_string(folder.join("scorers/zh.card.toml")).unwrap();
    assert!(card.contains("words = \"characters\"") && card.contains("file = \"zh.arpa\""), "{card}");
    assert!(ran(folder, "models verify --folder {}/scorers", 0).contains("ok  zh\n"));
    let left: Vec<_> = fs::read_dir(folder.join("scorers")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with("ngrams-")), "{left:?}");

    let measured = |model: &str| {
        let text = format!(
            "[pipeline]\nname = \"p\"\noutput = \"{model}-out\"\n[[source]]\nname = \"raw\"\nuse = \"jsonl\"\npaths = [\"good.jsonl.zst\"]\n[[step]]\nuse = \"perplexity\"\nmodel = \"scorers/{model}\"\n[[sink]]\nname = \"clean\"\nuse = \"jsonl\"\ncompression = \"none\"\nmeasures = true\n"
        );
        fs::write(folder.join("p.toml"), text).unwrap();
        ran(folder, "run {}/p.toml", 0);
        let clean = fs::read_to_string(folder.join(format!("{model}-out/clean/part-00000.jsonl"))).unwrap();
        let first: serde_json::Value = serde_json::from_str(clean.lines().next().unwrap()).unwrap();
        find(&first, "perplexity").unwrap()
    };
    // The small file has probabilities in 256 steps.
    let (small, exact) = (measured("zh.ngrams"), measured("zh.arpa"));
    assert!((small / exact - 1.0).abs() < 0.05 && exact > 1.0, "{small} {exact}");

    ran(folder, &format!("{train} --name words --words english --lowercase --held-out 0 {{}}/good.jsonl.zst"), 0);
    assert!(measured("words.arpa") > 1.0);
    fs::write(folder.join("scorers/words.arpa"), "other").unwrap();
    assert!(ran(folder, "check {}/p.toml", 2).contains("the card says"));

    let wrong = |arguments: &str| {
        ran(folder, &format!("train-scorer --kind ngram --out {{}}/x --name x {arguments} {{}}/all.jsonl"), 2)
    };
    assert!(wrong("--order 9").contains("from 1 to 6"));
    assert!(wrong("--prune 1,0").contains("begin with 0"));
    assert!(wrong("--units pieces").contains("--pieces FILE is missing"));
    assert!(wrong("--units pieces --pieces {}/all.jsonl").contains("all.jsonl: it is no model of SentencePiece"));
    assert!(wrong("--units characters --lowercase").contains("cannot be read so"));
    assert!(wrong("--ccnet --words english").contains("leave one of them out"));
    assert!(wrong("--dim 8").contains("`--dim` is an option of `--kind fasttext` alone"));
}

/// The number of that name, wherever it stands.
fn find(value: &serde_json::Value, name: &str) -> Option<f64> {
    let object = value.as_object()?;
    let ends = |key: &str| key == name || key.ends_with(&format!(".{name}"));
    let here = object.iter().find(|(key, value)| ends(key) && value.is_number()).and_then(|(_, value)| value.as_f64());
    here.or_else(|| object.values().find_map(|value| find(value, name)))
}

#[test]
fn texts_of_a_test_file_are_measured_on_and_not_learned() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    reviews(folder);
    let all = fs::read_to_string(folder.join("all.jsonl")).unwrap();
    let some: String = all.lines().take(60).map(|line| format!("{line}\n")).collect();
    fs::write(folder.join("some.jsonl"), some).unwrap();
    let base = "train-scorer --kind fasttext --out {}/scorers --words characters --dim 16 --rate 0.5 --bucket 2000 --name good";
    let told = ran(folder, &format!("{base} {{}}/all.jsonl --test {{}}/some.jsonl"), 0);
    assert!(told.contains("240 texts learned, 60 held out"), "{told}");
    assert!(fs::read_to_string(folder.join("scorers/good.card.toml")).unwrap().contains("in a file of their own"));
}
