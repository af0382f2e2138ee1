//! Removing a message for everybody, in the three forms on the wire: `xmtp.org/delete:0.1` (XIP-45 as its text says),
//! `xmtp.org/remove:0.1` (as it was renamed in review) and `xmtp.org/deleteMessage:1.0` (XIP-76, libxmtp).
//!
//! None has a fallback, and none notifies anybody. Who may remove what is decided in the groups room.

use prost::Message as _;

use super::known::KnownType;
use crate::ids::MessageId;
use crate::messages::{ContentError, EncodedContent};
use crate::proto::xmtp::mls::message_contents::content_types::DeleteMessage;

/// XIP-45 as its text says.
pub const DELETE: KnownType = KnownType::xmtp("delete", false).version(0, 1);
/// XIP-45 as renamed in review.
pub const REMOVE: KnownType = KnownType::xmtp("remove", false).version(0, 1);
/// What libxmtp sends.
pub const DELETE_MESSAGE: KnownType = KnownType::xmtp("deleteMessage", false);

/// What stands in lists where a message was removed. Never sent.
pub const PLACEHOLDER: KnownType = KnownType::xmtp("deletedMessage", false);

const PARAMETER: &str = "referencing_message_id";

/// The wire form of a removal. Each has its own rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RemovalForm {
    /// `delete:0.1`.
    Delete,
    /// `remove:0.1`, with the rules of `delete:0.1`.
    Remove,
    /// `deleteMessage:1.0`.
    DeleteMessage,
}

impl RemovalForm {
    /// Every form.
    pub const ALL: [Self; 3] = [Self::Delete, Self::Remove, Self::DeleteMessage];

    /// Its content type.
    #[must_use]
    pub const fn content_type(self) -> KnownType {
        match self {
            Self::Delete => DELETE,
            Self::Remove => REMOVE,
            Self::DeleteMessage => DELETE_MESSAGE,
        }
    }
}

/// A wish that a message be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removal {
    /// How it is written.
    pub form: RemovalForm,
    /// Which message.
    pub target: MessageId,
}

impl Removal {
    /// Encodes the removal.
    #[must_use]
    pub fn encode(&self) -> EncodedContent {
        let kind = self.form.content_type();
        match self.form {
            RemovalForm::Delete | RemovalForm::Remove => EncodedContent {
                parameters: [(PARAMETER.to_owned(), self.target.to_string())].into(),
                ..kind.content(Vec::new(), None)
            },
            RemovalForm::DeleteMessage => {
                let body = DeleteMessage {
                    message_id: self.target.to_string(),
                };
                kind.content(body.encode_to_vec(), None)
            }
        }
    }

    /// Decodes a removal of any form.
    ///
    /// # Errors
    /// [`ContentError::OtherType`], [`ContentError::Malformed`], [`ContentError::Field`] when it names no message.
    pub fn decode(content: &EncodedContent) -> Result<Self, ContentError> {
        let form = RemovalForm::ALL
            .into_iter()
            .find(|form| form.content_type().is_type_of(content));
        let form = form.ok_or_else(|| ContentError::OtherType {
            expected: DELETE.id().to_string(),
        })?;
        let target = match form {
            RemovalForm::Delete | RemovalForm::Remove => {
                content.parameters.get(PARAMETER).cloned().unwrap_or_default()
            }
            RemovalForm::DeleteMessage => {
                let content = content.inflated()?;
                let body =
                    DeleteMessage::decode(content.content.as_slice()).map_err(|_| ContentError::Malformed)?;
                body.message_id
            }
        };
        let target = target.parse().map_err(|_| ContentError::Field(PARAMETER))?;
        Ok(Self { form, target })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xip_45_every_form_reads_back_and_names_its_message() {
        for form in RemovalForm::ALL {
            let removal = Removal {
                form,
                target: MessageId::new([0xc0; 32]),
            };
            let encoded = removal.encode();
            assert_eq!(Removal::decode(&encoded), Ok(removal));
            assert_eq!(encoded.fallback, None);
            assert!(!form.content_type().should_push);
        }
    }

    #[test]
    fn xip_45_malformed_removals_name_nothing() {
        let with = |id: &str| EncodedContent {
            parameters: [(PARAMETER.to_owned(), id.to_owned())].into(),
            ..DELETE.content(Vec::new(), None)
        };
        for id in ["", "00", &"zz".repeat(32), &"00".repeat(33)] {
            assert_eq!(
                Removal::decode(&with(id)),
                Err(ContentError::Field(PARAMETER)),
                "{id}"
            );
        }
        assert!(Removal::decode(&DELETE.content(vec![], None)).is_err());
        assert!(Removal::decode(&DELETE_MESSAGE.content(vec![0xff], None)).is_err());
        assert!(
            Removal::decode(&with(&"C0".repeat(32))).is_ok(),
            "either case is hex"
        );
    }

    #[test]
    fn xip_45_minor_versions_are_compatible_and_majors_are_not() {
        let mut later = Removal {
            form: RemovalForm::Remove,
            target: MessageId::new([1; 32]),
        }
        .encode();
        let version = |content: &mut EncodedContent, major, minor| {
            let kind = content.content_type.as_mut().expect("a type");
            (kind.version_major, kind.version_minor) = (major, minor);
        };
        version(&mut later, 0, 7);
        assert!(Removal::decode(&later).is_ok());
        version(&mut later, 1, 0);
        assert!(Removal::decode(&later).is_err());
    }
}
