//! Commit logs that members publish, and what a client makes of them.
use crate::support::{Person, World, story};
use ed25519_dalek::{Signer as _, SigningKey};
use prost::Message as _;
use xmtp_web::groups::field;
use xmtp_web::ids::GroupId;
use xmtp_web::proto::xmtp::mls::message_contents::PlaintextCommitLogEntry;
use xmtp_web::transport::calls::CommitLogPublication;

/// The key that a group's metadata name.
fn signer(person: &Person, group: GroupId) -> SigningKey {
    let view = person.group(group).view().expect("readable");
    let secret = view.metadata.get(field::COMMIT_LOG_SIGNER).expect("there is one");
    let secret: [u8; 32] = hex::decode(secret).expect("hex").try_into().expect("32 bytes");
    SigningKey::from_bytes(&secret)
}

/// What a member who was told everything publishes, as released peers do.
fn account(person: &Person, group: GroupId) -> Vec<PlaintextCommitLogEntry> {
    let info = person.group(group).debug_info().expect("readable");
    let entry = |row: &xmtp_web::storage::CommitLogRow| PlaintextCommitLogEntry {
        group_id: group.to_vec(),
        commit_sequence_id: row.sequence_id,
        last_epoch_authenticator: row.last_epoch_authenticator.clone(),
        commit_result: i32::try_from(row.result.value()).expect("small"),
        applied_epoch_number: row.applied_epoch.unwrap_or_default(),
        applied_epoch_authenticator: row.applied_epoch_authenticator.clone().unwrap_or_default(),
    };
    let of_commits = info.commit_log.iter().filter(|row| row.sequence_id > 0);
    of_commits.map(entry).collect()
}

async fn publish(world: &World, group: GroupId, key: &SigningKey, entries: &[PlaintextCommitLogEntry]) {
    let entries = entries.iter().map(|entry| {
        let entry = entry.encode_to_vec();
        CommitLogPublication {
            group_id: group,
            signature: key.sign(&entry).to_vec(),
            public_key: key.verifying_key().to_bytes().to_vec(),
            entry,
        }
    });
    world
        .api()
        .publish_commit_log(entries.collect())
        .await
        .expect("taken");
}

/// Alice, who made a group and changed it some times, and Bob, who followed.
async fn scene() -> (World, Person, Person, GroupId) {
    let world = World::new().await;
    let (alice, bob) = (world.person().await, world.person().await);
    let group = alice.group_with(&[&bob]).await.id();
    for name in ["one", "two", "three"] {
        let renamed = alice.group(group);
        renamed.update_field(field::NAME, name).await.expect("allowed");
    }
    bob.sync().await;
    (world, alice, bob, group)
}

#[test]
fn a_published_log_that_tells_what_happened_here_is_no_fork() {
    story(async {
        let (world, alice, bob, group) = scene().await;
        let seen = bob.group(group).published_history().await.expect("answers");
        assert_eq!((seen.is_forked, seen.commits.len()), (None, 0));
        let said = account(&alice, group);
        publish(&world, group, &signer(&alice, group), &said).await;
        let seen = bob.group(group).published_history().await.expect("answers");
        assert_eq!(seen.is_forked, Some(false));
        let told: Vec<_> = said.iter().map(|entry| entry.commit_sequence_id).collect();
        let read: Vec<_> = seen.commits.iter().map(|commit| commit.sequence_id).collect();
        assert_eq!(read, told);
    });
}

#[test]
fn a_published_log_that_leads_elsewhere_is_a_fork() {
    story(async {
        let (world, alice, bob, group) = scene().await;
        let mut said = account(&alice, group);
        let last = said.last_mut().expect("some commits");
        last.applied_epoch_authenticator[0] ^= 1;
        publish(&world, group, &signer(&alice, group), &said).await;
        let seen = bob.group(group).published_history().await.expect("answers");
        assert_eq!(seen.is_forked, Some(true));
    });
}

#[test]
fn entries_that_do_not_count_are_passed_over() {
    story(async {
        let (world, alice, bob, group) = scene().await;
        let key = signer(&alice, group);
        let said = account(&alice, group);
        let last = said.last().expect("some commits");
        let lie = PlaintextCommitLogEntry {
            applied_epoch_authenticator: vec![7; 32],
            ..last.clone()
        };
        let other_group = PlaintextCommitLogEntry {
            group_id: vec![9; 16],
            ..lie.clone()
        };
        let without_number = PlaintextCommitLogEntry {
            commit_sequence_id: 0,
            ..lie.clone()
        };
        let from_elsewhere = PlaintextCommitLogEntry {
            last_epoch_authenticator: vec![8; 32],
            ..lie.clone()
        };
        let epoch_skipped = PlaintextCommitLogEntry {
            applied_epoch_number: last.applied_epoch_number + 1,
            ..lie.clone()
        };
        // Of a stranger; and with all but the last commit there, everything that does not go on from there.
        publish(
            &world,
            group,
            &SigningKey::from_bytes(&[3; 32]),
            std::slice::from_ref(&lie),
        )
        .await;
        publish(&world, group, &key, &said[..said.len() - 1]).await;
        publish(
            &world,
            group,
            &key,
            &[other_group, without_number, from_elsewhere, epoch_skipped],
        )
        .await;
        publish(&world, group, &key, std::slice::from_ref(last)).await;
        // Said twice: what came first counts.
        publish(&world, group, &key, &[lie]).await;
        let seen = bob.group(group).published_history().await.expect("answers");
        assert_eq!(seen.is_forked, Some(false));
        assert_eq!(seen.commits.len(), said.len());
    });
}

#[test]
fn a_commit_that_was_not_met_yet_says_nothing() {
    story(async {
        let (world, alice, bob, group) = scene().await;
        publish(&world, group, &signer(&alice, group), &account(&alice, group)).await;
        let renamed = alice.group(group);
        renamed.update_field(field::NAME, "four").await.expect("allowed");
        let more = account(&alice, group);
        publish(&world, group, &signer(&alice, group), &more[more.len() - 1..]).await;
        let seen = bob.group(group).published_history().await.expect("answers");
        assert_eq!((seen.is_forked, seen.commits.len()), (Some(false), more.len()));
        bob.sync().await;
        let seen = bob.group(group).published_history().await.expect("answers");
        assert_eq!(seen.is_forked, Some(false));
    });
}
