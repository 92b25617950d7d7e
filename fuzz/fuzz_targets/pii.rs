//! No text makes `pii` panic, and a second look at the same document finds the same.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use wanjuan_filters::Pii;
use wanjuan_filters::kit::{Document, Mapper, Setup, Step};

static STEPS: LazyLock<Vec<Pii>> = LazyLock::new(|| {
    let settings = Pii::PROFILES.iter().map(|profile| profile.settings).chain(["generic_secrets = true\nold_id_cards = true"]);
    let built = settings.map(|settings| Pii::new(toml::from_str(settings).unwrap(), &mut Setup::default()).ok().unwrap());
    built.collect()
});

fuzz_target!(|text: &str| {
    for step in STEPS.iter() {
        let [mut once, mut twice] = [Document::new("1", text), Document::new("1", text)];
        assert_eq!(step.map(&mut once, &mut Default::default()), step.map(&mut twice, &mut Default::default()));
        assert_eq!(once, twice);
    }
});
