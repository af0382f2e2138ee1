//! What people do, and what the network does to them.

use std::time::Duration;

use xmtp_devnode::{Fault, Rule};
use xmtp_web::client::SendOptions;
use xmtp_web::groups::field;
use xmtp_web::groups::intent::AdminChange;
use xmtp_web::ids::{GroupId, InboxId};

use crate::support::{Chance, Person, World};

/// What goes wrong next.
pub(crate) fn trouble(world: &World, chance: &mut Chance) {
    let methods = [
        "SendGroupMessages",
        "SendGroupMessages",
        "QueryGroupMessages",
        "QueryGroupMessages",
        "SendWelcomeMessages",
        "QueryWelcomeMessages",
        "FetchKeyPackages",
        "UploadKeyPackage",
        "GetIdentityUpdates",
        "*",
    ];
    let mut method = *chance.of(&methods);
    let fault = match chance.below(9) {
        0 => Fault::DropRequest,
        1 | 2 => Fault::DropAnswer,
        3 => Fault::Error {
            code: 14,
            message: "busy".into(),
        },
        4 => Fault::Error {
            code: 8,
            message: "slower".into(),
        },
        // One message waits while others overtake it.
        5 | 6 => Fault::Delay {
            ms: 1 + chance.below(30) as u64,
        },
        7 => {
            method = "Subscribe*";
            Fault::Duplicate
        }
        _ => {
            method = "Subscribe*";
            Fault::CutStream {
                after: chance.below(4) as u64,
            }
        }
    };
    // Beyond six attempts a call fails.
    let times = u32::try_from(1 + chance.below(9)).expect("small");
    let skipped = u32::try_from(chance.below(3)).expect("small");
    world
        .faults()
        .add(Rule::times(method, fault, times).after(skipped));
}

/// Somebody does something as the library lets it. Failures are what this is about, so they are no failures here.
pub(crate) async fn honestly(
    world: &World,
    person: &Person,
    group: GroupId,
    others: &[InboxId],
    n: usize,
    chance: &mut Chance,
) {
    let other = *chance.of(others);
    let Some(handle) = person.find(group) else {
        drop(person.client.sync_all().await);
        return;
    };
    match chance.below(20) {
        0..=4 => drop(
            handle
                .send_text(&format!("said {n}"), SendOptions::default())
                .await,
        ),
        5 | 6 => {
            let options = SendOptions {
                optimistic: true,
                ..Default::default()
            };
            drop(handle.send_text(&format!("jotted {n}"), options).await);
        }
        7 => drop(handle.update_field(field::NAME, &format!("name {n}")).await),
        8 => drop(
            handle
                .update_field(field::DESCRIPTION, &format!("description {n}"))
                .await,
        ),
        9..=11 => drop(handle.add_members(&[other]).await),
        12 => drop(handle.remove_members(&[other]).await),
        13 => {
            let changes = [
                AdminChange::AddAdmin,
                AdminChange::RemoveAdmin,
                AdminChange::AddAdmin,
                AdminChange::AddSuperAdmin,
            ];
            drop(handle.update_admins(*chance.of(&changes), other).await);
        }
        14 => {
            world.later(Duration::from_secs(6));
            drop(handle.publish_messages().await);
        }
        15 => {
            // long enough to look for new installations of members
            world.later(Duration::from_secs(31 * 60));
            drop(handle.sync().await);
        }
        _ => drop(person.client.sync_all().await),
    }
}
