mod numbers;

use proptest::prelude::*;

use super::*;

fn step(settings: &str) -> Pii {
    let mut setup = Setup { step: "pii".into(), seed: 1, ..Setup::default() };
    Pii::new(toml::from_str(settings).unwrap(), &mut setup).unwrap()
}

fn profile_settings(name: &str) -> String {
    let settings = Pii::PROFILES.iter().find(|profile| profile.name == name).unwrap().settings;
    // One mark for every address, as the golden answers have it.
    settings.lines().filter(|line| !line.contains("ip_replacements")).collect::<Vec<_>>().join("\n")
        + "\nip_replacements = ['\u{e001}']"
}

fn profile(name: &str) -> Pii {
    step(Pii::PROFILES.iter().find(|profile| profile.name == name).unwrap().settings)
}

fn told(step: &Pii, id: &str, text: &str) -> (Verdict, String, Measure) {
    let (mut document, mut measure) = (Document::new(id, text), Measure::default());
    let verdict = step.map(&mut document, &mut measure);
    (verdict, document.text().to_owned(), measure)
}

/// What is found, each with a mark for its kind.
fn found(settings: &str, text: &str) -> String {
    let mut found = Vec::new();
    step(settings).find(text, &mut found);
    let told = found.iter().map(|span| {
        let kind = match span.kind {
            Kind::Secret => 's',
            Kind::Email => 'e',
            Kind::IdCard => 'i',
            Kind::BankCard => 'b',
            Kind::Phone => 'p',
            Kind::Ip => 'a',
        };
        format!("{kind}:{}", &text[span.start..span.end])
    });
    told.collect::<Vec<_>>().join("|")
}

fn finds(text: &str) -> String {
    found("", text)
}

#[test]
fn addresses_are_found_and_what_looks_like_them_is_not() {
    assert_eq!(finds("write to Jane.Doe+x@mail.acme.co.uk. Or not"), "e:Jane.Doe+x@mail.acme.co.uk");
    assert_eq!(finds("邮箱abc_1@163.com，电话"), "e:abc_1@163.com");
    assert_eq!(finds("联系：ａｂｃ＠ｑｑ．ｃｏｍ"), "e:ａｂｃ＠ｑｑ．ｃｏｍ");
    assert_eq!(finds("<a@b.cn>,c@d.com;mailto:e@f.org"), "e:a@b.cn|e:c@d.com|e:e@f.org");
    assert_eq!(finds("a@b.com-based x@b.com.1 y@z.com2"), "e:a@b.com|e:x@b.com");
    assert_eq!(finds("a@xn--fiqs8s.xn--fiqs8s!"), "e:a@xn--fiqs8s.xn--fiqs8s");
    assert_eq!(finds("..-a..b@c.com"), "e:b@c.com");
    for none in [
        "",
        "@",
        "@user",
        "a@b",
        "a@b.c",
        "logo@2x.png",
        "pkg@1.2.3",
        "git@github.com:a/b",
        "x@example.com",
        "x@mail.EXAMPLE.org",
        "x@y.test",
        "a.@b.com",
        "http://m.com/@user.name/x",
        "a @ b.com",
        "a@-b.com",
        "a@b-.com",
    ] {
        assert_eq!(finds(none), "", "{none}");
    }
}

#[test]
fn only_public_addresses_of_machines_are_found() {
    assert_eq!(finds("at 8.8.8.88, 服务器1.2.4.88和"), "a:8.8.8.88|a:1.2.4.88");
    assert_eq!(
        finds("http://93.184.216.34/x 93.184.216.34:80 93.184.216.0/24"),
        "a:93.184.216.34|a:93.184.216.34|a:93.184.216.0"
    );
    for none in [
        "10.1.2.33",
        "127.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.1.1",
        "100.64.0.1",
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.1.2.3",
        "255.255.255.255",
        "0.1.2.3",
        "11.8.4.2",
        "1.2.3.4.55",
        "1.2.3",
        "v1.2.3.44",
        "version 1.2.3.44",
        "版本：1.2.3.44",
        "Chrome/1.2.3.44",
        "01.2.3.44",
        "1.2.3.256",
        "1.2.3.44a",
        "a1.2.3.44",
    ] {
        assert_eq!(finds(none), "", "{none}");
    }
    assert_eq!(finds("172.15.0.1 172.32.0.1 100.63.0.1 223.0.0.1").matches('|').count(), 3);
    assert_eq!(found("public_ips_only = false", "10.1.2.33"), "a:10.1.2.33");
    assert_eq!(
        finds("2606:4700::1111, [2a00:1450:4001:81b::200e] 地址2400:3200::1。IPv6:2a00::1: end"),
        "a:2606:4700::1111|a:2a00:1450:4001:81b::200e|a:2400:3200::1|a:2a00::1"
    );
    for none in [
        "fe80::1",
        "::1",
        "2001:db8::1",
        "fc00::1",
        "ff02::1",
        "std::dec",
        "12:30:45",
        "a::b",
        "00:1a:2b:3c:4d:5e",
        "3fff::1",
    ] {
        assert_eq!(finds(none), "", "{none}");
    }
    assert_eq!(found("public_ips_only = false", "fe80::1 std::dec"), "a:fe80::1");
}

#[test]
fn an_address_with_a_password_stays_an_address() {
    let masked = |text: &str| told(&step(""), "x", text).1;
    assert_eq!(masked("see http://jane:s3cr-t@host.com/a?b#c now"), "see http://user:password@host.com/a?b#c now");
    assert_eq!(masked("postgres://app:pa%24s@localhost:5432/db"), "postgres://user:password@localhost:5432/db");
    assert_eq!(masked("redis://:pass@10.0.0.1"), "redis://user:password@10.0.0.1");
    let token = format!("https://x:ghp_{}@github.com/a", "a".repeat(36));
    assert_eq!(masked(&token), "https://user:password@github.com/a");
    assert_eq!(masked(&masked(&token)), masked(&token));
    assert_eq!(finds("http://jane:s3cr-t@host.com"), "s:jane:s3cr-t");
    assert_eq!(found("secret = 'off'", "http://jane:s3cr-t@host.com"), "");
    for none in [
        "http://${USER}:${PASS}@host",
        "http://user:<password>@host",
        "http://host:8080/@x",
        "http://host/a:b@c",
        "://a:b@c",
        "http://a:@host",
        "http://a:b@",
        "git@github.com:a/b",
        "http://user:password@host",
    ] {
        assert_eq!(finds(none), "", "{none}");
    }
    assert_eq!(finds("http://jane@host.com"), "e:jane@host.com");
}

#[test]
fn keys_and_tokens_are_found_by_how_they_start() {
    let x = |count: usize| "aB3dE5gH".repeat(40)[..count].to_owned();
    for secret in [
        "AKIAQ3EXMPLK4R7TZXYZ".to_owned(),
        format!("ghp_{}", x(36)),
        format!("github_pat_{}", x(82)),
        format!("xoxb-{}", "1234567890-abcdef"),
        format!("AIza{}", x(35)),
        format!("sk-proj-{}", x(48)),
        format!("sk_live_{}", x(24)),
        format!("hf_{}", x(34)),
        format!("eyJ{}.eyJ{}.{}", x(20), x(30), x(43)),
        format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n{}==\n-----END RSA PRIVATE KEY-----", x(64), x(20)),
        format!("-----BEGIN PRIVATE KEY-----\n{}\n", x(64)).trim_end().to_owned(),
    ] {
        assert_eq!(finds(&format!("钥{secret} 是")), format!("s:{secret}"));
    }
    for none in [
        format!("ghp_{}", x(37)),
        format!("ghp_{}", x(35)),
        format!("xAIza{}", x(35)),
        "AKIA".to_owned(),
        "sk-learn-is-a-library-with-a-very-long-name".to_owned(),
        "eyJhbGciOi".to_owned(),
        "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----".to_owned(),
    ] {
        assert_eq!(finds(&none), "", "{none}");
    }
    let generic =
        r#"api_key = "q8ZpL2mN4xT7vB1c", "client-secret": 'aaaaaaaaaaaaaaaa', token: "see the manual for it""#;
    assert_eq!(finds(generic), "");
    assert_eq!(found("generic_secrets = true", generic), "s:q8ZpL2mN4xT7vB1c");
}

#[test]
fn each_kind_has_its_action_and_its_reason() {
    let cases = [
        ("email", "has_email", "a@b.com"),
        ("ip", "has_ip_address", "8.8.8.88"),
        ("phone", "has_phone_number", "13812345678"),
        ("id_card", "has_id_card", "11010519491231002X"),
        ("bank_card", "has_bank_card", "4111111111111111"),
        ("secret", "has_secret", "AKIAQ3EXMPLK4R7TZXYZ"),
    ];
    for (kind, reason, value) in cases {
        let text = format!("它是 {value} 。");
        assert_eq!(told(&step(&format!("{kind} = 'drop'")), "", &text).0, Verdict::Drop(reason));
        assert_eq!(told(&step(&format!("{kind} = 'drop'")), "", "没有").0, Verdict::Keep);
        let (verdict, kept, measure) = told(&step(&format!("{kind} = 'measure'")), "", &text);
        assert_eq!((verdict, kept == text), (Verdict::Keep, true));
        let Measure { emails, ips, phones, id_cards, bank_cards, secrets } = measure;
        assert_eq!([emails, ips, phones, id_cards, bank_cards, secrets].map(Option::unwrap).iter().sum::<f64>(), 1.0);
        let (_, masked, _) = told(&step(""), "", &text);
        assert!(!masked.contains(value) && masked.ends_with(" 。"), "{masked}");
        assert_eq!(told(&step(""), "", &masked).1, masked, "what masks is left alone");
        assert_eq!(told(&step(&format!("{kind}_replacements = ['']")), "", &text).1, "它是  。");
        assert!(
            Pii::new(toml::from_str(&format!("{kind}_replacements = []")).unwrap(), &mut Setup::default()).is_err()
        );
    }
    assert_eq!(told(&step("email = 'off'"), "", "a@b.com").2.emails, None);
}

#[test]
fn too_many_finds_drop_a_document() {
    let step = step("max_found = 2");
    assert_eq!(told(&step, "", "a@b.com 8.8.8.88").0, Verdict::Keep);
    assert_eq!(told(&step, "", "a@b.com 8.8.8.88 13812345678").0, Verdict::Drop("too_much_personal_data"));
}

#[test]
fn an_address_of_version_6_gets_one_of_version_6() {
    for id in 0..20 {
        let masked = told(&step(""), &id.to_string(), "2606:4700::1111 8.8.8.88").1;
        let (six, four) = masked.split_once(' ').unwrap();
        assert!(six.parse::<std::net::Ipv6Addr>().is_ok() && four.parse::<std::net::Ipv4Addr>().is_ok(), "{masked}");
    }
    // Where a list has none, any of it; what is no address is for both.
    assert_eq!(told(&step("ip_replacements = ['192.0.2.1']"), "", "2606:4700::1111").1, "192.0.2.1");
    assert_eq!(told(&step("ip_replacements = ['2001:db8::1']"), "", "8.8.8.88").1, "2001:db8::1");
    assert_eq!(told(&step("ip_replacements = ['<IP>', '192.0.2.1']"), "", "2606:4700::1111").1, "<IP>");
}

#[test]
fn a_value_has_one_replacement_in_a_document_and_the_document_chooses() {
    let step = step("ip_replacements = ['1', '2', '3', '4', '5', '6', '7', '8']\nemail = 'off'");
    let masked = |id: &str| told(&step, id, "8.8.8.88 9.9.9.99 8.8.8.88 8．8．8．88").1;
    for id in 0..50 {
        let masked = masked(&id.to_string());
        let each: Vec<&str> = masked.split(' ').collect();
        assert!(each[0] == each[2] && each[0] == each[3], "{masked}");
    }
    let different: std::collections::HashSet<String> = (0..50).map(|id| masked(&id.to_string())).collect();
    assert!(different.len() > 20);
    let mut other = Setup { step: "pii".into(), seed: 2, ..Setup::default() };
    let other = Pii::new(step.config.clone(), &mut other).unwrap();
    assert!(
        (0..50).any(|id| told(&other, &id.to_string(), "8.8.8.88").1 != told(&step, &id.to_string(), "8.8.8.88").1)
    );
}

#[test]
fn a_number_in_an_address_is_part_of_it() {
    assert_eq!(finds("13812345678@qq.com 4111111111111111@x.com"), "e:13812345678@qq.com|e:4111111111111111@x.com");
    assert_eq!(found("email = 'off'", "13812345678@qq.com"), "p:13812345678");
}

#[test]
fn dolmas_finds_take_the_space_around_along() {
    let dolma = profile("dolma");
    let (verdict, text, _) = told(&dolma, "", "to a@b.com, (212) 555-1234 or 10.0.0.1!");
    assert_eq!((verdict, &*text), (Verdict::Keep, "to |||EMAIL_ADDRESS||| (212) 555-1234 or  |||IP_ADDRESS||| !"));
    let (verdict, text, _) = told(&dolma, "", "to a@b.com now\nat (212) 555-1234 or 10.0.0.1!");
    assert_eq!(
        (verdict, &*text),
        (Verdict::Keep, "to |||EMAIL_ADDRESS||| now\nat |||PHONE_NUMBER|||  or  |||IP_ADDRESS||| !")
    );
    assert_eq!(told(&dolma, "", &"x a@b.com x\n".repeat(5)).0, Verdict::Keep);
    assert_eq!(told(&dolma, "", &"x a@b.com x\n".repeat(6)).0, Verdict::Drop("too_much_personal_data"));
}

#[test]
fn texts_kept_by_the_fuzzer_are_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/pii");
    let Ok(files) = std::fs::read_dir(folder) else { return };
    for file in files {
        let text = String::from_utf8_lossy(&std::fs::read(file.unwrap().path()).unwrap()).into_owned();
        for step in [step("generic_secrets = true\nold_id_cards = true"), profile("datatrove"), profile("dolma")] {
            assert_eq!(told(&step, "1", &text), told(&step, "1", &text));
        }
    }
}

#[test]
fn huge_and_odd_texts_take_linear_time() {
    let started = std::time::Instant::now();
    for piece in [
        "@",
        "a@",
        "a.",
        "a@b.",
        "1",
        "1.",
        "１",
        "+1",
        "(415) 555-",
        "0755-",
        "a://b:c@",
        "://a:",
        "1 ",
        "4111 ",
        "12-",
        ":",
        "a:",
        "::1",
        "eyJ",
        "eyJaaaaaaaa.",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n",
        "sk-",
        "AKIA",
        "key=\"",
        "138",
        "+86(0)",
        "(0)",
        "ghp_",
        "＠",
        "a-",
        "xn--.",
    ] {
        let text = piece.repeat(300_000 / piece.len());
        for step in [step("generic_secrets = true\nold_id_cards = true"), profile("datatrove")] {
            told(&step, "", &text);
            told(&step, "", &format!("{text}@{text}.com"));
        }
        told(&profile("dolma"), "", &text.chars().take(50_000).collect::<String>());
    }
    assert!(started.elapsed().as_secs() < 40, "{:?}", started.elapsed());
}

#[test]
fn datatroves_answers_are_ours() {
    let step = step(&format!("{}\nemail_replacements = ['\u{e000}']", &profile_settings("datatrove")));
    let (mut lines, mut differ) = (0, Vec::new());
    for line in include_str!("../../golden/pii-datatrove.jsonl").lines() {
        let [text, answer]: [String; 2] = serde_json::from_str(line).unwrap();
        let ours = told(&step, "", &text).1;
        if ours != answer {
            differ.push((text, ours, answer));
        }
        lines += 1;
    }
    assert_eq!((lines, &*differ), (28, &[][..]));
}

#[test]
fn dolmas_answers_are_ours() {
    let marks = "email_replacements = ['\u{e000}']\nphone_replacements = ['\u{e001}']\nip_replacements = ['\u{e002}']";
    let profile = Pii::PROFILES.iter().find(|profile| profile.name == "dolma").unwrap();
    let mut settings: toml::Table = toml::from_str(profile.settings).unwrap();
    settings.extend(toml::from_str::<toml::Table>(marks).unwrap());
    let step = step(&settings.to_string());
    let mut lines = 0;
    for line in include_str!("../../golden/pii-dolma.jsonl").lines() {
        let (text, answer): (String, Option<String>) = serde_json::from_str(line).unwrap();
        let (verdict, ours, _) = told(&step, "", &text);
        assert_eq!((verdict == Verdict::Keep).then_some(ours), answer, "{text}");
        lines += 1;
    }
    assert_eq!(lines, 29);
}

#[test]
fn a_name_in_punycode_ends_with_a_letter_or_digit() {
    for (text, end) in [("a@b.xn--p1ai", 12), ("a@b.xn--p1ai-.", 12), ("a@png.xn--", 8), ("a@b.xn--a-", 9)] {
        let mut fast = Vec::new();
        email::find(text, &mut fast);
        assert_eq!(fast, [Span { start: 0, end, kind: Kind::Email }], "{text}");
        assert_eq!(email::plain::find(text), fast, "{text}");
    }
}

#[test]
fn a_key_behind_what_starts_like_a_token_is_found() {
    let block = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE KEY-----";
    for before in ["sk", "glpat", "xoxb", "x"] {
        assert_eq!(found("", &format!("{before}{block}")), format!("s:{block}"));
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "(\\PC|[0-9@.:+＠１．\\n -]|-----BEGIN |PRIVATE KEY-----|eyJ){0,60}") {
        for step in [step("generic_secrets = true\nold_id_cards = true"), profile("datatrove"), profile("dolma")] {
            told(&step, "x", &text);
        }
    }

    #[test]
    fn addresses_are_those_of_the_plain_rule(text in "(a|B|1|é|:|://|p:|＠|@|@|\\.|．|\\.com|-|_|\\+|xn--|png| |中|example.org){0,14}") {
        let mut fast = Vec::new();
        email::find(&text, &mut fast);
        prop_assert_eq!(fast, email::plain::find(&text), "{}", text);
    }

    #[test]
    fn numbers_are_those_of_the_plain_rule(text in "(1|8|１|138|86|\\+|\\+86|\\+44|1234|4111 1111 1111 1111|4111111111111111|11010519491231002|X|0| |-|\\(0\\)|\\)|\\.|8.8.8.88|v|=|/|元|中|_|\\(|（|０|010|0755|62345678|2345|678|415|555|2671|23|\\(\\+86\\)|转|轉|分机){0,12}") {
        let wanted = number::Wanted { id_card: true, old_id_card: true, bank_card: true, phone: true, ip: true, public_ips_only: true };
        let mut fast = Vec::new();
        number::find(&text, wanted, &mut fast);
        prop_assert_eq!(fast, number::plain::find(&text, wanted), "{}", text);
    }

    #[test]
    fn addresses_of_version_6_are_those_of_the_plain_rule(text in "(2001|2a00|fe80|db8|:|:|::|1|f|8\\.8\\.8\\.8|\\.|g|_|é|：| |addr|/64|\\[|\\]){0,24}") {
        for public_only in [true, false] {
            let mut fast = Vec::new();
            ip::find_v6(&text, public_only, &mut fast);
            prop_assert_eq!(fast, ip::plain::find_v6(&text, public_only), "{}", text);
        }
    }

    #[test]
    fn secrets_are_those_of_the_plain_rules(
        text in "((AKIA|ASIA|ghp_|ghr_|github_pat_|glpat-|xoxb-|AIza|sk_live_|sk-|hf_|npm_|eyJ|-----BEGIN |RSA PRIVATE KEY-----|-----END )?([A-Z0-9]{16}|[a-z0-9]{34,36}|[A-Za-z0-9_-]{8,40}|[a-zA-Z0-9_]{82})?(\\.| |\n|-|_|é|\"|=)?){0,6}"
    ) {
        let mut fast = Vec::new();
        secret::find(&text, &mut fast);
        prop_assert_eq!(fast, secret::plain::find(&text), "{}", text);
    }

    #[test]
    fn named_secrets_are_those_of_the_plain_rule(
        text in "((my_)?(key|KEY|secret|token|password|credential|tokeyn)([a-z_-]{0,3}|[a-z]{22,26})[\"']? {0,9}(=|:|=>)? {0,2}[\"']?([A-Za-z0-9+/=._-]{14,24}|[a-f0-9]{40})?[\"']?( |é)?){0,4}"
    ) {
        let mut fast = Vec::new();
        secret::find_generic(&text, &mut fast);
        prop_assert_eq!(fast, secret::plain::find_generic(&text), "{}", text);
    }

    #[test]
    fn datatroves_finds_are_those_of_its_expressions(text in "(a|B|7|é|中|@|@|\\.|\\.|-|_|#|'|\\.com|25|2|0|1\\.1\\.|8.8.8.8|10.0.0.1|\\[|\\]|:| ){0,14}") {
        let mut fast = Vec::new();
        peers::datatrove(&text, true, true, true, &mut fast);
        prop_assert_eq!(fast, peers::plain::datatrove(&text, true), "{}", text);
    }

    #[test]
    fn digits_are_found_eight_bytes_at_a_time(text in "[a-z中，：０５９/9:;0 -]{0,40}") {
        let plain = text.char_indices().find(|(_, c)| c.is_ascii_digit() || ('０'..='９').contains(c)).map(|(at, _)| at);
        prop_assert_eq!(seen::next_digit(text.as_bytes(), 0), plain);
    }
}
