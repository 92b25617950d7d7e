use super::*;
use wanjuan_models::encoder::Found;

use wanjuan_models::encoder::train::Fitted;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/encoder/golden/bert")
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

const SETTINGS: Settings = Settings { target: Target::Labels, ridge: 0.1, held_out: 0.3, threads: 2 };

fn trained(texts: &[Example], settings: &Settings) -> (Encoder, Trained) {
    let encoder = Encoder::load(&folder(), &Found::Cpu).unwrap();
    let trained = fit(&encoder, texts, settings).unwrap();
    (encoder, trained)
}

#[test]
fn a_head_tells_texts_apart_and_its_folder_is_a_model_with_a_card() {
    let (_, trained) = trained(&texts(), &SETTINGS);
    assert_eq!(trained.fitted.labels, ["code", "river"]);
    let languages: Vec<&str> = trained.measured.iter().map(|measured| measured.language.as_str()).collect();
    assert_eq!(languages, ["*", "en", "zh"]);
    assert!(trained.measured[0].measures["auc"] > 0.99, "{:?}", trained.measured[0]);
    assert_eq!(trained.learned + trained.measured[0].documents as usize, 120);
    let place = tempfile::tempdir().unwrap();
    write(&trained, &folder(), place.path(), Card { name: "rivers".into(), ..Card::default() }).unwrap();
    let card = Card::read(&place.path().join("card.toml")).unwrap();
    assert_eq!((card.kind.as_str(), &card.labels[..]), ("encoder", &["code".to_owned(), "river".to_owned()][..]));
    assert_eq!(card.held_out.len(), 3);
    assert!(std::fs::read_to_string(place.path().join("reliability.svg")).unwrap().contains("<circle"));
    let model = Encoder::load(place.path(), &Found::Cpu).unwrap();
    assert_eq!(model.heads()[0].labels, ["code", "river"]);
    // Not over the model that it was fitted on, by whatever name.
    let over = write(&trained, &place.path().join("."), place.path(), Card::default());
    assert!(over.unwrap_err().contains("this is the folder of --model"));
    // The card's sum is held against the file when it is loaded.
    let weights = place.path().join("model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    assert!(Encoder::load(place.path(), &Found::Cpu).err().unwrap().to_string().contains("its sha256 is"));
}

#[test]
fn the_same_texts_give_the_same_head_with_any_number_of_threads() {
    let texts = texts();
    let heads: Vec<Fitted> = [1, 3].map(|threads| trained(&texts, &Settings { threads, ..SETTINGS }).1.fitted).into();
    assert_eq!(heads[0], heads[1]);
}

#[test]
fn numbers_are_fitted_and_labels_that_are_none_are_refused() {
    let numbered =
        |text: Example| Example { label: if text.label == "river" { "4.5" } else { "1" }.to_owned(), ..text };
    let settings = Settings { target: Target::Number, ..SETTINGS };
    let (_, trained) = trained(&texts().into_iter().map(numbered).collect::<Vec<_>>(), &settings);
    assert!(trained.measured[0].measures["correlation"] > 0.95, "{:?}", trained.measured[0]);
    let encoder = Encoder::load(&folder(), &Found::Cpu).unwrap();
    assert!(fit(&encoder, &texts(), &settings).err().unwrap().contains("is no number"));
    assert!(fit(&encoder, &texts()[..1], &SETTINGS).err().unwrap().contains("two labels apart"));
}

#[test]
fn a_person_is_asked_about_what_is_doubted_and_what_is_sure_by_turns() {
    let (encoder, trained) = trained(&texts(), &SETTINGS);
    let mut pool = texts();
    pool.push(Example {
        text: "The river = 3; print the hills".to_owned(),
        label: String::new(),
        language: String::new(),
    });
    let ask = |wanted, threads| {
        let mut asking = Asking::new(&encoder, &trained, wanted, threads);
        pool.iter().cloned().for_each(|text| asking.see(text).unwrap());
        asking.finish().unwrap()
    };
    let asked = ask(6, 1);
    let apart = |scored: &Scored| (scored.scores[0] - scored.scores[1]).abs();
    assert_eq!(asked.len(), 6);
    // The plain way: all of them in order, from both ends.
    let texts: Vec<&str> = pool.iter().map(|text| &*text.text).collect();
    let scores: Vec<Vec<f64>> =
        embed(&encoder, &texts, 1).unwrap().iter().map(|vector| trained.fitted.score(vector)).collect();
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

#[test]
fn a_text_without_a_token_has_no_vector_and_is_not_learned() {
    let encoder = Encoder::load(&folder(), &Found::Cpu).unwrap();
    let vectors = embed(&encoder, &["The river.", " ", "The hills."], 3).unwrap();
    assert_eq!(vectors.iter().map(Vec::len).collect::<Vec<_>>(), [24, 0, 24]);
    let mut texts = texts();
    texts.iter_mut().for_each(|text| text.text = " ".to_owned());
    assert!(fit(&encoder, &texts, &SETTINGS).err().unwrap().contains("a text has no token"));
}
