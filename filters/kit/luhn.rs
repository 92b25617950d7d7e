//! The check digit of bank cards.

/// Whether the last digit is the one that the others ask for (ISO/IEC 7812).
pub fn is_luhn(digits: &[u8]) -> bool {
    let doubled = |digit: u8| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = (digits.iter().rev().enumerate())
        .map(|(at, digit)| u32::from(if at % 2 == 1 { doubled(*digit) } else { *digit }))
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_digit_shows() {
        let number = [4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
        assert!(is_luhn(&number));
        for at in 0..number.len() {
            let mut wrong = number;
            wrong[at] = (wrong[at] + 1) % 10;
            assert!(!is_luhn(&wrong), "{at}");
        }
    }
}
