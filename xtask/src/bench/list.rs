//! A list in Markdown.

/// Each item is a sentence without its full stop.
pub fn list(items: impl IntoIterator<Item = String>) -> String {
    items
        .into_iter()
        .map(|item| format!("- {item}.\n"))
        .collect()
}
