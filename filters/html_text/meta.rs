//! When a page was published, as it says itself.

/// The day at the start of a date or time in ISO 8601, if it is one: `2024-02-29T…` gives `2024-02-29`.
pub fn day(text: &str) -> Option<String> {
    let text = text.trim();
    let day = text.get(..10)?;
    let mut parts = day.split('-');
    let mut number =
        |digits: usize| parts.next().filter(|part| part.len() == digits).and_then(|part| part.parse::<u32>().ok());
    let (year, month, day_of_month) = (number(4)?, number(2)?, number(2)?);
    let real = (1990..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day_of_month);
    real.then(|| day.to_owned())
}

/// Names under which pages state their day, the surest first.
const NAMES: [&str; 6] =
    ["\"datePublished\"", "article:published_time", "datepublished", "\"date\"", "pubdate", "dc.date"];
/// How far behind a name its value stands.
const NEAR: usize = 120;

/// Looks for a day behind one of the usual names in the page's source.
pub fn published(html: &str) -> Option<String> {
    for name in NAMES {
        for at in memchr::memmem::find_iter(html.as_bytes(), name).take(4) {
            let start = at + name.len();
            let mut end = (start + NEAR).min(html.len());
            while !html.is_char_boundary(end) {
                end -= 1;
            }
            let behind = &html[start..end];
            let found =
                behind.char_indices().filter(|(_, c)| c.is_ascii_digit()).find_map(|(at, _)| day(&behind[at..]));
            if found.is_some() {
                return found;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_found_behind_their_names() {
        assert_eq!(published("{\"datePublished\": \"2019-05-06T07:08:09+08:00\"}").as_deref(), Some("2019-05-06"));
        assert_eq!(published("<meta name=pubdate content='2001-13-45'>日期"), None);
        assert_eq!(day("0000-00-00"), None);
    }
}
