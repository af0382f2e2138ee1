//! Identity updates as protobuf. What does not have the shape of an update is refused as a whole.

use super::update::{Action, IdentityUpdate, RevokeTarget};
use crate::identity::error::IdentityError;
use crate::identity::identifier::{Address, Identifier, Member, Passkey};
use crate::identity::signature::{
    AccountId, ContractSignature, LegacySignature, PasskeySignature, Signature, verifying_key,
};
use crate::ids::{InboxId, InstallationId};
use crate::proto::xmtp::identity::associations as wire;
use prost::Message as _;
use wire::identity_action::Kind as ActionKind;
use wire::member_identifier::Kind as MemberKind;
use wire::signature::Signature as SignatureArm;

impl IdentityUpdate {
    /// Decodes an update.
    ///
    /// # Errors
    /// [`IdentityError::Malformed`] for bytes that are no such message, otherwise as
    /// [`IdentityUpdate::from_proto`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdentityError> {
        Self::from_proto(&wire::IdentityUpdate::decode(bytes)?)
    }

    /// Takes an update from its wire message. Identifiers are kept as written.
    ///
    /// # Errors
    /// The first that applies of [`IdentityError::InvalidInboxId`], [`IdentityError::MissingAction`],
    /// [`IdentityError::MissingMember`], [`IdentityError::MissingSignature`],
    /// [`IdentityError::InvalidInstallationKey`], [`IdentityError::InvalidPasskey`] and
    /// [`IdentityError::InvalidAccountId`].
    pub fn from_proto(update: &wire::IdentityUpdate) -> Result<Self, IdentityError> {
        let inbox_id: InboxId = update
            .inbox_id
            .parse()
            .map_err(|_| IdentityError::InvalidInboxId)?;
        // An inbox id with capitals never equals a derived one, so no log can contain it.
        if update.inbox_id.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(IdentityError::InvalidInboxId);
        }
        let actions = update.actions.iter().map(action_from).collect::<Result<_, _>>()?;
        Ok(Self {
            inbox_id,
            client_timestamp_ns: update.client_timestamp_ns,
            actions,
        })
    }

    /// The wire message.
    #[must_use]
    pub fn to_proto(&self) -> wire::IdentityUpdate {
        wire::IdentityUpdate {
            actions: self
                .actions
                .iter()
                .map(|action| wire::IdentityAction {
                    kind: Some(action_into(action)),
                })
                .collect(),
            client_timestamp_ns: self.client_timestamp_ns,
            inbox_id: self.inbox_id.to_string(),
        }
    }

    /// The encoded wire message, fields in the order of their numbers.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_proto().encode_to_vec()
    }
}

fn action_from(action: &wire::IdentityAction) -> Result<Action, IdentityError> {
    Ok(match action.kind.as_ref().ok_or(IdentityError::MissingAction)? {
        ActionKind::CreateInbox(create) => Action::CreateInbox {
            identifier: identifier_from(
                &create.initial_identifier,
                create.initial_identifier_kind(),
                create.relying_party.as_ref(),
            )?,
            nonce: create.nonce,
            signature: signature_from(create.initial_identifier_signature.as_ref())?,
        },
        ActionKind::Add(add) => Action::Add {
            new_member: match target_from(add.new_member_identifier.as_ref())? {
                RevokeTarget::Member(member) => member,
                // it could not have signed for itself
                RevokeTarget::MalformedInstallation(_) => return Err(IdentityError::InvalidInstallationKey),
            },
            existing_signature: signature_from(add.existing_member_signature.as_ref())?,
            new_signature: signature_from(add.new_member_signature.as_ref())?,
        },
        ActionKind::Revoke(revoke) => Action::Revoke {
            target: target_from(revoke.member_to_revoke.as_ref())?,
            signature: signature_from(revoke.recovery_identifier_signature.as_ref())?,
        },
        ActionKind::ChangeRecoveryAddress(change) => Action::ChangeRecovery {
            new_recovery: identifier_from(
                &change.new_recovery_identifier,
                change.new_recovery_identifier_kind(),
                change.relying_party.as_ref(),
            )?,
            signature: signature_from(change.existing_recovery_identifier_signature.as_ref())?,
        },
    })
}

fn action_into(action: &Action) -> ActionKind {
    match action {
        Action::CreateInbox {
            identifier,
            nonce,
            signature,
        } => {
            let (kind, relying_party) = identifier_kind(identifier);
            ActionKind::CreateInbox(wire::CreateInbox {
                initial_identifier: identifier.to_string(),
                nonce: *nonce,
                initial_identifier_signature: Some(signature_into(signature)),
                initial_identifier_kind: kind.into(),
                relying_party,
            })
        }
        Action::Add {
            new_member,
            existing_signature,
            new_signature,
        } => ActionKind::Add(wire::AddAssociation {
            new_member_identifier: Some(member_into(new_member)),
            existing_member_signature: Some(signature_into(existing_signature)),
            new_member_signature: Some(signature_into(new_signature)),
            relying_party: match new_member {
                Member::Passkey(passkey) => passkey.relying_party.clone(),
                _ => None,
            },
        }),
        Action::Revoke { target, signature } => ActionKind::Revoke(wire::RevokeAssociation {
            member_to_revoke: Some(match target {
                RevokeTarget::Member(member) => member_into(member),
                RevokeTarget::MalformedInstallation(key) => wire::MemberIdentifier {
                    kind: Some(MemberKind::InstallationPublicKey(key.clone())),
                },
            }),
            recovery_identifier_signature: Some(signature_into(signature)),
        }),
        Action::ChangeRecovery {
            new_recovery,
            signature,
        } => {
            let (kind, relying_party) = identifier_kind(new_recovery);
            ActionKind::ChangeRecoveryAddress(wire::ChangeRecoveryAddress {
                new_recovery_identifier: new_recovery.to_string(),
                existing_recovery_identifier_signature: Some(signature_into(signature)),
                new_recovery_identifier_kind: kind.into(),
                relying_party,
            })
        }
    }
}

/// Kinds that are unset or unknown are read as Ethereum, as peers do.
fn identifier_from(
    text: &str,
    kind: wire::IdentifierKind,
    relying_party: Option<&String>,
) -> Result<Identifier, IdentityError> {
    Ok(match kind {
        wire::IdentifierKind::Passkey => Identifier::Passkey(Passkey {
            key: hex::decode(text).map_err(|_| IdentityError::InvalidPasskey)?,
            relying_party: relying_party.cloned(),
        }),
        wire::IdentifierKind::Ethereum | wire::IdentifierKind::Unspecified => {
            Identifier::Ethereum(Address::verbatim(text.to_owned()))
        }
    })
}

fn identifier_kind(identifier: &Identifier) -> (wire::IdentifierKind, Option<String>) {
    match identifier {
        Identifier::Ethereum(_) => (wire::IdentifierKind::Ethereum, None),
        Identifier::Passkey(passkey) => (wire::IdentifierKind::Passkey, passkey.relying_party.clone()),
    }
}

fn target_from(member: Option<&wire::MemberIdentifier>) -> Result<RevokeTarget, IdentityError> {
    let kind = member
        .and_then(|member| member.kind.as_ref())
        .ok_or(IdentityError::MissingMember)?;
    Ok(RevokeTarget::Member(match kind {
        MemberKind::EthereumAddress(address) => Member::Ethereum(Address::verbatim(address.clone())),
        MemberKind::Passkey(passkey) => Member::Passkey(Passkey {
            key: passkey.key.clone(),
            relying_party: passkey.relying_party.clone(),
        }),
        MemberKind::InstallationPublicKey(key) => match InstallationId::try_from(key.as_slice()) {
            Ok(id) => Member::Installation(id),
            Err(_) => return Ok(RevokeTarget::MalformedInstallation(key.clone())),
        },
    }))
}

fn member_into(member: &Member) -> wire::MemberIdentifier {
    let kind = match member {
        Member::Ethereum(address) => MemberKind::EthereumAddress(address.to_string()),
        Member::Installation(id) => MemberKind::InstallationPublicKey(id.to_vec()),
        Member::Passkey(passkey) => MemberKind::Passkey(wire::Passkey {
            key: passkey.key.clone(),
            relying_party: passkey.relying_party.clone(),
        }),
    };
    wire::MemberIdentifier { kind: Some(kind) }
}

fn signature_from(signature: Option<&wire::Signature>) -> Result<Signature, IdentityError> {
    let arm = signature
        .and_then(|s| s.signature.as_ref())
        .ok_or(IdentityError::MissingSignature)?;
    Ok(match arm {
        SignatureArm::Erc191(ecdsa) => Signature::Ecdsa(ecdsa.bytes.clone()),
        SignatureArm::Erc6492(contract) => Signature::Contract(ContractSignature {
            account: AccountId::parse(&contract.account_id)?,
            block_number: contract.block_number,
            signature: contract.signature.clone(),
        }),
        SignatureArm::InstallationKey(installation) => {
            let key = InstallationId::try_from(installation.public_key.as_slice())
                .map_err(|_| IdentityError::InvalidInstallationKey)?;
            verifying_key(&key)?;
            Signature::Installation {
                key,
                signature: installation.bytes.clone(),
            }
        }
        SignatureArm::DelegatedErc191(legacy) => Signature::Legacy(LegacySignature {
            delegated_key: legacy
                .delegated_key
                .clone()
                .ok_or(IdentityError::MissingSignature)?,
            signature: legacy
                .signature
                .as_ref()
                .ok_or(IdentityError::MissingSignature)?
                .bytes
                .clone(),
        }),
        SignatureArm::Passkey(passkey) => Signature::Passkey(PasskeySignature {
            public_key: passkey.public_key.clone(),
            signature: passkey.signature.clone(),
            authenticator_data: passkey.authenticator_data.clone(),
            client_data_json: passkey.client_data_json.clone(),
        }),
    })
}

fn signature_into(signature: &Signature) -> wire::Signature {
    let arm = match signature {
        Signature::Ecdsa(bytes) => {
            SignatureArm::Erc191(wire::RecoverableEcdsaSignature { bytes: bytes.clone() })
        }
        Signature::Contract(contract) => SignatureArm::Erc6492(wire::SmartContractWalletSignature {
            account_id: contract.account.as_str().to_owned(),
            block_number: contract.block_number,
            signature: contract.signature.clone(),
        }),
        Signature::Installation { key, signature } => {
            SignatureArm::InstallationKey(wire::RecoverableEd25519Signature {
                bytes: signature.clone(),
                public_key: key.to_vec(),
            })
        }
        Signature::Legacy(legacy) => SignatureArm::DelegatedErc191(wire::LegacyDelegatedSignature {
            delegated_key: Some(legacy.delegated_key.clone()),
            signature: Some(wire::RecoverableEcdsaSignature {
                bytes: legacy.signature.clone(),
            }),
        }),
        Signature::Passkey(passkey) => SignatureArm::Passkey(wire::RecoverablePasskeySignature {
            public_key: passkey.public_key.clone(),
            signature: passkey.signature.clone(),
            authenticator_data: passkey.authenticator_data.clone(),
            client_data_json: passkey.client_data_json.clone(),
        }),
    };
    wire::Signature { signature: Some(arm) }
}
