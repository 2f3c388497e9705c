//! Text from outside, such as a path or an argument, made fit for a message of one line.

use std::fmt::Write;

/// `text` with control characters, line ends among them, escaped as in Rust.
pub fn one_line(text: &str) -> String {
    text.chars().fold(String::new(), |mut line, character| {
        if character.is_control() {
            let _ = write!(line, "{}", character.escape_default());
        } else {
            line.push(character);
        }
        line
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_controls_are_escaped() {
        check("/x/ä 'y'", "/x/ä 'y'");
        check("a\nb\r\t\u{1b}[31m", "a\\nb\\r\\t\\u{1b}[31m");
        check("\u{85}", "\\u{85}");
    }

    fn check(text: &str, expect: &str) {
        assert_eq!(one_line(text), expect);
    }
}
