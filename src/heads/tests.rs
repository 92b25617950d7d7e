use super::*;
use crate::scorer::Example;
use wanjuan_models::encoder::described;

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/encoder/golden").join(name)
}

/// Texts that a head can tell apart: some are about rivers, the others are numbers.
fn texts() -> Vec<Example> {
    let of = |number: usize| {
        let river = number.is_multiple_of(2);
        let text =
            if river { format!("The river rises in the hills {number}.") } else { format!("x = 3.{number}; print(x)") };
        let (label, language) =
            (if river { "river" } else { "code" }, if number.is_multiple_of(3) { "en" } else { "zh" });
        Example { text, label: label.to_owned(), language: language.to_owned() }
    };
    (0..120).map(of).collect()
}

/// How a model is trained.
#[derive(Clone, Copy)]
enum How<'a> {
    Head,
    All(&'a train::Settings),
}

/// A model that was trained, written and read back.
struct Trained {
    place: tempfile::TempDir,
    encoder: Encoder,
    made: Made,
    middle: f64,
    learned: usize,
    measured: Vec<Measured>,
}

fn trained(name: &str, how: How<'_>, texts: &[Example], target: Target, threads: usize) -> Result<Trained, String> {
    let (shape, tokens) = described(&folder(name)).unwrap();
    let mut samples = Samples::new(&tokens, target, 0.3, [shape.tokens, shape.tokens]);
    texts.iter().try_for_each(|text| samples.take(text))?;
    let targets = Targets::of(target, &samples.learned)?;
    let place = tempfile::tempdir().unwrap();
    let (from, told) = (folder(name), (&samples.learned[..], &targets));
    let made = match how {
        How::Head => {
            let encoder = Encoder::load(&from, &Found::Cpu).unwrap();
            head(&encoder, &from, told, 0.1, threads)?
        }
        How::All(settings) => {
            all((&from, place.path()), told, (settings, &Found::Cpu, threads), |_| Answer::GoOn)?.unwrap()
        }
    };
    write(&made, &from, place.path())?;
    let encoder = Encoder::load(place.path(), &Found::Cpu).unwrap();
    let measured = measured(&encoder, &samples.apart, target, threads)?;
    Ok(Trained { place, encoder, made, middle: targets.middle, learned: samples.learned.len(), measured })
}

#[test]
fn a_head_tells_texts_apart_and_its_folder_is_a_model_with_a_card() {
    let trained = trained("bert", How::Head, &texts(), Target::Labels, 2).unwrap();
    assert_eq!(trained.encoder.heads()[0].labels, ["code", "river"]);
    let languages: Vec<&str> = trained.measured.iter().map(|measured| measured.language.as_str()).collect();
    assert_eq!(languages, ["*", "en", "zh"]);
    assert!(trained.measured[0].measures["auc"] > 0.99, "{:?}", trained.measured[0]);
    assert_eq!(trained.learned + trained.measured[0].documents as usize, 120);
    let place = trained.place.path();
    let card = Card { name: "rivers".into(), ..Card::default() };
    finish(&trained.encoder, &trained.measured, place, card).unwrap();
    let card = Card::read(&place.join("card.toml")).unwrap();
    assert_eq!((card.kind.as_str(), &card.labels[..]), ("encoder", &["code".to_owned(), "river".to_owned()][..]));
    assert_eq!(card.held_out.len(), 3);
    assert!(std::fs::read_to_string(place.join("reliability.svg")).unwrap().contains("<circle"));
    let model = Encoder::load(place, &Found::Cpu).unwrap();
    assert_eq!(model.heads()[0].labels, ["code", "river"]);
    // Not over the model that it was fitted on, by whatever name.
    let over = write(&trained.made, &place.join("."), place);
    assert!(over.unwrap_err().contains("this is the folder of --model"));
    // The card's sum is held against the file when it is loaded.
    let weights = place.join("model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    assert!(Encoder::load(place, &Found::Cpu).err().unwrap().to_string().contains("its sha256 is"));
    // Another model in its place has no card yet, and nothing of the one before.
    write(&trained.made, &folder("bert"), place).unwrap();
    assert!(Encoder::load(place, &Found::Cpu).is_ok() && !place.join("reliability.svg").exists());
}

#[test]
fn the_same_texts_give_the_same_head_with_any_number_of_threads() {
    let made = |threads| trained("bert", How::Head, &texts(), Target::Labels, threads).unwrap().made;
    let one = made(1);
    // Several times: what a map decides differs from one to the next.
    for threads in [1, 2, 3, 3, 3] {
        let other = made(threads);
        assert!(one.files == other.files && one.head == other.head, "{threads}");
    }
}

#[test]
fn numbers_are_fitted_and_labels_that_are_none_are_refused() {
    let numbered =
        |text: Example| Example { label: if text.label == "river" { "4.5" } else { "1" }.to_owned(), ..text };
    let numbers: Vec<Example> = texts().into_iter().map(numbered).collect();
    let head = trained("bert", How::Head, &numbers, Target::Number, 2).unwrap();
    assert!(head.measured[0].measures["correlation"] > 0.95, "{:?}", head.measured[0]);
    let refused = |texts: &[Example], target| trained("bert", How::Head, texts, target, 2).err().unwrap();
    assert!(refused(&texts(), Target::Number).contains("is no number"));
    assert!(refused(&texts()[..1], Target::Labels).contains("two labels apart"));
}

const SETTINGS: train::Settings =
    train::Settings { epochs: 6, batch: 16, rate: 3e-3, warm_up: 0.1, decay: 0.01, clip: 1.0, seed: 0 };

/// Words of the Universal Declaration of Human Rights in languages of two families.
fn families() -> Vec<Example> {
    let rows = include_str!("declaration.tsv").lines().filter(|line| !line.starts_with('#'));
    let mut texts = Vec::new();
    for row in rows {
        let (family, text) = row.split_once('\t').unwrap();
        let words: Vec<&str> = text.split(' ').collect();
        texts.extend(words.chunks(6).map(|words| Example {
            text: words.join(" "),
            label: family.to_owned(),
            language: String::new(),
        }));
    }
    texts
}

#[test]
fn a_model_whose_weights_all_learn_beats_a_head_on_what_stays_as_it_is() {
    let texts = families();
    let of = |how| {
        let trained = trained("roberta", how, &texts, Target::Labels, 2).unwrap();
        assert!(trained.measured[0].documents > 250);
        (trained.measured[0].measures["auc"], trained.measured[0].measures["accuracy"])
    };
    let (head, all) = (of(How::Head), of(How::All(&SETTINGS)));
    assert!(all.0 > head.0 + 0.15 && all.1 > head.1 + 0.1, "head {head:?}, all {all:?}");
}

#[test]
fn all_weights_learn_numbers_from_nothing_as_from_a_file_and_leave_no_checkpoint() {
    let numbered =
        |text: Example| Example { label: if text.label == "river" { "4.5" } else { "1" }.to_owned(), ..text };
    let numbers: Vec<Example> = texts().into_iter().map(numbered).collect();
    let trained = trained("bert", How::All(&SETTINGS), &numbers, Target::Number, 2).unwrap();
    assert!(trained.measured[0].measures["correlation"] > 0.95, "{:?}", trained.measured[0]);
    assert_eq!(trained.encoder.heads()[0].labels, ["score"]);
    let unfinished = trained.place.path().join(UNFINISHED);
    std::fs::write(&unfinished, "").unwrap();
    finish(&trained.encoder, &trained.measured, trained.place.path(), Card::default()).unwrap();
    assert!(!unfinished.exists());
}

#[test]
fn a_person_is_asked_about_what_is_doubted_and_what_is_sure_by_turns() {
    let trained = trained("bert", How::Head, &texts(), Target::Labels, 2).unwrap();
    let encoder = &trained.encoder;
    let mut pool = texts();
    pool.push(Example {
        text: "The river = 3; print the hills".to_owned(),
        label: String::new(),
        language: String::new(),
    });
    let ask = |wanted, threads| {
        let mut asking = Asking::new(encoder, trained.middle, wanted, threads);
        pool.iter().cloned().for_each(|text| asking.see(text).unwrap());
        asking.finish().unwrap()
    };
    let asked = ask(6, 1);
    let apart = |scored: &Scored| (scored.scores[0] - scored.scores[1]).abs();
    assert_eq!(asked.len(), 6);
    // The plain way: all of them in order, from both ends.
    let windows: Vec<Vec<u32>> = pool.iter().map(|text| window(encoder, &text.text)).collect();
    let windows: Vec<&[u32]> = windows.iter().map(Vec::as_slice).collect();
    let scores = score(encoder, &windows, 1).unwrap();
    let mut order: Vec<usize> = (0..pool.len()).collect();
    order.sort_by(|&a, &b| (scores[a][0] - scores[a][1]).abs().total_cmp(&(scores[b][0] - scores[b][1]).abs()));
    for (number, scored) in asked.iter().enumerate() {
        let at = if number % 2 == 0 { order[number / 2] } else { order[order.len() - 1 - number / 2] };
        assert_eq!((scored.example.text.as_str(), &scored.scores), (pool[at].text.as_str(), &scores[at]));
    }
    assert!(apart(&asked[0]) < apart(&asked[1]));
    let mut all: Vec<String> = ask(500, 2).iter().map(|scored| scored.example.text.clone()).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), pool.len());
}

fn window(encoder: &Encoder, text: &str) -> Vec<u32> {
    let mut ids = Vec::new();
    encoder.tokens().windows(text, encoder.shape().tokens, 1, |window| ids = window.to_vec()).unwrap();
    ids
}

#[test]
fn a_text_without_a_token_has_no_vector_and_is_not_learned() {
    let encoder = Encoder::load(&folder("bert"), &Found::Cpu).unwrap();
    let windows = ["The river.", " ", "The hills."].map(|text| window(&encoder, text));
    let vectors = embed(&encoder, &windows.each_ref().map(Vec::as_slice), 3).unwrap();
    assert_eq!(vectors.iter().map(Vec::len).collect::<Vec<_>>(), [24, 0, 24]);
    let mut texts = texts();
    texts.iter_mut().for_each(|text| text.text = " ".to_owned());
    let told = trained("bert", How::Head, &texts, Target::Labels, 1).err().unwrap();
    assert!(told.contains("a text has no token"), "{told}");
}

#[test]
fn texts_of_a_test_are_held_out_wherever_else_they_stand() {
    let (shape, tokens) = described(&folder("bert")).unwrap();
    let mut samples = Samples::new(&tokens, Target::Labels, 0.0, [6, shape.tokens]);
    let texts = texts();
    texts[..10].iter().for_each(|text| samples.test(text).unwrap());
    texts.iter().for_each(|text| samples.take(text).unwrap());
    assert_eq!((samples.apart.len(), samples.learned.len()), (10, 110));
    assert!(samples.has(&texts[3].text) && samples.has(&texts[50].text) && !samples.has("The sea."));
    // What is learned is cut to its window; what is measured on is not.
    assert!(samples.learned.iter().all(|sample| sample.ids.len() == 6));
    assert!(samples.apart.iter().any(|sample| sample.ids.len() > 6));
}
