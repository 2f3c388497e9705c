//! The schemas take every record and nothing else, and describe every field.

mod common;

use jsonschema::Validator;
use nat_acct::record::{Direction, Format, Record, Stage, schema};
use serde_json::{Map, Value};

const FORMATS: [Format; 2] = [Format::Ecs, Format::Compact];

/// Fields that a record may lack, by their JSON pointers.
const OPTIONAL: [&str; 15] = [
    "/source/nat",
    "/destination/nat",
    "/observer/ingress",
    "/observer/egress",
    "/dir",
    "/x",
    "/r",
    "/sr",
    "/rr",
    "/m",
    "/p",
    "/o",
    "/observer/ingress/vlan",
    "/observer/egress/vlan",
    "/v",
];

#[test]
fn every_combination_is_valid() {
    for format in FORMATS {
        let validator = validator(format);
        for record in common::all_records() {
            let record = record.to_json(format);
            let errors = errors(&validator, &record.parse().unwrap());
            assert!(errors.is_empty(), "{record}: {errors:?}");
        }
    }
}

#[test]
fn golden_records_are_valid() {
    for (format, golden) in [
        (Format::Ecs, include_str!("golden/ecs.jsonl")),
        (Format::Compact, include_str!("golden/compact.jsonl")),
    ] {
        let validator = validator(format);
        for line in golden.lines() {
            assert_eq!(errors(&validator, &line.parse().unwrap()), [""; 0]);
        }
    }
}

#[test]
fn no_field_can_be_missing_null_or_added() {
    for format in FORMATS {
        let validator = validator(format);
        for record in common::golden() {
            let remote = match record.account.direction {
                Direction::Outbound => "/destination",
                Direction::Inbound => "/source",
            };
            let is_start = record.account.stage == Stage::Started;
            let may_lack =
                |pointer: &str| OPTIONAL.contains(&pointer) || is_start && pointer == remote;
            let json: Value = record.to_json(format).parse().unwrap();
            for pointer in pointers(&json) {
                let optional = may_lack(&pointer);
                let lacking = changed(&json, &pointer, |object, name| {
                    object.remove(name);
                });
                assert_eq!(validator.is_valid(&lacking), optional, "without {pointer}");
                let nulled = changed(&json, &pointer, |object, name| {
                    object.insert(name.to_owned(), Value::Null);
                });
                assert!(!validator.is_valid(&nulled), "null at {pointer}");
                let added = changed(&json, &pointer, |object, _| {
                    object.insert("more".to_owned(), true.into());
                });
                assert!(!validator.is_valid(&added), "more beside {pointer}");
            }
        }
    }
}

#[test]
fn an_action_has_its_own_fields() {
    let with = |record: &Record, format, pointer: &str, value: Value| {
        let mut json: Value = record.to_json(format).parse().unwrap();
        match json.pointer_mut(pointer) {
            Some(field) => *field = value,
            None => json[&pointer[1..]] = value,
        }
        json
    };
    let golden = common::golden();
    for format in FORMATS {
        let (pointer, words) = match format {
            Format::Ecs => (
                "/event/action",
                ["nat-session-end", "nat-session-update", "nat-session-start"],
            ),
            Format::Compact => ("/k", ["end", "update", "start"]),
        };
        for record in &golden {
            let own = match record.account.stage {
                Stage::Ended(_) => words[0],
                Stage::Open => words[1],
                Stage::Started => words[2],
            };
            for word in words {
                let changed = with(record, format, pointer, word.into());
                let is_valid = validator(format).is_valid(&changed);
                assert_eq!(is_valid, word == own, "{changed}");
            }
        }
    }
}

#[test]
fn values_are_what_they_are_called() {
    refuse(Format::Ecs, "/@timestamp", "2026-11-22T09:43:23Z");
    refuse(Format::Ecs, "/event/start", "2026-13-22T09:43:23.000000Z");
    refuse(Format::Ecs, "/event/id", "01JD");
    refuse(Format::Ecs, "/event/reason", "finished");
    refuse(Format::Ecs, "/event/sequence", -1);
    refuse(Format::Ecs, "/source/ip", "192.0.2.256");
    refuse(Format::Ecs, "/source/ip", "gateway");
    refuse(Format::Ecs, "/source/port", 65_536);
    refuse(Format::Ecs, "/nat_acct/sent", 1.5);
    refuse(Format::Ecs, "/nat_acct/match", "guess");
    refuse(Format::Compact, "/c", "192.0.2.1");
    refuse(Format::Compact, "/e", "finished");
    refuse(Format::Compact, "/id", "01JD");
}

#[test]
fn every_field_is_described() {
    for format in FORMATS {
        let schema = schema(format).to_value();
        assert!(schema["description"].is_string());
        let mut fields = 0;
        visit_fields(&schema, &mut |name, field| {
            fields += 1;
            assert!(field["description"].is_string(), "{name}");
        });
        assert!(fields >= 20, "{fields}");
    }
}

#[test]
fn the_schemas_are_valid_schemas() {
    for format in FORMATS {
        assert!(jsonschema::meta::is_valid(&schema(format).to_value()));
    }
}

fn refuse(format: Format, pointer: &str, value: impl Into<Value>) {
    let record = common::record(&common::worked_example(), 1).to_json(format);
    let mut record: Value = record.parse().unwrap();
    *record.pointer_mut(pointer).unwrap() = value.into();
    let errors = errors(&validator(format), &record);
    assert_eq!(errors.len(), 1, "{pointer}: {errors:?}");
}

fn validator(format: Format) -> Validator {
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema(format).to_value())
        .unwrap()
}

fn errors(validator: &Validator, record: &Value) -> Vec<String> {
    let errors = validator.iter_errors(record);
    errors.map(|error| error.to_string()).collect()
}

/// The pointers to all fields of `value`, those in other fields included.
fn pointers(value: &Value) -> Vec<String> {
    let Value::Object(fields) = value else {
        return Vec::new();
    };
    let below = |(name, field)| {
        let deeper = pointers(field);
        let deeper = deeper.into_iter().map(move |rest| format!("/{name}{rest}"));
        std::iter::once(format!("/{name}")).chain(deeper)
    };
    fields.iter().flat_map(below).collect()
}

/// A copy of `record` with a change to the object that `pointer` points into.
fn changed(
    record: &Value,
    pointer: &str,
    change: impl FnOnce(&mut Map<String, Value>, &str),
) -> Value {
    let mut copy = record.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let object = copy.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    change(object, name);
    copy
}

fn visit_fields(schema: &Value, visit: &mut impl FnMut(&str, &Value)) {
    let fields = schema["properties"].as_object();
    for (name, field) in fields.into_iter().flatten() {
        visit(name, field);
    }
    for definition in schema["$defs"]
        .as_object()
        .into_iter()
        .flat_map(Map::values)
    {
        visit_fields(definition, visit);
    }
}
