//! JSON schemas in words: the type of a value with its bounds, and the fields of an object.

use serde_json::Value;

use super::{entries, said};

/// Objects inside of objects, beyond which fields are not listed.
const DEPTH: usize = 4;

/// The schemas of a document, with references into it.
#[derive(Clone, Copy)]
pub struct Schemas<'a>(pub &'a Value);

/// A value by its name: `price.minor`, or `items[].title` in a list.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    /// Type and bounds.
    pub kind: String,
    pub meaning: String,
}

impl<'a> Schemas<'a> {
    /// The target of a `$ref` within the document.
    pub fn resolved<'d>(self, value: &'d Value) -> &'d Value
    where
        'a: 'd,
    {
        let reference = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
        reference.and_then(|pointer| self.0.pointer(pointer)).unwrap_or(value)
    }

    /// Type and bounds in words: `integer, 1 to 100, default 24`.
    pub fn kind(self, schema: &Value) -> String {
        let (schema, is_nullable) = self.without_null(schema);
        let mut words = vec![self.type_of(schema)];
        words.extend(bounds(schema));
        if let Some(default) = schema.get("default") {
            words.push(format!("default {default}"));
        }
        words.extend(is_nullable.then(|| "or null".to_owned()));
        words.retain(|word| !word.is_empty());
        words.join(", ")
    }

    /// All fields of an object, or of the objects of a list, with those of the objects inside of it.
    pub fn fields(self, schema: &Value) -> Vec<Field> {
        let mut fields = Vec::new();
        self.add_fields(schema, "", DEPTH, &mut fields);
        fields
    }

    fn add_fields(self, schema: &Value, prefix: &str, depth: usize, fields: &mut Vec<Field>) {
        let (schema, _) = self.without_null(schema);
        for (name, property) in entries(&schema["properties"]) {
            let name = format!("{prefix}{name}");
            let meaning = [said(property, "description"), said(self.without_null(property).0, "description")];
            let meaning = meaning.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
            fields.push(Field { name: name.clone(), kind: self.kind(property), meaning: meaning.to_owned() });
            if depth > 1 {
                let (inner, _) = self.without_null(property);
                self.add_fields(inner, &format!("{name}."), depth - 1, fields);
                self.add_fields(&inner["items"], &format!("{name}[]."), depth - 1, fields);
            }
        }
    }

    /// The schema without the alternative of null, and whether it has one.
    fn without_null<'d>(self, schema: &'d Value) -> (&'d Value, bool)
    where
        'a: 'd,
    {
        let schema = self.resolved(schema);
        if let Some(alternatives) = schema["anyOf"].as_array() {
            let other = alternatives.iter().find(|schema| schema["type"] != "null").unwrap_or(schema);
            return (self.resolved(other), alternatives.iter().any(|schema| schema["type"] == "null"));
        }
        let types = schema["type"].as_array().into_iter().flatten();
        (schema, types.into_iter().any(|name| name == "null"))
    }

    fn type_of(self, schema: &Value) -> String {
        if let Some(value) = schema.get("const") {
            return value.to_string();
        }
        let described = schema["oneOf"].as_array().into_iter().flatten().filter_map(|one| one.get("const"));
        let values: Vec<String> =
            schema["enum"].as_array().into_iter().flatten().chain(described).map(Value::to_string).collect();
        if !values.is_empty() {
            return values.join(" | ");
        }
        // Later versions may add values.
        let known: Vec<String> =
            schema["x-extensible-enum"].as_array().into_iter().flatten().map(Value::to_string).collect();
        if !known.is_empty() {
            return format!("{} | …", known.join(" | "));
        }
        let types = schema["type"].as_array().into_iter().flatten().chain([&schema["type"]]);
        let name = types.filter_map(Value::as_str).find(|name| *name != "null").unwrap_or_default();
        match (name, said(schema, "format")) {
            ("array", _) => format!("array of {}", self.kind(&schema["items"])),
            ("string", "date-time") => "time, RFC 3339".to_owned(),
            ("string", "uuid") => "UUID".to_owned(),
            ("string", "email") => "e-mail address".to_owned(),
            (name, _) => name.to_owned(),
        }
    }
}

/// The limits of a value; those of its machine type alone say nothing.
fn bounds(schema: &Value) -> Option<String> {
    let number =
        |name: &str| schema[name].as_f64().filter(|number| number.abs() < f64::from(i16::MAX)).map(|n| n.to_string());
    let range = |min: Option<String>, max: Option<String>, unit: &str| match (min, max) {
        (Some(min), Some(max)) if min == max => Some(format!("{min}{unit}")),
        (Some(min), Some(max)) => Some(format!("{min} to {max}{unit}")),
        (None, Some(max)) => Some(format!("at most {max}{unit}")),
        (Some(min), None) => Some(format!("at least {min}{unit}")),
        (None, None) => None,
    };
    range(number("minimum"), number("maximum"), "")
        .or_else(|| range(number("minLength"), number("maxLength"), " characters"))
        .or_else(|| range(number("minItems"), number("maxItems"), " items"))
        .or_else(|| Some(format!("pattern {}", schema["pattern"].as_str()?)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_is_its_type_and_bounds_in_words() {
        let document = json!({"components": {"Stars": {"type": "integer", "minimum": 1, "maximum": 5}}});
        for (schema, expected) in [
            (json!({"type": "string"}), "string"),
            (json!({"type": "integer", "minimum": 1, "maximum": 100, "default": 24}), "integer, 1 to 100, default 24"),
            (json!({"type": "integer", "minimum": 0, "maximum": u32::MAX}), "integer, at least 0"),
            (json!({"type": "string", "maxLength": 200}), "string, at most 200 characters"),
            (json!({"type": ["string", "null"], "maxLength": 80}), "string, at most 80 characters, or null"),
            (json!({"type": "string", "pattern": "^[A-Z]{3}$"}), "string, pattern ^[A-Z]{3}$"),
            (json!({"type": "string", "format": "date-time"}), "time, RFC 3339"),
            (json!({"enum": ["a", "b"], "type": "string"}), "\"a\" | \"b\""),
            (json!({"x-extensible-enum": ["a", "b"], "type": "string"}), "\"a\" | \"b\" | …"),
            (json!({"oneOf": [{"const": "a", "description": "first"}, {"const": "b"}]}), "\"a\" | \"b\""),
            (json!({"$ref": "#/components/Stars"}), "integer, 1 to 5"),
            (json!({"anyOf": [{"$ref": "#/components/Stars"}, {"type": "null"}]}), "integer, 1 to 5, or null"),
            (
                json!({"type": "array", "items": {"type": "string"}, "minItems": 5, "maxItems": 5}),
                "array of string, 5 items",
            ),
        ] {
            assert_eq!(Schemas(&document).kind(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn the_fields_of_an_object_include_those_inside_of_it() {
        let document = json!({"Money": {"type": "object", "description": "An amount.", "properties": {
            "minor": {"type": "integer"}}}});
        let schema = json!({"type": "object", "properties": {
            "items": {"type": "array", "items": {"type": "object", "properties": {
                "price": {"anyOf": [{"$ref": "#/Money"}, {"type": "null"}]}}}},
            "next": {"type": ["string", "null"], "description": "The cursor."}}});
        let fields = Schemas(&document).fields(&schema);
        let found: Vec<_> =
            fields.iter().map(|field| (field.name.as_str(), field.kind.as_str(), field.meaning.as_str())).collect();
        assert_eq!(
            found,
            [
                ("items", "array of object", ""),
                ("items[].price", "object, or null", "An amount."),
                ("items[].price.minor", "integer", ""),
                ("next", "string, or null", "The cursor."),
            ]
        );
    }

    #[test]
    fn a_schema_that_contains_itself_ends() {
        let document = json!({"Node": {"type": "object", "properties": {"child": {"$ref": "#/Node"}}}});
        assert_eq!(Schemas(&document).fields(&json!({"$ref": "#/Node"})).len(), DEPTH);
    }
}
