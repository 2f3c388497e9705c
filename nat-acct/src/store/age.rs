//! How long to keep something, as people type it: `180d`, `26w`, `36h`.

use jiff::{SignedDuration, Span, SpanRelativeTo};

/// A length of time that is not nothing, with days of 24 hours.
pub fn parse_age(typed: &str) -> Result<SignedDuration, String> {
    let span: Option<Span> = typed.parse().ok();
    let age = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    age.filter(|age| age.is_positive())
        .ok_or_else(|| "want a number with a unit, such as 180d, 26w or 36h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_typed_as_people_do() {
        for (typed, hours) in [("180d", 180 * 24), ("26w", 26 * 7 * 24), ("36h", 36)] {
            assert_eq!(
                parse_age(typed),
                Ok(SignedDuration::from_hours(hours)),
                "{typed}"
            );
        }
        for typed in ["", "180", "0d", "-1d", "6mo"] {
            assert!(parse_age(typed).is_err(), "{typed}");
        }
    }
}
