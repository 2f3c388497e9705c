//! The index template of contrib/ maps every field of a record, to a type that takes all its values.

use nat_acct::record::{Format, schema};
use serde_json::{Map, Value};

const TEMPLATE: &str = include_str!("../../contrib/elasticsearch/index-template.json");

#[test]
fn every_field_has_a_mapping_of_its_type() {
    let mappings = mappings();
    let fields = fields();
    assert!(fields.len() > 30, "{fields:?}");
    for (path, field) in &fields {
        assert_eq!(mapped(&mappings, path)["type"], kind(field), "{path}");
    }
}

#[test]
fn the_version_of_ecs_is_a_constant() {
    let version = &mapped(&mappings(), "ecs.version").clone();
    assert_eq!(version["type"], "constant_keyword");
    assert!(version["value"].is_string());
}

/// What Elasticsearch calls the type of this field.
fn kind(field: &Value) -> &'static str {
    let is = |schema: &Value, format: &str| schema["format"] == format;
    let any = field["anyOf"].as_array().into_iter().flatten();
    match field["type"].as_str() {
        Some("integer") => "long",
        Some("boolean") => "boolean",
        _ if is(field, "date-time") => "date_nanos",
        _ if any.clone().any(|schema| is(schema, "ipv4")) => "ip",
        _ => "keyword",
    }
}

fn mappings() -> Value {
    let template: Value = serde_json::from_str(TEMPLATE).expect("JSON");
    template["template"]["mappings"].clone()
}

fn mapped<'a>(mappings: &'a Value, path: &str) -> &'a Value {
    path.split('.')
        .fold(mappings, |above, name| &above["properties"][name])
}

/// The fields of a record that have no others in them, by their paths.
fn fields() -> Vec<(String, Value)> {
    let schema = schema(Format::Ecs).to_value();
    let mut fields = Vec::new();
    collect(&schema, &schema["$defs"], String::new(), &mut fields);
    fields
}

fn collect(schema: &Value, definitions: &Value, path: String, fields: &mut Vec<(String, Value)>) {
    let referred = schema["$ref"]
        .as_str()
        .and_then(|path| path.rsplit('/').next());
    let schema = referred.map_or(schema, |name| &definitions[name]);
    match schema["properties"].as_object() {
        None => fields.push((path, schema.clone())),
        Some(properties) => collect_all(properties, definitions, &path, fields),
    }
}

fn collect_all(
    properties: &Map<String, Value>,
    definitions: &Value,
    path: &str,
    fields: &mut Vec<(String, Value)>,
) {
    for (name, property) in properties {
        let separator = if path.is_empty() { "" } else { "." };
        let path = format!("{path}{separator}{name}");
        collect(property, definitions, path, fields);
    }
}
