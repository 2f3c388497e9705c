//! The JSON Schemas of the formats, made from the types that write them: a schema cannot say
//! something else than the records do.

use schemars::{JsonSchema, Schema, generate::SchemaSettings};

use serde_json::{Map, Value, json};

use super::{Compact, Ecs, Format};

/// The JSON Schema (2020-12) of a record in `format`.
pub fn schema(format: Format) -> Schema {
    match format {
        Format::Ecs => of::<Ecs>(),
        Format::Compact => of::<Compact>(),
    }
}

/// Describes what is written; what a reader may leave out is another question.
fn of<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<T>()
}

/// The condition that an object has all these fields.
pub(super) fn all(names: &[&str]) -> Value {
    json!({ "required": names })
}

/// The condition that an object has none of these fields.
pub(super) fn none(names: &[&str]) -> Value {
    let refused = names.iter().map(|name| ((*name).to_owned(), false.into()));
    json!({ "properties": refused.collect::<Map<_, _>>() })
}
