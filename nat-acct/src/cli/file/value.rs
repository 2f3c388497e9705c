//! Values of TOML as words of a command line.

use toml::de::{DeInteger, DeValue};

/// A flag that is set or not.
pub(super) fn flag(key: &str, value: &DeValue<'_>) -> Result<Vec<String>, String> {
    match value.as_bool() {
        Some(true) => Ok(vec![format!("--{key}")]),
        Some(false) => Ok(Vec::new()),
        None => Err(format!("'{key}' wants true or false")),
    }
}

/// One value, or an array of them.
pub(super) fn several(key: &str, value: &DeValue<'_>) -> Result<Vec<String>, String> {
    match value.as_array() {
        Some(values) => values
            .iter()
            .map(|value| one(key, value.get_ref()))
            .collect(),
        None => Ok(vec![one(key, value)?]),
    }
}

/// One value.
pub(super) fn one(key: &str, value: &DeValue<'_>) -> Result<String, String> {
    let text = match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => decimal(number).ok_or(format!("'{key}' is too large"))?,
        DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => return Err(format!("'{key}' wants a string or a whole number")),
    };
    Ok(format!("--{key}={text}"))
}

fn decimal(number: &DeInteger<'_>) -> Option<String> {
    let number = i128::from_str_radix(number.as_str(), number.radix()).ok()?;
    Some(number.to_string())
}
