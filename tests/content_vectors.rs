//! Content as released peers encode it, byte for byte: tests/vectors/content-types.json. None is skipped.
#![cfg(not(target_arch = "wasm32"))]

use serde_json::{Map, Value, json};
use xmtp_web::messages::content::attachment::Attachment;
use xmtp_web::messages::content::remote_attachment::RemoteAttachment;
use xmtp_web::messages::content::{Content, attachment_crypto, should_push};
use xmtp_web::messages::{Compression, ContentError, EncodedContent};

fn vectors(section: &str) -> Vec<Value> {
    let text = include_str!("vectors/content-types.json");
    let all: Value = serde_json::from_str(text).expect("JSON");
    let list = all[section].as_array().expect("a list").clone();
    assert!(!list.is_empty());
    list
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} of {value}"))
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().or_else(|| value["hex"].as_str()).expect("hex")).expect("hex")
}

fn encoded(vector: &Value) -> EncodedContent {
    EncodedContent::decode(&bytes(&vector["encoded_content"])).expect("an encoded content")
}

/// Checks the parts that the vector names beside the bytes.
fn check_parts(vector: &Value, content: &EncodedContent) {
    let name = text(vector, "name");
    let kind = content.content_type.as_ref().expect("a type");
    let shown = json!({
        "authority_id": kind.authority_id, "type_id": kind.type_id,
        "version_major": kind.version_major, "version_minor": kind.version_minor,
    });
    assert_eq!(shown, vector["content_type"], "{name}");
    assert_eq!(json!(content.parameters), vector["parameters"], "{name}");
    assert_eq!(json!(content.fallback), vector["fallback"], "{name}");
    let compression = content.compression.map(|compression| match compression {
        Compression::Deflate => 0,
        Compression::Gzip => 1,
        Compression::Unknown(value) => value,
    });
    assert_eq!(json!(compression), vector["compression"], "{name}");
    assert_eq!(json!(hex::encode(&content.content)), vector["content"], "{name}");
}

/// A value as the vectors write it, with bytes as hex, times as text and without what is absent.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) if map.len() == 1 && map.contains_key("hex") => map["hex"].clone(),
        Value::Object(map) if map.get("type") == Some(&json!("Buffer")) => {
            let data: Vec<u8> = serde_json::from_value(map["data"].clone()).expect("bytes");
            json!(hex::encode(data))
        }
        Value::Object(map) => {
            let known = map.iter().filter(|(_, value)| !value.is_null());
            Value::Object(known.map(|(key, value)| (key.clone(), plain(value))).collect())
        }
        Value::Array(list) => list.iter().map(plain).collect(),
        // 1337 and 1337.0 are one number
        Value::Number(number) => json!(number.as_f64()),
        other => other.clone(),
    }
}

/// Bytes, which serialise as lists, as hex.
fn with_hex(value: Value, fields: &[&str]) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(key, value)| {
                    let value = if fields.contains(&key.as_str()) && value.is_array() {
                        json!(hex::encode(
                            serde_json::from_value::<Vec<u8>>(value).expect("bytes")
                        ))
                    } else {
                        with_hex(value, fields)
                    };
                    (key, value)
                })
                .collect(),
        ),
        Value::Array(list) => list.into_iter().map(|value| with_hex(value, fields)).collect(),
        other => other,
    }
}

/// What was decoded, as the peers' libraries show it.
fn shown(content: &Content) -> Value {
    let value = |value: Result<Value, serde_json::Error>| value.expect("serialises");
    let shown = match content {
        Content::Text(text) | Content::Markdown(text) => json!(text),
        Content::ReadReceipt => json!({}),
        Content::Reaction(reaction) => value(serde_json::to_value(reaction)),
        Content::Attachment(attachment) => value(serde_json::to_value(attachment)),
        Content::RemoteAttachment(attachment) => value(serde_json::to_value(attachment)),
        Content::MultiRemoteAttachment(attachments) => value(serde_json::to_value(attachments)),
        Content::TransactionReference(reference) => value(serde_json::to_value(reference)),
        Content::WalletSendCalls(calls) => value(serde_json::to_value(calls)),
        Content::Actions(actions) => value(serde_json::to_value(actions)),
        Content::Intent(intent) => value(serde_json::to_value(intent)),
        Content::Reply(reply) => json!({
            "reference": reply.reference,
            "referenceInboxId": reply.reference_inbox_id,
            "content": shown(&Content::decode(&reply.content)),
        }),
        other => panic!("no peer decodes {other:?}"),
    };
    plain(&with_hex(shown, &["content", "secret", "salt", "nonce"]))
}

/// The same of a peer's input: numbers for enums, nanoseconds as numbers.
fn wanted(vector: &Value, name: &str) -> Value {
    fn numbers(value: Value) -> Value {
        match value {
            Value::Object(map) => map
                .into_iter()
                .filter(|(key, _)| key != "contentType")
                .map(|(key, value)| match (key.as_str(), value) {
                    ("expiresAtNs", Value::String(ns)) => (key, json!(ns.parse::<f64>().expect("a number"))),
                    ("networkId", Value::Number(number)) => {
                        (key, json!(number.as_f64().expect("a number").to_string()))
                    }
                    // libraries for JavaScript call the bytes of a file `data`
                    ("data", value @ (Value::String(_) | Value::Object(_)))
                        if !value.as_str().is_some_and(|text| text.starts_with("0x")) =>
                    {
                        ("content".to_owned(), numbers(value))
                    }
                    ("action", Value::String(text)) => {
                        (key, json!(f64::from(1 + u8::from(text == "removed"))))
                    }
                    ("schema", Value::String(text)) => {
                        let names = ["", "unicode", "shortcode", "custom"];
                        let number = names.iter().position(|name| *name == text).expect("a schema");
                        (key, json!(number as f64))
                    }
                    (_, value) => (key, numbers(value)),
                })
                .collect::<Map<_, _>>()
                .into(),
            Value::Array(list) => list.into_iter().map(numbers).collect(),
            other => other,
        }
    }
    numbers(plain(&vector[name]))
}

fn without_empty_inbox(mut value: Value) -> Value {
    if let Some(map) = value.as_object_mut() {
        map.retain(|key, value| key != "referenceInboxId" || value != &json!(""));
    }
    value
}

#[test]
fn what_the_codecs_of_npm_write_is_read_and_pushed_as_they_push() {
    for vector in vectors("codecs") {
        let name = text(&vector, "name");
        let content = encoded(&vector);
        check_parts(&vector, &content);
        assert_eq!(json!(should_push(&content)), vector["should_push"], "{name}");
        let decoded = Content::decode_known(&content).unwrap_or_else(|error| panic!("{name}: {error}"));
        match &decoded {
            Content::GroupUpdated(update) => {
                let shown: Vec<_> = update.fields.iter().map(|(field, ..)| field.as_str()).collect();
                assert_eq!(shown, ["group_name", "description"]);
                assert_eq!(update.encode().content, content.content);
            }
            _ => assert_eq!(
                without_empty_inbox(shown(&decoded)),
                without_empty_inbox(wanted(&vector, "input")),
                "{name}"
            ),
        }
    }
}

#[test]
fn what_libxmtp_writes_is_read_and_written_byte_for_byte() {
    let mut refused = 0;
    for vector in vectors("bindings") {
        let name = text(&vector, "name");
        if let Some(error) = vector["error"].as_str() {
            let mut actions = vector["input"].clone();
            actions["expiresAtNs"] = Value::Null;
            let actions = serde_json::from_value(actions).expect("actions");
            let Err(ContentError::Rule(rule)) = Content::Actions(actions).encode() else {
                panic!("{name} is refused");
            };
            assert!(error.ends_with(rule), "{error}");
            refused += 1;
            continue;
        }
        let content = encoded(&vector);
        check_parts(&vector, &content);
        let decoded = Content::decode_known(&content).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            without_empty_inbox(shown(&decoded)),
            without_empty_inbox(wanted(&vector, "input")),
            "{name}"
        );
        let mut again = decoded.encode().expect("encodes");
        if name == "intent/meta" {
            // the order of its map is libxmtp's chance
            let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).expect("JSON");
            assert_eq!(json(&again.content), json(&content.content));
            again.content.clone_from(&content.content);
        }
        assert_eq!(again, content, "{name}");
    }
    assert_eq!(refused, 3);
}

#[test]
fn types_that_no_codec_is_published_for_are_read_as_constructed() {
    for vector in vectors("constructed") {
        let name = text(&vector, "name");
        let content = encoded(&vector);
        if name != "no_type" {
            check_parts(&vector, &content);
        }
        let decoded = Content::decode(&content);
        match name {
            "xip45-delete" | "xip45-remove" | "deleteMessage" => {
                let Content::Removal(removal) = &decoded else {
                    panic!("{name}")
                };
                let input = &vector["input"];
                let id = input["message_id"]
                    .as_str()
                    .or(input["referencing_message_id"].as_str());
                assert_eq!(Some(removal.target.to_string().as_str()), id);
                assert_eq!(removal.encode(), content);
            }
            "leave_request/empty" | "leave_request/note" => {
                let Content::LeaveRequest(request) = &decoded else {
                    panic!("{name}")
                };
                let note = vector["input"].get("authenticated_note").map(bytes);
                assert_eq!(request.authenticated_note, note);
                assert_eq!(request.encode(), content);
            }
            "group_updated/all_fields" => {
                let Content::GroupUpdated(update) = &decoded else {
                    panic!("{name}")
                };
                let input = &vector["input"];
                assert_eq!(json!(update.initiated_by), input["initiated_by_inbox_id"]);
                assert_eq!(json!(update.left), input["left_inboxes"]);
                assert_eq!(update.encode(), content);
            }
            "composite/nested" => {
                let Content::Composite(composite) = &decoded else {
                    panic!("{name}")
                };
                let texts: Vec<_> = composite.parts.iter().map(Content::decode).collect();
                let expected = ["one", "two", "three", "four"].map(|text| Content::Text(text.into()));
                assert_eq!(texts, expected);
            }
            "text/no_encoding_parameter" => assert_eq!(decoded, Content::Text("hi".into())),
            "unknown/custom"
            | "unknown/custom_silent"
            | "no_type"
            | "text/unknown_encoding"
            | "text/invalid_utf8"
            | "editMessage" => assert_eq!(decoded, Content::Custom(content), "{name}"),
            other => panic!("a vector that nobody reads: {other}"),
        }
    }
}

#[test]
fn the_oldest_form_of_reactions_is_read() {
    for vector in vectors("decode_only") {
        let decoded = Content::decode_known(&encoded(&vector)).expect("decodes");
        assert_eq!(without_empty_inbox(shown(&decoded)), wanted(&vector, "decoded"));
    }
}

#[test]
fn compressed_content_is_read_in_the_three_ways_peers_compress() {
    for vector in vectors("compression") {
        let content = encoded(&vector);
        check_parts(&vector, &content);
        let plain = String::from_utf8(bytes(&vector["plain_content"])).expect("text");
        assert_eq!(
            Content::decode(&content),
            Content::Text(plain),
            "{}",
            text(&vector, "name")
        );
    }
}

fn remote(vector: &Value) -> RemoteAttachment {
    RemoteAttachment {
        url: "https://example.com/blob".into(),
        content_digest: vector["content_digest"].as_str().expect("a digest").to_owned(),
        secret: bytes(&vector["secret"]),
        salt: bytes(&vector["salt"]),
        nonce: bytes(&vector["nonce"]),
        scheme: "https://".into(),
        content_length: None,
        filename: None,
    }
}

#[test]
fn attachments_that_peers_encrypted_open_and_changed_ones_do_not() {
    let all = vectors("remote_attachment_crypto");
    for vector in &all {
        let name = text(vector, "name");
        let Some(based_on) = vector["based_on"].as_str() else {
            let file = &vector["attachment"];
            let expected = Attachment {
                filename: file["filename"].as_str().map(str::to_owned),
                mime_type: text(file, "mimeType").to_owned(),
                content: bytes(&file["data"]),
            };
            let opened = attachment_crypto::decrypt(&bytes(&vector["payload"]), &remote(vector));
            assert_eq!(opened, Ok(expected.clone()), "{name}");
            let inner =
                EncodedContent::decode(&bytes(&vector["plaintext_encoded_content"])).expect("content");
            assert_eq!(Attachment::decode(&inner), Ok(expected), "{name}");
            continue;
        };
        let base = all
            .iter()
            .find(|other| other["name"] == based_on)
            .expect("the base");
        let mut named = remote(base);
        for (field, value) in vector["changed"].as_object().expect("changes") {
            match field.as_str() {
                "contentDigest" => named.content_digest = value.as_str().expect("text").to_owned(),
                "salt" => named.salt = bytes(value),
                "nonce" => named.nonce = bytes(value),
                "secret" => named.secret = bytes(value),
                other => panic!("{other}"),
            }
        }
        let opened = attachment_crypto::decrypt(&bytes(&base["payload"]), &named);
        let refused = match name {
            "reject/wrong_digest" => ContentError::Digest,
            "reject/salt_31_bytes" => ContentError::Field("salt"),
            "reject/nonce_11_bytes" => ContentError::Field("nonce"),
            "reject/wrong_secret" => ContentError::Decryption,
            // peers refuse it, for no reason: hex has two cases
            "reject/upper_case_digest" => {
                assert!(opened.is_ok());
                continue;
            }
            other => panic!("a vector that nobody reads: {other}"),
        };
        assert_eq!(opened, Err(refused), "{name}");
    }
}
