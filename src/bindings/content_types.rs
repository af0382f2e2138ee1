//! Content types by the numbers that apps name them with.

use super::error::EdgeError;
use crate::storage::ContentTypeKey;

/// The types by their numbers; `None` is every type without one of its own.
///
/// # Source
/// `ContentType` of `@xmtp/wasm-bindings` 1.11.0.
const NUMBERED: [Option<(&str, &str)>; 16] = [
    Some(("coinbase.com", "actions")),
    Some(("xmtp.org", "attachment")),
    None,
    Some(("xmtp.org", "group_membership_change")),
    Some(("xmtp.org", "group_updated")),
    Some(("coinbase.com", "intent")),
    Some(("xmtp.org", "leave_request")),
    Some(("xmtp.org", "markdown")),
    Some(("xmtp.org", "multiRemoteStaticAttachment")),
    Some(("xmtp.org", "reaction")),
    Some(("xmtp.org", "readReceipt")),
    Some(("xmtp.org", "remoteStaticAttachment")),
    Some(("xmtp.org", "reply")),
    Some(("xmtp.org", "text")),
    Some(("xmtp.org", "transactionReference")),
    Some(("xmtp.org", "walletSendCalls")),
];

/// A type without a number that is not one of an app's own either.
const REMOVAL: (&str, &str) = ("xmtp.org", "deleteMessage");

/// A set of content types: some, or all but some.
enum Set {
    Only(Vec<(&'static str, &'static str)>),
    AllBut(Vec<(&'static str, &'static str)>),
}

fn read(name: &str, numbers: &[u32]) -> Result<Set, EdgeError> {
    let mut chosen = Vec::new();
    let mut others = false;
    for number in numbers {
        let found = usize::try_from(*number)
            .ok()
            .and_then(|index| NUMBERED.get(index));
        match found {
            Some(Some(key)) => chosen.push(*key),
            Some(None) => others = true,
            None => {
                let text = format!("{name} does not have the value {number}");
                return Err(EdgeError::Unsupported(text));
            }
        }
    }
    if others {
        let known = NUMBERED.into_iter().flatten().chain([REMOVAL]);
        chosen = known.filter(|key| !chosen.contains(key)).collect();
        return Ok(Set::AllBut(chosen));
    }
    Ok(Set::Only(chosen))
}

/// What a list of messages includes and what it leaves out, both as storage takes them.
pub(super) fn select(
    include: Option<&[u32]>,
    exclude: &[u32],
) -> Result<(Vec<ContentTypeKey>, Vec<ContentTypeKey>), EdgeError> {
    let mut only: Option<Vec<_>> = None;
    let mut without = Vec::new();
    match include {
        None | Some([]) => {}
        Some(numbers) => match read("contentTypes", numbers)? {
            Set::Only(keys) => only = Some(keys),
            Set::AllBut(keys) => without.extend(keys),
        },
    }
    match read("excludeContentTypes", exclude)? {
        Set::Only(keys) => without.extend(keys),
        // Nothing but these is left.
        Set::AllBut(keys) => {
            only = Some(match only {
                Some(only) => only.into_iter().filter(|key| keys.contains(key)).collect(),
                None => keys,
            });
        }
    }
    if only.as_ref().is_some_and(Vec::is_empty) {
        // An empty list would mean all: what is asked for and left out at once is nothing.
        only = Some(vec![REMOVAL]);
        without.push(REMOVAL);
    }
    let keys = |keys: Vec<(&str, &str)>| {
        keys.into_iter()
            .map(|(authority_id, type_id)| ContentTypeKey {
                authority_id: authority_id.to_owned(),
                type_id: type_id.to_owned(),
            })
            .collect()
    };
    Ok((keys(only.unwrap_or_default()), keys(without)))
}
