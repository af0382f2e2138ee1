//! Commits and proposals against the rules, made by hand on the group as the client has it.
//!
//! Each is built in a transaction that is rolled back: nothing is left of it here, and the next one is made with the
//! same message key, as authors do whose commit was refused.

use openmls::group::GroupContext;
use openmls::prelude::tls_codec::Serialize as _;
use openmls::prelude::{
    Extension, Extensions, LeafNodeIndex, LeafNodeParameters, MlsGroup, MlsMessageOut, OpenMlsProvider as _,
    UnknownExtension,
};
use serde::Deserialize;
use xmtp_web::groups::{GroupMembership, MutableMetadata, PolicySet, Preset};
use xmtp_web::ids::{GroupId, InboxId, InstallationId};
use xmtp_web::mls::{Provider, key_package};
use xmtp_web::storage::StorageError;
use xmtp_web::transport::calls::OutgoingGroupMessage;

use crate::Failure;
use crate::hand::{Hand, credential};
use crate::person::Person;

const MUTABLE_METADATA: u16 = 0xFF00;
const MEMBERSHIP: u16 = 0xFF01;
const PERMISSIONS: u16 = 0xFF02;

/// What is forged.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", tag = "what")]
pub(crate) enum Forgery {
    /// An attribute of the metadata.
    #[serde(rename_all = "camelCase")]
    Field { field: String, value: String },
    /// Somebody in or out of the admin lists.
    #[serde(rename_all = "camelCase")]
    Role {
        list: Role,
        inbox_id: String,
        present: bool,
    },
    /// The permissions of the other preset.
    Permissions,
    /// Bytes that are none of what an extension holds.
    Garbled { extension: u16 },
    /// A member goes, leaves and all.
    #[serde(rename_all = "camelCase")]
    Remove { inbox_id: String },
    /// A member goes from the list, and its leaves stay in the tree.
    #[serde(rename_all = "camelCase")]
    Unlist { inbox_id: String },
    /// A leaf goes from the tree, and its inbox stays in the list.
    #[serde(rename_all = "camelCase")]
    Prune { installation_id: String },
    /// An inbox comes in with these installations, at an update of its log.
    #[serde(rename_all = "camelCase")]
    Add {
        inbox_id: String,
        sequence_id: u64,
        installation_ids: Vec<String>,
    },
    /// A leaf comes in that no inbox of the list has.
    #[serde(rename_all = "camelCase")]
    Smuggle { installation_id: String },
    /// The group's view of an inbox's log goes to another update.
    #[serde(rename_all = "camelCase")]
    Sequence { inbox_id: String, sequence_id: u64 },
    /// The own leaf says that it is of another inbox.
    #[serde(rename_all = "camelCase")]
    Impersonate { inbox_id: String },
    /// A proposal on its own that a member goes, and a commit that refers to it.
    #[serde(rename_all = "camelCase")]
    ProposeRemoval { inbox_id: String },
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Role {
    Admin,
    SuperAdmin,
}

/// What a commit by hand holds.
#[derive(Default)]
struct Plan {
    add: Vec<openmls::prelude::KeyPackage>,
    remove: Vec<LeafNodeIndex>,
    /// An extension of the context and its new body.
    change: Option<(u16, Vec<u8>)>,
    leaf: LeafNodeParameters,
}

impl Person {
    /// Publishes a forgery in a group, which nobody follows, not even its author.
    pub(crate) async fn forge(&self, group: GroupId, forgery: Forgery) -> Result<(), Failure> {
        let packages = self.packages(&forgery).await?;
        let messages = self.by_hand(group, After::Undone, |hand, mls| {
            hand.make(mls, &forgery, packages)
        })?;
        self.publish(messages).await
    }

    /// The same where its author may: it follows by itself, as its client does not know the commit for its own.
    pub(crate) async fn change(&self, group: GroupId, forgery: Forgery) -> Result<(), Failure> {
        let packages = self.packages(&forgery).await?;
        let messages = self.by_hand(group, After::Kept, |hand, mls| {
            let messages = hand.make(mls, &forgery, packages)?;
            mls.merge_pending_commit(&hand.provider)
                .map_err(|error| Failure::OpenMls(error.to_string()))?;
            Ok(messages)
        })?;
        self.publish(messages).await
    }

    async fn publish(&self, messages: Vec<Vec<u8>>) -> Result<(), Failure> {
        // One by one: a refused one must not take the others with it.
        for data in messages {
            let message = OutgoingGroupMessage {
                data,
                sender_hmac: Vec::new(),
                should_push: false,
            };
            self.api.send_group_messages(vec![message]).await?;
        }
        Ok(())
    }

    /// The key packages that a forgery adds.
    async fn packages(&self, forgery: &Forgery) -> Result<Vec<openmls::prelude::KeyPackage>, Failure> {
        use openmls::prelude::tls_codec::Deserialize as _;
        use openmls::prelude::{KeyPackageIn, ProtocolVersion};
        let ids: Vec<InstallationId> = match forgery {
            Forgery::Add { installation_ids, .. } => installation_ids
                .iter()
                .map(|id| id.parse())
                .collect::<Result<_, _>>()?,
            Forgery::Smuggle { installation_id } => vec![installation_id.parse()?],
            _ => return Ok(Vec::new()),
        };
        let provider = Provider::new(&self.store);
        let fetched = self.api.fetch_key_packages(&ids).await?;
        fetched
            .into_iter()
            .map(|tls| {
                let tls = tls.ok_or(Failure::Said("an installation has no key package"))?;
                key_package::verify_standalone(&tls).map_err(|error| Failure::OpenMls(error.to_string()))?;
                KeyPackageIn::tls_deserialize_exact(&tls)
                    .map_err(|error| Failure::OpenMls(error.to_string()))?
                    .validate(provider.crypto(), ProtocolVersion::Mls10)
                    .map_err(|error| Failure::OpenMls(error.to_string()))
            })
            .collect()
    }

    /// Works on a group in a transaction.
    fn by_hand<T>(
        &self,
        group: GroupId,
        after: After,
        work: impl FnOnce(&HandAt<'_>, &mut MlsGroup) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut made = None;
        let done = self.store.transaction(|tx| -> Result<(), StorageError> {
            let hand = HandAt {
                person: self,
                provider: Provider::new(tx),
            };
            let loaded = MlsGroup::load(
                hand.provider.storage(),
                &openmls::group::GroupId::from_slice(group.as_bytes()),
            );
            let outcome = match loaded {
                Ok(Some(mut mls)) => work(&hand, &mut mls),
                Ok(None) => Err(Failure::Said("there is no such group here")),
                Err(error) => Err(Failure::OpenMls(error.to_string())),
            };
            let keep = outcome.is_ok() && matches!(after, After::Kept);
            made = Some(outcome);
            // Any error rolls back; this one is none that could come from elsewhere here.
            if keep { Ok(()) } else { Err(StorageError::Full) }
        });
        match (made, done) {
            (Some(made), Ok(()) | Err(StorageError::Full)) => made,
            (None, Ok(())) => Err(Failure::Said("nothing was done")),
            (_, Err(error)) => Err(error.into()),
        }
    }
}

/// What becomes of what was written.
#[derive(Debug, Clone, Copy)]
enum After {
    Undone,
    Kept,
}

/// A person within a transaction.
struct HandAt<'a> {
    person: &'a Person,
    provider: Provider<'a>,
}

impl HandAt<'_> {
    fn make(
        &self,
        mls: &mut MlsGroup,
        forgery: &Forgery,
        packages: Vec<openmls::prelude::KeyPackage>,
    ) -> Result<Vec<Vec<u8>>, Failure> {
        let changed = |id: u16, body: Vec<u8>| Plan {
            change: Some((id, body)),
            ..Plan::default()
        };
        let plan = match forgery {
            Forgery::Field { field, value } => {
                let mut metadata = MutableMetadata::decode(body(mls, MUTABLE_METADATA).as_deref())?;
                metadata.attributes.insert(field.clone(), value.clone());
                changed(MUTABLE_METADATA, metadata.encode())
            }
            Forgery::Role {
                list,
                inbox_id,
                present,
            } => {
                let mut metadata = MutableMetadata::decode(body(mls, MUTABLE_METADATA).as_deref())?;
                let list = match list {
                    Role::Admin => &mut metadata.admins,
                    Role::SuperAdmin => &mut metadata.super_admins,
                };
                list.retain(|other| other != inbox_id);
                if *present {
                    list.push(inbox_id.clone());
                }
                changed(MUTABLE_METADATA, metadata.encode())
            }
            Forgery::Permissions => {
                let everybody = PolicySet::preset(Preset::AllMembers);
                let now = PolicySet::decode(body(mls, PERMISSIONS).as_deref())?;
                let other = if now == everybody {
                    PolicySet::preset(Preset::AdminOnly)
                } else {
                    everybody
                };
                changed(PERMISSIONS, other.encode()?)
            }
            Forgery::Garbled { extension } => changed(*extension, vec![0xFF; 7]),
            Forgery::Remove { inbox_id } => {
                let inbox: InboxId = inbox_id.parse()?;
                let mut plan = self.membership(mls, |members| members.members.remove(&inbox).is_some())?;
                plan.remove = leaves(mls, inbox);
                plan
            }
            Forgery::Unlist { inbox_id } => {
                let inbox: InboxId = inbox_id.parse()?;
                self.membership(mls, |members| members.members.remove(&inbox).is_some())?
            }
            Forgery::Prune { installation_id } => {
                let id: InstallationId = installation_id.parse()?;
                let remove = mls
                    .members()
                    .filter(|member| member.signature_key == id.as_bytes())
                    .map(|member| member.index)
                    .collect();
                Plan {
                    remove,
                    ..Plan::default()
                }
            }
            Forgery::Add {
                inbox_id,
                sequence_id,
                ..
            } => {
                let inbox: InboxId = inbox_id.parse()?;
                let mut plan = self.membership(mls, |members| {
                    members.members.insert(inbox, *sequence_id) != Some(*sequence_id)
                })?;
                plan.add = packages;
                plan
            }
            Forgery::Smuggle { .. } => Plan {
                add: packages,
                ..Plan::default()
            },
            Forgery::Sequence {
                inbox_id,
                sequence_id,
            } => {
                let inbox: InboxId = inbox_id.parse()?;
                self.membership(mls, |members| {
                    members
                        .members
                        .insert(inbox, *sequence_id)
                        .is_some_and(|old| old != *sequence_id)
                })?
            }
            Forgery::Impersonate { inbox_id } => Plan {
                leaf: LeafNodeParameters::builder()
                    .with_credential_with_key(credential(&self.person.key, inbox_id.parse()?))
                    .build(),
                ..Plan::default()
            },
            Forgery::ProposeRemoval { inbox_id } => return self.propose_removal(mls, inbox_id.parse()?),
        };
        Ok(vec![self.commit(mls, plan)?])
    }

    /// A changed list of members; `change` says whether it has changed anything.
    fn membership(
        &self,
        mls: &MlsGroup,
        change: impl FnOnce(&mut GroupMembership) -> bool,
    ) -> Result<Plan, Failure> {
        let mut membership = GroupMembership::decode(body(mls, MEMBERSHIP).as_deref())?;
        if !change(&mut membership) {
            return Err(Failure::Said("that would change nothing"));
        }
        Ok(Plan {
            change: Some((MEMBERSHIP, membership.encode())),
            ..Plan::default()
        })
    }

    fn commit(&self, mls: &mut MlsGroup, plan: Plan) -> Result<Vec<u8>, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::OpenMls(error.to_string());
        let context = plan.change.map(|(id, body)| with(mls, id, body)).transpose()?;
        let mut builder = mls
            .commit_builder()
            .force_self_update(true)
            .leaf_node_parameters(plan.leaf)
            .propose_adds(plan.add)
            .propose_removals(plan.remove);
        if let Some(context) = context {
            builder = builder
                .propose_group_context_extensions(context)
                .map_err(|error| failed(&error))?;
        }
        let provider = &self.provider;
        let bundle = builder
            .load_psks(provider.storage())
            .map_err(|error| failed(&error))?
            .build(
                provider.rand(),
                provider.crypto(),
                &Hand(&self.person.key),
                |_| true,
            )
            .map_err(|error| failed(&error))?
            .stage_commit(provider)
            .map_err(|error| failed(&error))?;
        bytes(&bundle.into_messages().0)
    }

    fn propose_removal(&self, mls: &mut MlsGroup, inbox: InboxId) -> Result<Vec<Vec<u8>>, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::OpenMls(error.to_string());
        let hand = Hand(&self.person.key);
        let leaf = *leaves(mls, inbox)
            .first()
            .ok_or(Failure::Said("nobody to remove"))?;
        let (proposal, _) = mls
            .propose_remove_member(&self.provider, &hand, leaf)
            .map_err(|error| failed(&error))?;
        let (commit, _, _) = mls
            .commit_to_pending_proposals(&self.provider, &hand)
            .map_err(|error| failed(&error))?;
        Ok(vec![bytes(&proposal)?, bytes(&commit)?])
    }
}

fn bytes(message: &MlsMessageOut) -> Result<Vec<u8>, Failure> {
    message
        .tls_serialize_detached()
        .map_err(|error| Failure::OpenMls(error.to_string()))
}

/// The body of an extension of the context.
fn body(mls: &MlsGroup, id: u16) -> Option<Vec<u8>> {
    mls.extensions().unknown(id).map(|extension| extension.0.clone())
}

/// The context with another body of one extension.
fn with(mls: &MlsGroup, id: u16, body: Vec<u8>) -> Result<Extensions<GroupContext>, Failure> {
    let mut context = mls.extensions().clone();
    context
        .add_or_replace(Extension::Unknown(id, UnknownExtension(body)))
        .map_err(|error| Failure::OpenMls(error.to_string()))?;
    Ok(context)
}

/// The leaves of an inbox, by what their credentials say.
fn leaves(mls: &MlsGroup, inbox: InboxId) -> Vec<LeafNodeIndex> {
    use prost::Message as _;
    use xmtp_web::proto::xmtp::identity::MlsCredential;
    mls.members()
        .filter(|member| {
            let basic = openmls::prelude::BasicCredential::try_from(member.credential.clone()).ok();
            basic
                .and_then(|basic| MlsCredential::decode(basic.identity()).ok())
                .is_some_and(|credential| credential.inbox_id == inbox.to_string())
        })
        .map(|member| member.index)
        .collect()
}
