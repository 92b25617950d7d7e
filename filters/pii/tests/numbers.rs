//! Numbers of telephones and cards.

use super::*;

#[test]
fn phone_numbers_are_found_and_other_numbers_are_not() {
    assert_eq!(finds("手机13812345678。"), "p:13812345678");
    assert_eq!(finds("138 1234 5678, 139-1234-5678"), "p:138 1234 5678|p:139-1234-5678");
    assert_eq!(finds("１３８１２３４５６７８"), "p:１３８１２３４５６７８");
    assert_eq!(finds("8613812345678 008613812345678 0086-138 1234 5678 (86)13812345678").matches("p:").count(), 4);
    assert_eq!(
        finds("+8613812345678／+86 138-1234-5678，＋86（10）6552 9988"),
        "p:+8613812345678|p:+86 138-1234-5678|p:＋86（10）6552 9988"
    );
    assert_eq!(finds("call +1 (212) 555-0147 or +44 (0)20 7946 0018."), "p:+1 (212) 555-0147|p:+44 (0)20 7946 0018");
    assert_eq!(finds("+49 30 123456, +39 06 1234567"), "p:+49 30 123456|p:+39 06 1234567");
    assert_eq!(finds("(+86)13812345678，（＋86）138 1234 5678"), "p:(+86)13812345678|p:（＋86）138 1234 5678");
    assert_eq!(finds("(86)13812345678 (0086)13812345678"), "p:(86)13812345678|p:(0086)13812345678");
    assert_eq!(finds("(+86 13812345678) (86-13812345678)"), "p:+86 13812345678|p:86-13812345678");
    assert_eq!(finds("(+1) 212 555 0147 or (+49)30123456"), "p:(+1) 212 555 0147|p:(+49)30123456");
    assert_eq!(finds("(a +86)13812345678"), "p:+86)13812345678");
    assert_eq!(told(&step(""), "", "电话(+86)13812345678。").1, "电话|||PHONE_NUMBER|||。");
    assert_eq!(finds("tel:13812345678/13912345678"), "p:13812345678|p:13912345678");
    for none in [
        "订单13812345678901",
        "12812345678",
        "1381234567",
        "a13812345678",
        "13812345678a",
        "id=13812345678",
        "/p/13812345678.html",
        "13812345678.5",
        "￥13812345678",
        "13812345678元",
        "0.13812345678",
        "C++11 +1",
        "+1 000 000 0000",
        "+1234567",
        "1+12345678901",
        "+20 000 000 000",
        "138 12345678",
        "138-1234 5678",
        "x_13812345678",
        "2021-13812345678",
    ] {
        assert_eq!(finds(none), "", "{none}");
    }
}

#[test]
fn landlines_have_the_area_code_of_a_place_and_a_mark_behind_it() {
    assert_eq!(finds("电话：010-62345678，0755-2345678。"), "p:010-62345678|p:0755-2345678");
    assert_eq!(finds("（021）62345678 (0571) 8765 4321"), "p:（021）62345678|p:(0571) 8765 4321");
    assert_eq!(finds("０１０－６２３４５６７８ 020 8765 4321"), "p:０１０－６２３４５６７８|p:020 8765 4321");
    assert_eq!(finds("0755-23456789-8001转"), "p:0755-23456789-8001");
    assert_eq!(
        finds("010-62345678转801，0755-2345678 转 12，(021)62345678轉分機 8001；020-87654321转分机3"),
        "p:010-62345678转801|p:0755-2345678 转 12|p:(021)62345678轉分機 8001|p:020-87654321转分机3"
    );
    assert_eq!(finds("010-62345678转接 010-62345678转801234 010-62345678转"), ["p:010-62345678"; 3].join("|"));
    for none in [
        "010-2345678",   // Beijing has eight digits
        "0755-12345678", // no number begins so
        "0755-92345678",
        "0111-62345678", // no place
        "026-62345678",
        "01062345678",
        "0755-234567",
        "0755-234567890",
        "x0755-23456789",
        "0755-23456789-800123",
        "$010-62345678",
        "3.010-62345678",
        "2010-62345678",
        "0-306-40615-2",
        "id=0755-23456789",
    ] {
        assert_eq!(finds(none), "", "{none}");
    }
}

#[test]
fn numbers_of_north_america_are_told_by_their_groups() {
    assert_eq!(finds("call (415) 555-2671 or 415-555-2671."), "p:(415) 555-2671|p:415-555-2671");
    assert_eq!(finds("1-415-555-2671, 1 (415) 555-2671"), "p:1-415-555-2671|p:1 (415) 555-2671");
    assert_eq!(finds("(415)555.2671 415.555.2671"), "p:(415)555.2671|p:415.555.2671");
    assert_eq!(finds("+1 415 555 2671／+1-415-555-2671"), "p:+1 415 555 2671|p:+1-415-555-2671");
    for none in [
        "123-456-7890", // areas and exchanges begin with 2 and more
        "415-155-2671",
        "911-555-2671",
        "415-911-2671",
        "495-555-2671",
        "415-555-26710",
        "415-555.2671",
        "415 555 2671",
        "555-2671",
        "2012-10-2024",
        "978-0-306-40615-7",
        "v415.555.2671",
        "f(415) 555-2671",
        "$415-555-2671",
        "415-55-2671",
        "415-555-2671-3",
        "1.415-555-2671",
        "192.168.0.1",
        "2.415.555.26.1",
    ] {
        assert_eq!(finds(none), "", "{none}");
    }
}

#[test]
fn identity_cards_need_a_province_a_date_and_a_check_digit() {
    // Made up: 110101, the date, 001 and the digit that follows from them.
    assert_eq!(finds("身份证11010119900307001X号"), "");
    let digits: [u8; 17] = [1, 1, 0, 1, 0, 1, 1, 9, 9, 0, 0, 3, 0, 7, 0, 0, 1];
    let checks: Vec<u8> = (0..=10).filter(|check| number::card::is_id_number(&digits, *check)).collect();
    let [check] = checks[..] else { panic!("{checks:?}") };
    let last = if check == 10 { "X".to_owned() } else { check.to_string() };
    let number = format!("11010119900307001{last}");
    assert_eq!(finds(&format!("身份证{number}号")), format!("i:{number}"));
    assert_eq!(finds(&format!("110101 19900307 001{last}")), format!("i:110101 19900307 001{last}"));
    for none in [
        format!("1{number}"),
        format!("{number}1"),
        format!("a{number}"),
        number.replace("0307", "0230"),
        number.replacen("11", "16", 1),
    ] {
        assert_eq!(found("bank_card = 'off'", &none), "", "{none}");
    }
    // The example of GB 11643-1999.
    assert!(finds("11010519491231002X").starts_with("i:") && finds("440524188001010014").is_empty());
    assert_eq!(finds("110105491231002"), "");
    assert_eq!(found("old_id_cards = true", "110105491231002 110105491331002"), "i:110105491231002");
}

#[test]
fn bank_cards_need_a_network_and_luhn() {
    for card in [
        "4111111111111111",
        "5555 5555 5555 4444",
        "3782-822463-10005",
        "6212345678901232",
        "30569309025904",
        "4222222222222",
    ] {
        assert_eq!(finds(&format!("卡号{card}，")), format!("b:{card}"), "{card}");
    }
    assert_eq!(finds("４１１１１１１１１１１１１１１１"), "b:４１１１１１１１１１１１１１１１");
    for none in [
        "4111111111111112",
        "1111111111111117",
        "41111111111111110",
        "id=4111111111111111",
        "4111 1111-1111 1111",
        "4111 1111 1111",
        "x4111111111111111",
    ] {
        assert_eq!(finds(none), "", "{none}");
    }
}

#[test]
fn a_card_goes_before_a_number_to_be_dialled() {
    let text = "+4111 1111 1111 1111+";
    let card = Span { start: 1, end: 20, kind: Kind::BankCard };
    let all = number::Wanted {
        id_card: true,
        old_id_card: true,
        bank_card: true,
        phone: true,
        ip: true,
        public_ips_only: true,
    };
    let mut fast = Vec::new();
    number::find(text, all, &mut fast);
    assert_eq!(fast, [card]);
    assert_eq!(number::plain::find(text, all), [card]);
}
