//! What one payload of the list says: who is let in and who is kept out from its time on.

use prost::Message as _;

use crate::preferences::PreferenceError;
use crate::proto::xmtp::message_contents as proto;
use crate::proto::xmtp::message_contents::private_preferences_action as member;

/// What an entry is about. The three are apart: an address and a group of one name have nothing to do with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A wallet's address, as its writer wrote it.
    Address,
    /// A group, by the hex of its id.
    Group,
    /// An inbox id.
    Inbox,
}

/// What the list says of an entry. It has no word for "unknown": that is an entry nobody wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Listed {
    /// Let in.
    Allowed,
    /// Kept out.
    Denied,
}

/// Values of one kind that get one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// What kind.
    pub subject: Subject,
    /// Which state.
    pub state: Listed,
    /// Of which ones.
    pub values: Vec<String>,
}

impl Action {
    /// The bytes that are encrypted. One action is one message: peers that read as the schema says would drop all but
    /// the last of several.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        use Listed::{Allowed, Denied};
        let values = self
            .values
            .iter()
            .map(|value| value.as_bytes().to_vec())
            .collect();
        let mut message = proto::PrivatePreferencesAction::default();
        match (self.subject, self.state) {
            (Subject::Address, Allowed) => {
                message.allow_address = Some(member::AllowAddress {
                    wallet_addresses: values,
                });
            }
            (Subject::Address, Denied) => {
                message.deny_address = Some(member::DenyAddress {
                    wallet_addresses: values,
                });
            }
            (Subject::Group, Allowed) => {
                message.allow_group = Some(member::AllowGroup { group_ids: values });
            }
            (Subject::Group, Denied) => {
                message.deny_group = Some(member::DenyGroup { group_ids: values });
            }
            (Subject::Inbox, Allowed) => {
                message.allow_inbox_id = Some(member::AllowInboxId { inbox_ids: values });
            }
            (Subject::Inbox, Denied) => {
                message.deny_inbox_id = Some(member::DenyInboxId { inbox_ids: values });
            }
        }
        message.encode_to_vec()
    }

    /// Everything that a payload says, in the order in which it counts: xmtp-js sends several members at once and applies
    /// all of them, by their numbers. None is what other peers write for "unknown".
    ///
    /// # Errors
    /// [`PreferenceError::Payload`] for bytes that are no such message, and for an address or inbox id that is no text.
    pub fn decode_all(bytes: &[u8]) -> Result<Vec<Action>, PreferenceError> {
        use Listed::{Allowed, Denied};
        let message = proto::PrivatePreferencesAction::decode(bytes)
            .map_err(|_| PreferenceError::Payload("no action in it"))?;
        let members = [
            (
                Subject::Address,
                Allowed,
                message.allow_address.map(|m| m.wallet_addresses),
            ),
            (
                Subject::Address,
                Denied,
                message.deny_address.map(|m| m.wallet_addresses),
            ),
            (Subject::Group, Allowed, message.allow_group.map(|m| m.group_ids)),
            (Subject::Group, Denied, message.deny_group.map(|m| m.group_ids)),
            (
                Subject::Inbox,
                Allowed,
                message.allow_inbox_id.map(|m| m.inbox_ids),
            ),
            (Subject::Inbox, Denied, message.deny_inbox_id.map(|m| m.inbox_ids)),
        ];
        let mut actions = Vec::new();
        for (subject, state, values) in members {
            let Some(values) = values else { continue };
            actions.push(Action {
                subject,
                state,
                values: values
                    .into_iter()
                    .map(|value| read(subject, value))
                    .collect::<Result<_, _>>()?,
            });
        }
        Ok(actions)
    }
}

/// A value as text. Between February and July of 2024 group ids were written as they are instead of as hex.
fn read(subject: Subject, value: Vec<u8>) -> Result<String, PreferenceError> {
    if subject == Subject::Group && !value.iter().all(u8::is_ascii_hexdigit) {
        return Ok(hex::encode(value));
    }
    String::from_utf8(value).map_err(|_| PreferenceError::Payload("a value that is no text"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn raw_group_ids_are_read_as_hex() {
        let raw = proto::PrivatePreferencesAction {
            allow_group: Some(member::AllowGroup {
                group_ids: vec![vec![0xff, 0x00, 0x9a], b"5a1b".to_vec()],
            }),
            ..Default::default()
        };
        let actions = Action::decode_all(&raw.encode_to_vec()).expect("an action");
        assert_eq!(actions.len(), 1);
        assert_eq!(actions[0].values, ["ff009a", "5a1b"]);
    }

    #[test]
    fn an_address_that_is_no_text_spoils_its_payload() {
        let raw = proto::PrivatePreferencesAction {
            deny_address: Some(member::DenyAddress {
                wallet_addresses: vec![vec![0xff]],
            }),
            ..Default::default()
        };
        assert_eq!(
            Action::decode_all(&raw.encode_to_vec()),
            Err(PreferenceError::Payload("a value that is no text"))
        );
    }

    proptest! {
        #[test]
        fn an_action_survives_a_round_trip(
            subject in prop_oneof![Just(Subject::Address), Just(Subject::Inbox)],
            state in prop_oneof![Just(Listed::Allowed), Just(Listed::Denied)],
            values: Vec<String>,
        ) {
            let action = Action { subject, state, values };
            prop_assert_eq!(Action::decode_all(&action.encode()), Ok(vec![action]));
        }

        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Action::decode_all(&bytes);
        }
    }
}
