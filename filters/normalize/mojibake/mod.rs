//! Repairs text that was read in a wrong code page.
//!
//! Line by line, as ftfy 6.3 does it: a line that looks like mojibake is turned back into the bytes of
//! the first code page that has all its characters, if those bytes are UTF-8; else its parts that look
//! like UTF-8 are, each by itself. What comes out may be mojibake of an earlier misreading, and is
//! looked at again. Two misreadings of Chinese that ftfy does not know are in `chinese`.

mod chinese;
mod pages;
mod suspicion;

use pages::{LOST, PAGES, encode, is_windows, known, pages_of, part};
use suspicion::{first_suspect, is_suspicious};

/// Most layers of misreading that are undone in a line, in a part of it, in a part of what that was. Each
/// at least halves what it undoes, but a text can be made in which every round repairs one character.
const MAX_ROUNDS: [usize; 3] = [8, 8, 1];

/// Characters of which only that they are lost is known: `U+FFFD`, and `锟斤拷`, which is two of them read
/// as GBK.
pub fn count_lost(text: &str) -> usize {
    let count = |lost: &str| memchr::memmem::find_iter(text.as_bytes(), lost.as_bytes()).count();
    count("\u{fffd}") + 2 * count("锟斤拷")
}

/// Repairs every line that needs it: the text if it changed, and how many lines did.
pub fn repair(text: &str) -> (Option<String>, usize) {
    let (mut repaired, mut lines) = (None::<String>, 0);
    let (mut from, mut at) = (0, 0);
    let bytes = text.as_bytes();
    // Found once and kept until it is behind us, however many other places there are before it.
    let mut european = Some(0);
    loop {
        if european.is_some_and(|place| place <= at) {
            european = first_suspect(bytes, at);
        }
        let chinese = chinese::first_suspect(&bytes[..european.unwrap_or(bytes.len())], at);
        let Some(place) = chinese.or(european) else { break };
        let start = memchr::memrchr(b'\n', &bytes[..place]).map_or(0, |end| end + 1);
        let end = memchr::memchr(b'\n', &bytes[place..]).map_or(bytes.len(), |length| place + length);
        if let Some(line) = repair_line(&text[start..end]) {
            let out = repaired.get_or_insert_with(|| String::with_capacity(text.len()));
            out.push_str(&text[from..start]);
            out.push_str(&line);
            from = end;
            lines += 1;
        }
        at = end;
    }
    if let Some(out) = &mut repaired {
        out.push_str(&text[from..]);
    }
    (repaired, lines)
}

/// Chinese first: GBK read as Latin-1 holds pairs that look like UTF-8.
fn repair_line(line: &str) -> Option<String> {
    let as_latin = chinese::repair_gbk(line);
    let european = repair_european(as_latin.as_deref().unwrap_or(line), 0).or(as_latin);
    chinese::repair_utf8(european.as_deref().unwrap_or(line)).or(european).filter(|repaired| repaired != line)
}

fn repair_european(text: &str, depth: usize) -> Option<String> {
    let mut repaired = None;
    for _ in 0..MAX_ROUNDS.get(depth).copied().unwrap_or_default() {
        match repair_layer(repaired.as_deref().unwrap_or(text), depth) {
            Some(better) => repaired = Some(better),
            None => break,
        }
    }
    repaired
}

/// Undoes one misreading. `None` if there is none to be seen.
fn repair_layer(text: &str, depth: usize) -> Option<String> {
    if !is_suspicious(text) {
        return None;
    }
    let pages = pages_of(text);
    let mut bytes = Vec::new();
    for page in (0..PAGES).filter(|page| pages & 1 << page != 0) {
        encode(text, page, &mut bytes);
        if pages::restores_spaces(page) {
            restore_spaces(&mut bytes);
        }
        if is_windows(page) {
            bytes = without_lost(bytes);
        }
        if let Some(repaired) = decode(std::mem::take(&mut bytes)) {
            return (repaired != text).then_some(repaired);
        }
    }
    if let Some(repaired) = repair_parts(text, depth) {
        return Some(repaired);
    }
    // Control characters of Latin-1 stand for what Windows-1252 has in their place. Where the whole line
    // is Latin-1 and one of them stands for nothing, they are left to the rule for single ones all the same.
    let controls = text.contains(|c| matches!(c, '\u{80}'..='\u{9f}'));
    controls.then(|| text.chars().map(pages::windows_1252).collect::<String>()).filter(|repaired| repaired != text)
}

/// Repairs the parts of a text that look like UTF-8 one by one.
fn repair_parts(text: &str, depth: usize) -> Option<String> {
    let mut out = None::<String>;
    let (mut from, mut at) = (0, 0);
    let mut before_is_rest = false;
    while at < text.len() {
        if text.as_bytes()[at] < 0x80 {
            before_is_rest = false; // no part of mojibake, but for a space that is sure of nothing
            at += 1;
            continue;
        }
        let c = text[at..].chars().next().expect("a character stands where a lead byte does");
        let length = if before_is_rest { 0 } else { sequences(&text[at..]) };
        if length == 0 {
            before_is_rest = known(c).parts & part::SURE_REST != 0;
            at += c.len_utf8();
            continue;
        }
        let part = &text[at..at + length];
        if length < text.len()
            && is_suspicious(part)
            && let Some(repaired) = repair_european(part, depth + 1)
        {
            let out = out.get_or_insert_with(|| String::with_capacity(text.len()));
            out.push_str(&text[from..at]);
            out.push_str(&repaired);
            from = at + length;
        }
        at += length;
        // What ends a run of sequences is one of their bytes, and keeps the next from beginning here.
        before_is_rest = part.chars().next_back().is_some_and(|last| known(last).parts & part::SURE_REST != 0);
    }
    let mut out = out?;
    out.push_str(&text[from..]);
    Some(out)
}

/// Bytes of the sequences of two, three or four characters that a text begins with, each as UTF-8 has them.
fn sequences(text: &str) -> usize {
    let mut length = 0;
    'next: loop {
        let mut characters = text[length..].chars();
        let Some(lead) = characters.next() else { return length };
        let lead_parts = known(lead).parts;
        let mut behind = length + lead.len_utf8();
        for lead in part::LEAD {
            match characters.next() {
                Some(rest) if known(rest).parts & part::REST != 0 => behind += rest.len_utf8(),
                _ => return length,
            }
            if lead_parts & lead != 0 {
                length = behind;
                continue 'next;
            }
        }
        return length;
    }
}

/// Puts back the no-break spaces that became spaces, where they end a likely character in UTF-8: `Ã `
/// for `à`, and others whose lead bytes are no words of their own.
fn restore_spaces(bytes: &mut Vec<u8>) {
    if memchr::memchr(b' ', bytes).is_none()
        || !bytes.iter().enumerate().any(|(at, _)| space_within(bytes, at).is_some())
    {
        return;
    }
    // `à` is a word, so its space is another one, unless words of Portuguese that begin with it follow.
    let mut restored = Vec::with_capacity(bytes.len() + 8);
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"\xc3 ") {
            let rest = &bytes[at + 2..];
            if !["quele", "quela", "quilo", "s ", " "].iter().any(|word| rest.starts_with(word.as_bytes())) {
                restored.extend(b"\xc3\xa0 ");
                at += 2;
                continue;
            }
        }
        restored.push(bytes[at]);
        at += 1;
    }
    let mut at = 0;
    while at < restored.len() {
        match space_within(&restored, at) {
            Some(length) => {
                for byte in &mut restored[at..at + length] {
                    *byte = if *byte == b' ' { 0xa0 } else { *byte };
                }
                at += length;
            }
            None => at += 1,
        }
    }
    *bytes = restored;
}

/// Length of the character at a place that would be UTF-8 if a space in it were a no-break space.
fn space_within(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = |place: usize| bytes.get(at + place).copied().unwrap_or_default();
    let is_rest = |byte: u8| matches!(byte, 0x80..=0xbf);
    // An ellipsis (85) and a no-break space that is still there do not stand beside a lost one.
    let is_sure = |byte: u8| is_rest(byte) && !matches!(byte, 0x85 | 0xa0);
    match (rest(0), rest(1), rest(2), rest(3)) {
        (0xc2 | 0xc3 | 0xc5 | 0xce | 0xd0 | 0xd9, b' ', ..) => Some(2),
        (0xe2 | 0xe3, b' ', third, _) if is_sure(third) => Some(3),
        (0xe0..=0xe3, second, b' ', _) if is_sure(second) => Some(3),
        (0xf0, b' ', third, fourth) if is_rest(third) && is_rest(fourth) => Some(4),
        (0xf0, second, b' ', fourth) if is_rest(second) && is_rest(fourth) => Some(4),
        (0xf0, second, third, b' ') if is_rest(second) && is_rest(third) => Some(4),
        _ => None,
    }
}

/// Characters in UTF-8 of which a byte was lost become `U+FFFD`.
fn without_lost(bytes: Vec<u8>) -> Vec<u8> {
    if memchr::memchr2(LOST, b'?', &bytes).is_none() {
        return bytes;
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match lost(&bytes[at..]) {
            Some(length) => {
                out.extend("\u{fffd}".as_bytes());
                at += length;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

/// Length of the character that bytes begin with, if one of its bytes was lost. A question mark may
/// stand for one of them.
fn lost(bytes: &[u8]) -> Option<usize> {
    let rest = |place: usize| bytes.get(place).copied().unwrap_or_default();
    let gone = |byte: u8| matches!(byte, LOST | b'?');
    let known = |byte: u8| matches!(byte, LOST | 0x80..=0xbf);
    match rest(0) {
        LOST => Some(1),
        0xc2..=0xdf if rest(1) == LOST => Some(2),
        0xc2..=0xc3 if rest(1) == b'?' => Some(2),
        0xe0..=0xef => {
            // Half a surrogate pair each, as CESU-8 has them.
            let halves =
                rest(0) == 0xed && matches!(rest(1), 0xa0..=0xaf) && rest(3) == 0xed && matches!(rest(4), 0xb0..=0xbf);
            let either = |one: u8, other: u8| gone(one) && (known(other) || gone(other));
            if halves && (either(rest(2), rest(5)) || either(rest(5), rest(2))) {
                return Some(6);
            }
            (gone(rest(1)) && known(rest(2)) || known(rest(1)) && gone(rest(2))).then_some(3)
        }
        0xf0..=0xf4 => {
            let (one, two, three) = (rest(1), rest(2), rest(3));
            let found = gone(one) && known(two) && known(three)
                || known(one) && gone(two) && known(three)
                || known(one) && known(two) && gone(three);
            found.then_some(4)
        }
        _ => None,
    }
}

/// UTF-8, CESU-8 (two surrogates of three bytes each) and Java's NUL of two bytes.
fn decode(bytes: Vec<u8>) -> Option<String> {
    if memchr::memchr2(0xed, 0xc0, &bytes).is_none() {
        return String::from_utf8(bytes).ok();
    }
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at..] {
            [0xc0, 0x80, ..] => {
                plain.push(0);
                at += 2;
            }
            [0xed, a @ 0xa0..=0xaf, b @ 0x80..=0xbf, 0xed, c @ 0xb0..=0xbf, d @ 0x80..=0xbf, ..] => {
                let bits = |byte: u8, mask: u8| u32::from(byte & mask);
                let code = 0x10000 + (bits(a, 0xf) << 16 | bits(b, 0x3f) << 10 | bits(c, 0xf) << 6 | bits(d, 0x3f));
                let c = char::from_u32(code).expect("two halves make a character");
                plain.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
                at += 6;
            }
            _ => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(plain).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn repaired(text: &str) -> String {
        repair(text).0.unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn the_published_examples_of_ftfy_become_what_it_makes_of_them() {
        let golden = include_str!("../../golden/ftfy/examples.jsonl");
        let mut differences = Vec::new();
        for line in golden.lines() {
            let example: serde_json::Value = serde_json::from_str(line).unwrap();
            let [original, fixed] = ["original", "fixed"].map(|key| example[key].as_str().unwrap());
            let ours = repair_european(original, 0).unwrap_or_else(|| original.to_owned());
            if ours != fixed {
                differences.push(format!("{original:?} became {ours:?}, not {fixed:?}"));
            }
            // The two misreadings of Chinese add nothing to these.
            assert_eq!(chinese::repair_gbk(original), None);
            assert_eq!(chinese::repair_utf8(&ours), None);
        }
        assert_eq!(golden.lines().count(), EXAMPLES);
        assert!(differences.is_empty(), "{differences:#?}");
    }

    const EXAMPLES: usize = 161;

    #[test]
    fn chinese_that_was_misread_is_read_again() {
        for (broken, whole) in [
            ("ÄãºÃ", "你好"),
            ("ÄãºÃ£¬ÊÀ½ç£¡", "你好，世界！"),
            ("see: ÄãºÃ£¬ÊÀ½ç (2)", "see: 你好，世界 (2)"),
            ("Èç¹û´ËÐÅ´òÈÅµ½Äú£¬ÎÒÃÇÉî¸Ð±§Ç¸£¬Çë½«´ËÐÅÉ¾³ý¡£", "如果此信打扰到您，我们深感抱歉，请将此信删除。"),
            ("Ê×Ò³", "首页"),
            ("µÇÂ¼ | ×¢²á", "登录 | 注册"),
            ("µÚ1ÕÂ", "第1章"),
            ("¹ØÓÚÎÒÃÇ: 2003", "关于我们: 2003"),
            ("AÇÃO E REAÇÕES", "AÇÃO E REAÇÕES"),
            ("µÚ", "µÚ"), // one character may be chance
            ("50°÷ ½ ¾", "50°÷ ½ ¾"),
            ("浣犲ソ", "你好"),
            ("浣犲ソ锛屼笘鐣", "浣犲ソ锛屼笘鐣"), // half a character is gone
            ("涓浗鏄竴涓", "涓浗鏄竴涓"),
        ] {
            assert_eq!(repaired(broken), whole);
        }
    }

    #[test]
    fn what_might_be_meant_stays_until_something_else_in_its_line_is_broken() {
        assert_eq!(repaired("a Ä…a Ä…a\nÃ©a Ä…a"), "a Ä…a Ä…a\néa ąa");
    }

    #[test]
    fn what_is_lost_is_counted() {
        assert_eq!(count_lost("a\u{fffd}锟斤拷锟斤拷\u{fffd}"), 6);
    }

    #[test]
    fn words_that_look_like_bytes_of_chinese_are_left_alone() {
        for text in ["ÀÁÂÃÄÅÆÇ", "ÄÖÜß", "ÅÄÖ åäö", "¡¿ÁÉÍÓÚ", "联通", "涓涓细流，浃髓沦肌。", "锟斤拷", "«É»"]
        {
            assert_eq!(repaired(text), text);
        }
    }

    #[test]
    fn huge_and_odd_texts_take_linear_time() {
        let started = std::time::Instant::now();
        for text in [
            "Ã",
            "Â ",
            "ÃƒÂ",
            "â€",
            "â€™x",
            "Ä",
            "ÄãºÃ",
            "浣犲ソ",
            "浣犲ソ\n",
            "ØªØª",
            "\u{fffd}",
            "à ¤",
            "ðŸ",
            "\u{85}é",
        ] {
            repair(&text.repeat(20_000));
            repair(&format!("{}€ Ã©\u{fffd}", text.repeat(20_000)));
        }
        // Every round repairs one character only.
        repair(&format!("{}Â©", "Ã".repeat(40_000)));
        assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn no_text_panics_and_a_suspicious_one_is_looked_at(text in "([ÃÂâ€™œ\u{80}-\u{bf}ÐÑа-я浣犲ソ中a ?\u{fffd}\u{1a}]|\\PC){0,40}") {
            repair(&text);
            if is_suspicious(&text) {
                prop_assert!(first_suspect(text.as_bytes(), 0).is_some());
            }
        }

        /// One letter of each line is such that its misreading is seen as one: `Ä…`, for instance, which is `ą`, is
        /// none by itself, to ftfy neither.
        #[test]
        fn what_one_misreading_broke_is_repaired(words in "[a-z]{1,8} é[a-z]{1,8}( [a-z]{0,4}[éèüößñçàąęůšžřцяжπλ’”—…][a-z]{1,4}){3,6}") {
            let misread: String = words.bytes().map(|byte| pages::windows_1252(char::from(byte))).collect();
            prop_assert_eq!(repaired(&misread), words);
        }
    }
}
