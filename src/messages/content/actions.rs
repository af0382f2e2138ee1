//! `coinbase.com/actions:1.0`: a question with buttons. Answered by an intent.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::known::KnownType;
use super::rfc3339;
use crate::messages::{ContentError, EncodedContent};

/// The content type.
pub const TYPE: KnownType = KnownType::xmtp("actions", true).authority("coinbase.com");

/// How many buttons a question may have.
pub const MAX_ACTIONS: usize = 10;

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Actions {
    /// What the answer refers to.
    pub id: String,
    /// The question.
    pub description: String,
    /// The buttons, 1 to [`MAX_ACTIONS`].
    pub actions: Vec<Action>,
    /// Until when it may be answered, nanoseconds since the Unix epoch; milliseconds travel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ns: Option<i64>,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Action {
    /// Unique among the buttons.
    pub id: String,
    /// Its text.
    pub label: String,
    /// Its picture. Untrusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// How it looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<ActionStyle>,
    /// Until when it may be pressed, nanoseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ns: Option<i64>,
}

/// How a button looks. The numbers are those of the page's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum ActionStyle {
    /// The one to press.
    Primary = 0,
    /// Another.
    Secondary = 1,
    /// One with consequences.
    Danger = 2,
}

impl From<ActionStyle> for u8 {
    fn from(style: ActionStyle) -> Self {
        style as u8
    }
}

impl TryFrom<u8> for ActionStyle {
    type Error = String;
    fn try_from(value: u8) -> Result<Self, String> {
        match value {
            0 => Ok(Self::Primary),
            1 => Ok(Self::Secondary),
            2 => Ok(Self::Danger),
            _ => Err(format!("style does not have the value {value}")),
        }
    }
}

/// The body on the wire.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json {
    id: String,
    description: String,
    actions: Vec<JsonAction>,
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "expires_at")]
    expires_at: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonAction {
    id: String,
    label: String,
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "image_url")]
    image_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    style: Option<JsonStyle>,
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "expires_at")]
    expires_at: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum JsonStyle {
    Primary,
    Secondary,
    Danger,
}

impl Actions {
    /// Encodes the question.
    ///
    /// # Errors
    /// [`ContentError::Rule`]: no button, more than ten, or two with one id.
    pub fn encode(&self) -> Result<EncodedContent, ContentError> {
        if self.actions.is_empty() {
            return Err(ContentError::Rule("Actions must contain at least one action."));
        }
        if self.actions.len() > MAX_ACTIONS {
            return Err(ContentError::Rule(
                "Actions cannot exceed 10 actions for UX reasons.",
            ));
        }
        let ids: BTreeSet<_> = self.actions.iter().map(|action| &action.id).collect();
        if ids.len() != self.actions.len() {
            return Err(ContentError::Rule("Action ids must be unique."));
        }
        let json = Json {
            id: self.id.clone(),
            description: self.description.clone(),
            actions: self.actions.iter().map(JsonAction::from).collect(),
            expires_at: self.expires_at_ns.map(rfc3339::format),
        };
        let body = serde_json::to_vec(&json).map_err(|_| ContentError::Malformed)?;
        let labels: Vec<_> = self
            .actions
            .iter()
            .zip(1..)
            .map(|(action, number)| format!("[{number}] {}", action.label))
            .collect();
        let fallback = format!(
            "{}\n\n{}\n\nReply with the number to select",
            self.description,
            labels.join("\n")
        );
        Ok(TYPE.content(body, Some(fallback)))
    }

    /// Decodes a question.
    ///
    /// # Errors
    /// [`ContentError::OtherType`], [`ContentError::Malformed`], [`ContentError::Field`] for a time that is none.
    pub fn decode(content: &EncodedContent) -> Result<Self, ContentError> {
        let content = TYPE.open(content)?;
        let json: Json = serde_json::from_slice(&content.content).map_err(|_| ContentError::Malformed)?;
        let actions = json.actions.into_iter().map(|action| {
            Ok(Action {
                id: action.id,
                label: action.label,
                image_url: action.image_url,
                style: action.style.map(|style| match style {
                    JsonStyle::Primary => ActionStyle::Primary,
                    JsonStyle::Secondary => ActionStyle::Secondary,
                    JsonStyle::Danger => ActionStyle::Danger,
                }),
                expires_at_ns: time(action.expires_at.as_deref())?,
            })
        });
        Ok(Self {
            id: json.id,
            description: json.description,
            actions: actions.collect::<Result<_, ContentError>>()?,
            expires_at_ns: time(json.expires_at.as_deref())?,
        })
    }
}

fn time(text: Option<&str>) -> Result<Option<i64>, ContentError> {
    text.map(|text| rfc3339::parse(text).ok_or(ContentError::Field("expiresAt")))
        .transpose()
}

impl From<&Action> for JsonAction {
    fn from(action: &Action) -> Self {
        Self {
            id: action.id.clone(),
            label: action.label.clone(),
            image_url: action.image_url.clone(),
            style: action.style.map(|style| match style {
                ActionStyle::Primary => JsonStyle::Primary,
                ActionStyle::Secondary => JsonStyle::Secondary,
                ActionStyle::Danger => JsonStyle::Danger,
            }),
            expires_at: action.expires_at_ns.map(rfc3339::format),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_spelling_of_peers_is_read() {
        let body = br#"{"id":"a","description":"d","expires_at":"2026-01-01T00:00:00Z",
            "actions":[{"id":"y","label":"Yes","image_url":"https://e.com/y.png","expires_at":"2026-01-01T01:00:00+01:00"}]}"#;
        let read = Actions::decode(&TYPE.content(body.to_vec(), None)).expect("reads");
        assert_eq!(read.expires_at_ns, Some(1_767_225_600_000_000_000));
        assert_eq!(read.actions[0].expires_at_ns, read.expires_at_ns);
        assert_eq!(read.actions[0].image_url.as_deref(), Some("https://e.com/y.png"));
    }
}
