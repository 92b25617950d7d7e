//! When a date is, in whichever of the forms that crawls and pages have it.

/// Seconds from the beginning of 1970 in UTC, and billionths of the next; `None` where the text is no date.
///
/// Read are ISO 8601 from the year alone to fractions of a second, apart or together (`2024-02-29T12:00:00.5+01:00`,
/// `2024-02-29 12:00`, `20240229120000`), and what servers send (`Thu, 29 Feb 2024 12:00:00 GMT`: RFC 9110, sec. 5.6.7).
/// A time without a zone is in UTC, a day without a time its beginning.
pub fn instant(text: &str) -> Option<(i64, u32)> {
    let mut rest = Rest(text.trim().as_bytes());
    let (days, time) = match rest.of_server() {
        Some(day) => day,
        None => rest.iso()?,
    };
    let (mut seconds, mut billionths) = (days * 86_400, 0);
    if time {
        let (since, fraction) = rest.time()?;
        seconds += since - rest.zone()?;
        billionths = fraction;
    }
    rest.0.is_empty().then_some((seconds, billionths))
}

/// What is left to read.
#[derive(Clone, Copy)]
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// A number of just so many digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        let number = number.iter().try_fold(0, |sum, byte| {
            let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
            Some(10 * sum + digit)
        })?;
        self.0 = rest;
        Some(number)
    }

    fn skip(&mut self, bytes: &[u8]) -> bool {
        let skips = self.0.first().is_some_and(|byte| bytes.contains(byte));
        self.0 = &self.0[usize::from(skips)..];
        skips
    }

    /// A day from its year on, and whether a time follows.
    fn iso(&mut self) -> Option<(i64, bool)> {
        let year = self.number(4)?;
        let apart = self.skip(b"-");
        if self.0.is_empty() {
            return (!apart).then_some((day(year, 1, 1)?, false));
        }
        let month = self.number(2)?;
        if self.0.is_empty() && apart {
            return Some((day(year, month, 1)?, false));
        }
        if self.skip(b"-") != apart {
            return None;
        }
        let days = day(year, month, self.number(2)?)?;
        // Together, the time may follow at once.
        let time = self.skip(b"Tt ") || !apart && !self.0.is_empty();
        Some((days, time))
    }

    /// A day as servers write it.
    fn of_server(&mut self) -> Option<(i64, bool)> {
        let mut rest = *self;
        let comma = rest.0.iter().position(|&byte| byte == b',')?;
        rest.0 = &rest.0[comma + 1..];
        while rest.skip(b" ") {}
        let number = rest.number(2).or_else(|| rest.number(1))?;
        rest.skip(b" -");
        let (month, after) = rest.0.split_at_checked(3)?;
        rest.0 = after;
        const MONTHS: &[u8] = b"janfebmaraprmayjunjulaugsepoctnovdec";
        let month = MONTHS.chunks(3).position(|name| name.eq_ignore_ascii_case(month))? as i64 + 1;
        rest.skip(b" -");
        let days = day(rest.number(4)?, month, number)?;
        let time = rest.skip(b" ");
        *self = rest;
        Some((days, time))
    }

    /// Seconds of a day, and billionths.
    fn time(&mut self) -> Option<(i64, u32)> {
        let hour = self.number(2)?;
        let apart = self.skip(b":");
        let minute = self.number(2)?;
        let mut second = 0;
        if self.skip(b":") || !apart && self.0.first().is_some_and(u8::is_ascii_digit) {
            second = self.number(2)?;
        }
        let mut billionths = 0;
        if self.skip(b".,") {
            let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (fraction, rest) = self.0.split_at(digits);
            let digit = |place: usize| u32::from(fraction.get(place).map_or(0, |byte| byte - b'0'));
            billionths = (0..9).fold(0, |sum, place| 10 * sum + digit(place));
            self.0 = rest;
        }
        // A leap second is the last of its minute, and 24:00 the end of the day.
        let is_one = hour < 24 && minute < 60 && second <= 60 || (hour, minute, second, billionths) == (24, 0, 0, 0);
        is_one.then_some((3600 * hour + 60 * minute + second.min(59 + i64::from(hour == 24)), billionths))
    }

    /// Seconds that a zone is before UTC.
    fn zone(&mut self) -> Option<i64> {
        self.skip(b" ");
        if self.0.is_empty() || self.skip(b"Zz") {
            return Some(0);
        }
        if ["GMT", "UTC"].iter().any(|name| self.0.eq_ignore_ascii_case(name.as_bytes())) {
            self.0 = &[];
            return Some(0);
        }
        let sign = if self.skip(b"+") { 1 } else { -i64::from(self.skip(b"-")) };
        let hours = self.number(2)?;
        self.skip(b":");
        let minutes = if self.0.is_empty() { 0 } else { self.number(2)? };
        (sign != 0 && hours < 24 && minutes < 60).then_some(sign * (3600 * hours + 60 * minutes))
    }
}

/// Days from the beginning of 1970 to a day of the Gregorian calendar; `None` where it has no such day.
fn day(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let february = 28 + i64::from(leap);
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *lengths.get(usize::try_from(month - 1).ok()?)?;
    if !(1..=length).contains(&day) {
        return None;
    }
    // The days before a year, from that of the birth of Christ, which the calendar calls 0.
    let before = |year: i64| 365 * year + (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
    Some(before(year) - before(1970) + lengths[..month as usize - 1].iter().sum::<i64>() + day - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_time_is_the_same_in_every_form() {
        for text in [
            "2024-02-29T12:00:00Z",
            "2024-02-29t12:00z",
            "2024-02-29 12:00:00",
            "2024-02-29T12:00:00.000+00:00",
            "2024-02-29T13:00:00+01:00",
            "2024-02-29T13:00:00+0100",
            "2024-02-28T23:30:00-12:30",
            "20240229120000",
            "20240229T120000Z",
            "202402291200",
            "Thu, 29 Feb 2024 12:00:00 GMT",
            "Thursday, 29-Feb-2024 12:00:00 UTC",
            " Thu, 29 Feb 2024 14:00 +0200\n",
        ] {
            assert_eq!(instant(text), Some((1_709_208_000, 0)), "{text}");
        }
        assert_eq!(instant("1970-01-01"), Some((0, 0)));
        assert_eq!((instant("2024"), instant("2024-02")), (instant("2024-01-01"), instant("20240201")));
        assert_eq!(instant("2000-01-01T24:00"), instant("2000-01-02"));
        assert_eq!(instant("2016-12-31T23:59:60Z"), instant("2016-12-31T23:59:59Z"));
        assert_eq!(instant("1969-12-31T23:59:59.25"), Some((-1, 250_000_000)));
        assert_eq!(instant("0000-03-01").unwrap().0 - instant("0000-02-29").unwrap().0, 86_400);
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "yesterday",
            "CC-MAIN-2024-10",
            "2023-02-29",
            "2024-13-01",
            "2024-00-10",
            "2024-1-1",
            "202402",
            "2024-",
            "2024-02-29T",
            "2024-02-29T25:00",
            "2024-02-29T12:60",
            "2024-02-29T12:00:00+",
            "2024-02-29T12:00:00 CET",
            "29.02.2024",
            "02/29/2024",
            "1709208000",
            "2024-02-29T12:00:00Z and more",
            "二〇二四年",
            "Thu, 29 Foo 2024",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_days_follow_one_another(text in any::<String>(), number in 0..3_652_058_i64) {
            instant(&text);
            // From one day to the next, by the lengths of the months.
            let (mut year, mut month, mut date) = (number / 366, number % 12 + 1, number % 31 + 1);
            if let Some(days) = day(year, month, date) {
                date += 1;
                if day(year, month, date).is_none() {
                    (month, date) = (month + 1, 1);
                }
                if month == 13 {
                    (year, month) = (year + 1, 1);
                }
                prop_assert_eq!(day(year, month, date), Some(days + 1));
            }
        }
    }
}
