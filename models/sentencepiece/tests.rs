use super::*;

/// `golden/make.py` made both by PyPI sentencepiece.
fn golden() -> (SentencePiece, Vec<(String, Vec<String>)>) {
    let model = zstd::decode_all(&include_bytes!("golden/small.model.zst")[..]).unwrap();
    let cases = include_str!("golden/pieces.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (SentencePiece::from_bytes(&model).unwrap(), cases)
}

fn pieces(model: &SentencePiece, text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    model.pieces(text, &mut Room::default(), |piece| pieces.push(piece.to_owned()));
    pieces
}

#[test]
fn pieces_are_those_of_sentencepiece() {
    let (model, cases) = golden();
    assert!(cases.len() > 300);
    for (text, expected) in cases {
        assert_eq!(pieces(&model, &text), expected, "{text:?}");
    }
}

/// Holds models to how sentencepiece cuts texts by them, and shows the bytes of each; how many there are.
fn cut_alike(compressed: &[u8], mut see: impl FnMut(&[u8])) -> usize {
    let lines = String::from_utf8(zstd::decode_all(compressed).unwrap()).unwrap();
    for (number, line) in lines.lines().enumerate() {
        let (model, cases): (String, Vec<(String, Vec<String>)>) = serde_json::from_str(line).unwrap();
        let byte = |at: usize| u8::from_str_radix(&model[at..at + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..model.len()).step_by(2).map(byte).collect();
        let model = SentencePiece::from_bytes(&bytes).unwrap();
        for (text, expected) in cases {
            assert_eq!(pieces(&model, &text), expected, "{text:?} by model {number}");
        }
        see(&bytes);
    }
    lines.lines().count()
}

/// Byte pairs, single bytes, what users defined, spaces behind words, spaces that stay.
#[test]
fn every_kind_of_model_cuts_as_sentencepiece_does() {
    let models = cut_alike(include_bytes!("golden/kinds.jsonl.zst"), |bytes| {
        for at in (0..bytes.len()).step_by(bytes.len() / 300) {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= 0x55;
            if let Ok(model) = SentencePiece::from_bytes(&damaged) {
                pieces(&model, "the mill 河水 [SEP] 12 \u{301} 　 x");
            }
        }
    });
    assert_eq!(models, 10);
}

#[test]
fn models_of_a_few_pieces_cut_as_sentencepiece_does_however_many_ways_are_alike() {
    assert!(cut_alike(include_bytes!("golden/tiny.jsonl.zst"), |_| {}) > 280);
}

#[test]
fn a_file_that_is_cut_or_damaged_is_refused_and_none_panics() {
    let bytes = zstd::decode_all(&include_bytes!("golden/small.model.zst")[..]).unwrap();
    let refused = |bytes: &[u8]| SentencePiece::from_bytes(bytes).err().unwrap();
    assert!(refused(b"").contains("no piece"));
    assert!(refused(b"\x0b").contains("no model of SentencePiece"));
    assert!(refused(&bytes[..bytes.len() / 2]).contains("too early"));
    for at in (0..bytes.len()).step_by(bytes.len() / 2000) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        if let Ok(model) = SentencePiece::from_bytes(&damaged) {
            pieces(&model, "Café １２ ㌔ 河水 straße\u{301} 　 x");
        }
    }
}

/// A file of pieces: text, score, kind.
fn file(pieces: &[(&str, f32, u8)], trainer: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    for (text, score, kind) in pieces {
        let mut piece = vec![0x0a, text.len() as u8];
        piece.extend_from_slice(text.as_bytes());
        piece.push(0x15);
        piece.extend_from_slice(&score.to_le_bytes());
        piece.extend_from_slice(&[0x18, *kind]);
        file.extend_from_slice(&[0x0a, piece.len() as u8]);
        file.extend_from_slice(&piece);
    }
    file.extend_from_slice(&[0x12, trainer.len() as u8]);
    file.extend_from_slice(trainer);
    file
}

#[test]
fn kinds_of_models_that_are_not_read_are_refused_with_their_reason() {
    let unknown = ("<unk>", 0.0, 2);
    let refused =
        |pieces: &[(&str, f32, u8)], trainer: &[u8]| SentencePiece::from_bytes(&file(pieces, trainer)).err().unwrap();
    assert!(SentencePiece::from_bytes(&file(&[unknown, ("a", -1.0, 1)], &[0x18, 1])).is_ok());
    assert!(refused(&[unknown, ("a", -1.0, 1)], &[0x18, 3]).contains("words or characters"));
    assert!(refused(&[unknown, ("a", -1.0, 5)], &[0x18, 2]).contains("out of use"));
    assert!(refused(&[unknown, ("a", 1.0, 1), ("b", 0.0, 4)], &[]).contains("above 0"));
    assert!(refused(&[unknown, ("<0x00>", 0.0, 6)], &[]).contains("does not fall back"));
    assert!(refused(&[unknown, ("<0x00>", 0.0, 6)], &[0x98, 0x02, 1]).contains("for 1 of 256"));
    assert!(refused(&[unknown, ("<0x0>", 0.0, 6)], &[0x98, 0x02, 1]).contains("called `<0x0>`"));
    assert!(refused(&[("a", -1.0, 1)], &[]).contains("what is unknown"));
    assert!(refused(&[unknown, ("a", -1.0, 1), ("a", -1.0, 1)], &[]).contains("stands twice"));
    assert!(refused(&[unknown, ("a", f32::NAN, 1)], &[]).contains("no number"));
    assert!(refused(&[unknown], &[]).contains("no piece"));
}

#[test]
fn equal_ways_are_told_apart_as_sentencepiece_does_and_unknown_characters_are_one_piece() {
    let bytes = file(&[("<unk>", 0.0, 2), ("▁", -1.0, 1), ("a", -1.0, 1), ("aa", -2.0, 1)], &[]);
    let model = SentencePiece::from_bytes(&bytes).unwrap();
    assert_eq!(pieces(&model, "aa"), ["▁", "aa"]);
    assert_eq!(pieces(&model, "河水a水"), ["▁", "河水", "a", "水"]);
    assert_eq!(pieces(&model, "  a   a \n"), ["▁", "a", "▁", "a", "▁", "\n"]);
    assert!(pieces(&model, "").is_empty() && pieces(&model, "   ").is_empty());
}

proptest::proptest! {
    /// What is cut is the text as it was made ready, whole.
    #[test]
    fn no_text_panics_and_nothing_is_lost(text in "(\\PC|[a-z ]{0,9}|[一-龥]){0,40}") {
        let (model, mut normal) = (golden().0, String::new());
        model.normalise(&text, &mut normal);
        proptest::prop_assert_eq!(pieces(&model, &text).concat(), normal);
    }
}
