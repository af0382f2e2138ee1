//! One typed function per call of a node, answers checked against the question.
//!
//! Every unary call is repeated as [`RetryPolicy`] says; streams are opened once. When the node asks for fewer requests,
//! every call and every opening of a stream waits, not only the one that was refused. Ids in answers that do
//! not parse, that were not asked for, or that do not ascend make the whole answer
//! [`InvalidResponse`]. Entries of a kind newer than this library are left out.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, LocalBoxStream};
use prost::Message;

use crate::platform::Platform;

use super::{
    ByteStream, InvalidResponse, MAX_MESSAGE_BYTES, Method, RetryPolicy, Transport, TransportError,
    with_retry, with_timeout,
};

mod commit_log;
mod group_messages;
mod identity;
mod key_packages;
mod legacy;
mod welcomes;

pub use crate::proto::xmtp::identity::associations::IdentifierKind;
pub use commit_log::{CommitLogPublication, CommitLogRow};
pub use group_messages::{GroupEnvelope, NewestGroupMessage, OutgoingGroupMessage, decode_group_message};
pub use identity::{ContractSignature, ContractVerdict, IdentityUpdateRow};
pub use legacy::{LegacyCursor, LegacyEnvelope, LegacyPage, LegacyQuery};
pub use welcomes::{OutgoingWelcome, WelcomeBody, WelcomeEnvelope};

/// How many rows a node gives at most per page of a query.
pub const PAGE_ROWS: u32 = 100;
/// How long opening a stream may take. Nodes send headers at once.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);
/// How many requests of one batch are under way at once.
const PARALLEL: usize = 4;

/// A stream of parsed messages. Ends with `None` when the node ends it, or after its first error; either
/// way subscribe again from the stored cursor. Dropping it ends the subscription.
pub type MessageStream<T> = LocalBoxStream<'static, Result<T, TransportError>>;

/// The calls of a node. Clones share the transport.
#[derive(Debug, Clone)]
pub struct NodeApi {
    transport: Rc<dyn Transport>,
    platform: Rc<dyn Platform>,
    policy: RetryPolicy,
    limit: Rc<Limit>,
}

/// What the node last said about how often it may be asked; shared by all clones.
#[derive(Debug, Default)]
struct Limit {
    /// No request goes out before this time, nanoseconds since the Unix epoch.
    quiet_until_ns: Cell<u64>,
    /// Refusals in a row.
    refusals: Cell<u32>,
}

/// A page of a query, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What it holds, ids ascending, all above the cursor asked for.
    pub items: Vec<T>,
    /// The cursor to ask for the next page with; `None` on the last one. Not to be stored: progress is the
    /// id of the last item that was processed.
    pub next: Option<u64>,
}

impl NodeApi {
    /// An API over `transport`, waiting with `platform`, with the default [`RetryPolicy`].
    #[must_use]
    pub fn new(transport: Rc<dyn Transport>, platform: Rc<dyn Platform>) -> Self {
        Self {
            transport,
            platform,
            policy: RetryPolicy::default(),
            limit: Rc::default(),
        }
    }

    /// The same with another policy.
    #[must_use]
    pub fn with_policy(self, policy: RetryPolicy) -> Self {
        Self { policy, ..self }
    }

    /// Makes a unary call.
    async fn call<R: Message + Default>(
        &self,
        method: Method,
        request: &impl Message,
    ) -> Result<R, TransportError> {
        let bytes = encode(request)?;
        let answer = with_retry(&*self.platform, &self.policy, || {
            let bytes = bytes.clone();
            async move {
                self.quiet().await;
                let answer = self.transport.unary(method, bytes).await;
                self.heed(answer.as_ref().err());
                answer
            }
        })
        .await?;
        decode(&answer)
    }

    /// Waits while the node wants to be left alone: a limit that one call ran into holds for all of them.
    async fn quiet(&self) {
        let left = self
            .limit
            .quiet_until_ns
            .get()
            .saturating_sub(self.platform.now_ns());
        if left > 0 {
            // A clock that was set back must not silence the client.
            let left = Duration::from_nanos(left).min(self.policy.longest_wait);
            self.platform.sleep(left).await;
        }
    }

    /// Remembers what an answer says about the limit.
    fn heed(&self, error: Option<&TransportError>) {
        match error {
            Some(error @ TransportError::RateLimited { .. }) => {
                let wait = self.policy.wait(self.limit.refusals.get(), error);
                let nanos = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
                let until = self.platform.now_ns().saturating_add(nanos);
                self.limit.quiet_until_ns.set(until);
                self.limit
                    .refusals
                    .set(self.limit.refusals.get().saturating_add(1));
            }
            None => self.limit.refusals.set(0),
            Some(_) => {}
        }
    }

    /// Opens a stream and passes what it gives through `parse`, which leaves out an item by `None`.
    async fn subscribe<T: 'static>(
        &self,
        method: Method,
        request: &impl Message,
        parse: impl FnMut(&[u8]) -> Result<Option<T>, TransportError> + 'static,
    ) -> Result<MessageStream<T>, TransportError> {
        let request = encode(request)?;
        self.quiet().await;
        let opened = self.transport.server_stream(method, request);
        let stream = with_timeout(&*self.platform, OPEN_TIMEOUT, opened).await;
        self.heed(stream.as_ref().err());
        Ok(parsed(stream?, parse))
    }
}

/// `stream` through `parse`, up to and including the first error.
fn parsed<T: 'static>(
    stream: ByteStream,
    parse: impl FnMut(&[u8]) -> Result<Option<T>, TransportError> + 'static,
) -> MessageStream<T> {
    stream::unfold(Some((stream, parse)), |state| async move {
        let (mut stream, mut parse) = state?;
        loop {
            match stream.next().await?.and_then(|bytes| parse(&bytes)) {
                Ok(Some(item)) => return Some((Ok(item), Some((stream, parse)))),
                Ok(None) => {}
                Err(error) => return Some((Err(error), None)),
            }
        }
    })
    .boxed_local()
}

fn encode(request: &impl Message) -> Result<Vec<u8>, TransportError> {
    let bytes = request.encoded_len();
    if bytes > MAX_MESSAGE_BYTES {
        return Err(TransportError::TooLarge { bytes });
    }
    Ok(request.encode_to_vec())
}

fn decode<R: Message + Default>(bytes: &[u8]) -> Result<R, TransportError> {
    R::decode(bytes).map_err(|_| InvalidResponse::Undecodable.into())
}

/// That an aligned list has as many entries as were asked for.
fn check_count(expected: usize, got: usize) -> Result<(), InvalidResponse> {
    if expected == got {
        Ok(())
    } else {
        Err(InvalidResponse::WrongCount { expected, got })
    }
}

/// That ids ascend strictly from above `after`; gives the last one, or `after`.
fn check_ascending(after: u64, ids: impl IntoIterator<Item = u64>) -> Result<u64, InvalidResponse> {
    ids.into_iter().try_fold(after, |last, id| {
        if id > last {
            Ok(id)
        } else {
            Err(InvalidResponse::NotAscending)
        }
    })
}

/// What to ask for to get the page after one of `rows` rows with last id `last`, which came with the
/// cursor `answered` (0 or absent: none). A cursor that would lead back is refused, or a broken node could
/// keep us asking for ever.
///
/// # Source
/// libxmtp: the last page is the first that is not full or names no cursor.
fn next_cursor(
    rows: usize,
    after: u64,
    last: u64,
    answered: Option<u64>,
) -> Result<Option<u64>, InvalidResponse> {
    match answered {
        Some(cursor) if cursor != 0 && rows >= PAGE_ROWS as usize => {
            if cursor <= after || cursor < last {
                return Err(InvalidResponse::NotAscending);
            }
            Ok(Some(cursor))
        }
        _ => Ok(None),
    }
}

/// Paging as a query of the MLS service takes it: ascending (the default there is *descending*).
fn ascending_from(after: u64) -> crate::proto::xmtp::mls::api::v1::PagingInfo {
    crate::proto::xmtp::mls::api::v1::PagingInfo {
        direction: crate::proto::xmtp::mls::api::v1::SortDirection::Ascending.into(),
        limit: PAGE_ROWS,
        id_cursor: after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Coded;
    use crate::ids::GroupId;
    use crate::transport::scripted::ScriptedTransport;

    #[test]
    fn garbage_is_an_invalid_response_and_final() {
        let (node, api, machine) = ScriptedTransport::api([Ok(vec![0xff; 9])]);
        let error = machine
            .run(api.query_group_messages(GroupId::new([1; 16]), 0))
            .expect_err("garbage");
        assert_eq!(error, InvalidResponse::Undecodable.into());
        assert!(!error.is_retryable());
        assert_eq!(node.methods().len(), 1);
    }

    #[test]
    fn an_unreachable_node_is_asked_again() {
        let (node, api, machine) = ScriptedTransport::api([Err(TransportError::Unreachable), Ok(vec![])]);
        let page = machine.run(api.query_group_messages(GroupId::new([1; 16]), 0));
        assert_eq!(
            page,
            Ok(Page {
                items: vec![],
                next: None
            })
        );
        assert_eq!(node.methods(), [Method::QueryGroupMessages; 2]);
        assert!(machine.now_ns() >= 50_000_000, "it waited");
    }

    #[test]
    fn a_rate_limit_that_one_call_met_holds_for_the_next_one() {
        let limited = || {
            Err(TransportError::RateLimited {
                message: String::new(),
            })
        };
        let (node, api, machine) = ScriptedTransport::api([limited(), limited(), Ok(vec![]), Ok(vec![])]);
        let hasty = api.clone().with_policy(RetryPolicy {
            retries: 0,
            ..RetryPolicy::default()
        });
        let ask = |api: &NodeApi| {
            let api = api.clone();
            machine
                .run(async move { api.query_group_messages(GroupId::new([1; 16]), 0).await })
                .map(drop)
        };
        let second = |n: u64| n * 1_000_000_000;
        assert!(ask(&hasty).is_err());
        assert_eq!(machine.now_ns(), 0);
        assert!(ask(&hasty).is_err(), "refused once more");
        assert_eq!(machine.now_ns(), second(1), "but not before a second had passed");
        assert_eq!(ask(&api), Ok(()));
        assert_eq!(
            machine.now_ns(),
            second(4),
            "and the next wait is three times as long"
        );
        assert_eq!(ask(&api), Ok(()));
        assert_eq!(machine.now_ns(), second(4), "an answer ends it");
        assert_eq!(node.methods().len(), 4);
    }

    #[test]
    fn streams_are_opened_once() {
        let (node, api, machine) = ScriptedTransport::api([]);
        let opened = machine.run(api.subscribe_group_messages(&[(GroupId::new([1; 16]), 0)]));
        assert_eq!(opened.map(|_| ()), Err(TransportError::Unreachable));
        assert_eq!(node.methods().len(), 1);
    }

    #[test]
    fn only_full_pages_with_a_forward_cursor_have_a_next_one() {
        assert_eq!(next_cursor(99, 0, 99, Some(99)), Ok(None));
        assert_eq!(next_cursor(100, 0, 100, Some(0)), Ok(None));
        assert_eq!(next_cursor(100, 0, 100, None), Ok(None));
        assert_eq!(next_cursor(100, 0, 100, Some(100)), Ok(Some(100)));
        assert_eq!(
            next_cursor(100, 7, 7, Some(7)),
            Err(InvalidResponse::NotAscending)
        );
        assert_eq!(
            next_cursor(100, 0, 100, Some(50)),
            Err(InvalidResponse::NotAscending)
        );
    }
}
