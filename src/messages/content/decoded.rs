//! Content of any type.

use super::actions::Actions;
use super::attachment::Attachment;
use super::composite::Composite;
use super::group_membership_change::GroupMembershipChange;
use super::group_updated::GroupUpdated;
use super::intent::Intent;
use super::known::KnownType;
use super::leave_request::LeaveRequest;
use super::multi_remote_attachment::MultiRemoteAttachment;
use super::reaction::{self, Reaction};
use super::remote_attachment::RemoteAttachment;
use super::removal::{self, Removal};
use super::reply::{self, Reply};
use super::transaction_reference::TransactionReference;
use super::wallet_send_calls::WalletSendCalls;
use super::{actions, attachment, composite, group_membership_change, group_updated, intent, leave_request};
use super::{markdown, multi_remote_attachment, read_receipt, remote_attachment, text};
use super::{transaction_reference, wallet_send_calls};
use crate::ids::MessageId;
use crate::messages::{ContentError, EncodedContent};

/// Content, decoded as far as its type is known.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Text to be rendered.
    Markdown(String),
    /// A reaction to a message.
    Reaction(Reaction),
    /// An answer to a message.
    Reply(Reply),
    /// Everything up to here was seen.
    ReadReceipt,
    /// A file.
    Attachment(Attachment),
    /// An encrypted file elsewhere.
    RemoteAttachment(RemoteAttachment),
    /// Several of them.
    MultiRemoteAttachment(MultiRemoteAttachment),
    /// A transaction.
    TransactionReference(TransactionReference),
    /// A request to sign transactions.
    WalletSendCalls(WalletSendCalls),
    /// A question with buttons.
    Actions(Actions),
    /// The button that was pressed.
    Intent(Intent),
    /// What a commit changed. Believe it on lines of the transcript alone.
    GroupUpdated(GroupUpdated),
    /// The same as old clients wrote it.
    GroupMembershipChange(GroupMembershipChange),
    /// A member asks to be removed.
    LeaveRequest(LeaveRequest),
    /// A message shall be removed.
    Removal(Removal),
    /// Several contents in one.
    Composite(Composite),
    /// Of a type that is not known, or not what its type says.
    Custom(EncodedContent),
}

/// Every type with a codec, with the newest version of each last.
const TYPES: &[KnownType] = &[
    text::TYPE,
    markdown::TYPE,
    reaction::TYPE_1,
    reaction::TYPE,
    reply::TYPE,
    read_receipt::TYPE,
    attachment::TYPE,
    remote_attachment::TYPE,
    multi_remote_attachment::TYPE,
    transaction_reference::TYPE,
    wallet_send_calls::TYPE,
    actions::TYPE,
    intent::TYPE,
    group_updated::TYPE,
    group_membership_change::TYPE,
    leave_request::TYPE,
    removal::DELETE,
    removal::REMOVE,
    removal::DELETE_MESSAGE,
    composite::TYPE,
];

impl Content {
    /// Decodes content of any type. What cannot be decoded is [`Content::Custom`].
    #[must_use]
    pub fn decode(content: &EncodedContent) -> Self {
        Self::decode_known(content).unwrap_or_else(|_| Self::Custom(content.clone()))
    }

    /// Decodes content whose type has a codec.
    ///
    /// # Errors
    /// [`ContentError::OtherType`] when it has none, and what the codec reports.
    pub fn decode_known(content: &EncodedContent) -> Result<Self, ContentError> {
        let kind = TYPES.iter().find(|kind| kind.is_type_of(content));
        let kind = kind.ok_or_else(|| ContentError::OtherType {
            expected: "a type that this client knows".to_owned(),
        })?;
        Ok(match kind.type_id {
            "text" => Self::Text(text::decode(content)?),
            "markdown" => Self::Markdown(markdown::decode(content)?),
            "reaction" => Self::Reaction(Reaction::decode(content)?),
            "reply" => Self::Reply(Reply::decode(content)?),
            "readReceipt" => {
                read_receipt::decode(content)?;
                Self::ReadReceipt
            }
            "attachment" => Self::Attachment(Attachment::decode(content)?),
            "remoteStaticAttachment" => Self::RemoteAttachment(RemoteAttachment::decode(content)?),
            "multiRemoteStaticAttachment" => {
                Self::MultiRemoteAttachment(MultiRemoteAttachment::decode(content)?)
            }
            "transactionReference" => Self::TransactionReference(TransactionReference::decode(content)?),
            "walletSendCalls" => Self::WalletSendCalls(WalletSendCalls::decode(content)?),
            "actions" => Self::Actions(Actions::decode(content)?),
            "intent" => Self::Intent(Intent::decode(content)?),
            "group_updated" => Self::GroupUpdated(GroupUpdated::decode(content)?),
            "group_membership_change" => Self::GroupMembershipChange(GroupMembershipChange::decode(content)?),
            "leave_request" => Self::LeaveRequest(LeaveRequest::decode(content)?),
            "composite" => Self::Composite(Composite::decode(content)?),
            _ => Self::Removal(Removal::decode(content)?),
        })
    }

    /// Encodes the content.
    ///
    /// # Errors
    /// What the codec reports; [`ContentError::Rule`] for types that are only read.
    pub fn encode(&self) -> Result<EncodedContent, ContentError> {
        Ok(match self {
            Self::Text(text) => text::encode(text),
            Self::Markdown(text) => markdown::encode(text),
            Self::Reaction(reaction) => reaction.encode(),
            Self::Reply(reply) => reply.encode()?,
            Self::ReadReceipt => read_receipt::encode(),
            Self::Attachment(attachment) => attachment.encode(),
            Self::RemoteAttachment(attachment) => attachment.encode()?,
            Self::MultiRemoteAttachment(attachments) => attachments.encode()?,
            Self::TransactionReference(reference) => reference.encode()?,
            Self::WalletSendCalls(calls) => calls.encode()?,
            Self::Actions(actions) => actions.encode()?,
            Self::Intent(intent) => intent.encode()?,
            Self::GroupUpdated(update) => update.encode(),
            Self::LeaveRequest(request) => request.encode(),
            Self::Removal(removal) => removal.encode(),
            Self::Custom(content) => content.clone(),
            Self::GroupMembershipChange(_) | Self::Composite(_) => {
                return Err(ContentError::Rule("content of this type is read, never written"));
            }
        })
    }
}

/// Whether content of this type notifies receivers when the caller does not say: types with a codec as their
/// specification says, others do.
#[must_use]
pub fn should_push(content: &EncodedContent) -> bool {
    TYPES
        .iter()
        .find(|kind| kind.is_type_of(content))
        .is_none_or(|kind| kind.should_push)
}

/// The message that a reply, reaction or removal is about.
#[must_use]
pub fn reference(content: &EncodedContent) -> Option<MessageId> {
    let has_one = [
        reply::TYPE,
        reaction::TYPE,
        reaction::TYPE_1,
        removal::DELETE,
        removal::REMOVE,
        removal::DELETE_MESSAGE,
    ];
    if !has_one.iter().any(|kind| kind.is_type_of(content)) {
        return None;
    }
    match Content::decode_known(content).ok()? {
        Content::Reply(reply) => reply.reference.parse().ok(),
        Content::Reaction(reaction) => reaction.reference.parse().ok(),
        Content::Removal(removal) => Some(removal.target),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Compression;
    use proptest::prelude::*;

    fn any_type() -> impl Strategy<Value = KnownType> {
        proptest::sample::select(TYPES)
    }

    fn any_compression() -> impl Strategy<Value = Option<Compression>> {
        let some = [Compression::Deflate, Compression::Gzip, Compression::Unknown(7)];
        proptest::option::of(proptest::sample::select(some.to_vec()))
    }

    proptest! {
        #[test]
        fn random_bytes_under_every_type_never_panic_and_are_kept(
            kind in any_type(),
            bytes: Vec<u8>,
            parameters: std::collections::BTreeMap<String, String>,
            compression in any_compression(),
        ) {
            let content = EncodedContent {
                content_type: Some(kind.id()), parameters, content: bytes, compression, fallback: None,
            };
            let _ = reference(&content);
            if let Content::Custom(kept) = Content::decode(&content) {
                prop_assert_eq!(kept, content);
            }
        }

        #[test]
        fn random_json_never_panics(kind in any_type(), json in "[\\[\\]{}\":,0-9a-z.-]{0,60}") {
            let content = EncodedContent {
                content_type: Some(kind.id()), content: json.into_bytes(), ..Default::default()
            };
            let _ = Content::decode(&content);
        }

        #[test]
        fn what_people_write_reads_back(text: String, reference: [u8; 32], inbox: Option<String>, bytes: Vec<u8>) {
            let id = MessageId::new(reference);
            let reaction = Reaction {
                reference: id.to_string(),
                reference_inbox_id: inbox.clone().unwrap_or_default(),
                action: reaction::ReactionAction::Added,
                content: text.clone(),
                schema: reaction::ReactionSchema::Custom,
            };
            let attachment = Attachment { filename: inbox.clone(), mime_type: text.clone(), content: bytes.clone() };
            let reply = Reply {
                reference: id.to_string(), reference_inbox_id: inbox, content: attachment.encode(),
            };
            let all = [
                Content::Text(text.clone()),
                Content::Markdown(text.clone()),
                Content::Reaction(reaction),
                Content::Reply(reply),
                Content::ReadReceipt,
                Content::Attachment(attachment),
                Content::LeaveRequest(LeaveRequest { authenticated_note: Some(bytes) }),
                Content::Intent(Intent { id: text.clone(), action_id: text, metadata: None }),
            ];
            for content in all {
                let encoded = content.encode().expect("encodes");
                prop_assert_eq!(Content::decode_known(&encoded), Ok(content.clone()));
                let expected = matches!(content, Content::Reaction(_) | Content::Reply(_)).then_some(id);
                prop_assert_eq!(super::reference(&encoded), expected);
            }
        }
    }

    #[test]
    fn every_type_is_named_once() {
        let mut ids: Vec<_> = TYPES.iter().map(|kind| kind.id().to_string()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), TYPES.len());
    }

    #[test]
    fn another_authority_is_another_type() {
        let mut content = text::encode("hi");
        content.content_type.as_mut().expect("a type").authority_id = "example.org".into();
        assert_eq!(Content::decode(&content), Content::Custom(content.clone()));
    }
}
