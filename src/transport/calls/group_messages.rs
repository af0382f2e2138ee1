//! Messages of groups: sending, querying, subscribing.

use std::collections::HashMap;

use futures::stream::{self, LocalBoxStream};
use futures::{StreamExt, TryStreamExt};

use crate::ids::GroupId;
use crate::proto::xmtp::mls::api::v1 as wire;

use super::super::{InvalidResponse, Method, TransportError};
use super::{
    MessageStream, NodeApi, PARALLEL, Page, ascending_from, check_ascending, check_count, decode, next_cursor,
};

/// How many groups are asked about in one [`NodeApi::newest_group_messages`] request, as in libxmtp.
const NEWEST_BATCH: usize = 1000;

/// A message as a node stores it; who sent it and what it says is known only after decryption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupEnvelope {
    /// Sequence id: ascends strictly within a group, with gaps.
    pub id: u64,
    /// When the node got it, Unix nanoseconds. Says nothing about order.
    pub created_ns: u64,
    /// The group.
    pub group_id: GroupId,
    /// A TLS-serialised `MLSMessage` (RFC 9420 §6), not yet looked at.
    pub data: Vec<u8>,
    /// By which push servers recognise the sender; 32 bytes, or empty.
    pub sender_hmac: Vec<u8>,
    /// Whether push servers should notify.
    pub should_push: bool,
    /// What the node thinks: true for commits *and* standalone proposals.
    pub is_commit: bool,
}

/// A message to send. The node reads the group from `data`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingGroupMessage {
    /// A TLS-serialised `MLSMessage`.
    pub data: Vec<u8>,
    /// See [`GroupEnvelope::sender_hmac`].
    pub sender_hmac: Vec<u8>,
    /// See [`GroupEnvelope::should_push`].
    pub should_push: bool,
}

/// The newest message of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewestGroupMessage {
    /// Its sequence id.
    pub id: u64,
    /// See [`GroupEnvelope::is_commit`].
    pub is_commit: bool,
}

impl NodeApi {
    /// Stores `messages` in this order; all in one request, so a refused one refuses all. Sending the same
    /// bytes again changes nothing. Success does not mean that the group accepts them: read back.
    ///
    /// # Errors
    /// [`TransportError`]; [`TooLarge`](TransportError::TooLarge) if they do not fit into one request.
    pub async fn send_group_messages(
        &self,
        messages: Vec<OutgoingGroupMessage>,
    ) -> Result<(), TransportError> {
        if messages.is_empty() {
            return Ok(());
        }
        let input = |message: OutgoingGroupMessage| wire::GroupMessageInput {
            version: Some(wire::group_message_input::Version::V1(
                wire::group_message_input::V1 {
                    data: message.data,
                    sender_hmac: message.sender_hmac,
                    should_push: message.should_push,
                },
            )),
        };
        let request = wire::SendGroupMessagesRequest {
            messages: messages.into_iter().map(input).collect(),
        };
        self.call::<()>(Method::SendGroupMessages, &request).await
    }

    /// One page of the messages of `group` with ids above `after`.
    ///
    /// # Errors
    /// [`TransportError`].
    pub async fn query_group_messages(
        &self,
        group: GroupId,
        after: u64,
    ) -> Result<Page<GroupEnvelope>, TransportError> {
        let request = wire::QueryGroupMessagesRequest {
            group_id: group.to_vec(),
            paging_info: Some(ascending_from(after)),
        };
        let answer: wire::QueryGroupMessagesResponse =
            self.call(Method::QueryGroupMessages, &request).await?;
        let rows = answer.messages.len();
        let mut items = Vec::with_capacity(rows);
        for message in answer.messages {
            if let Some(item) = envelope(message)? {
                if item.group_id != group {
                    return Err(InvalidResponse::NotAskedFor.into());
                }
                items.push(item);
            }
        }
        let last = check_ascending(after, items.iter().map(|item| item.id))?;
        let next = next_cursor(
            rows,
            after,
            last,
            answer.paging_info.map(|paging| paging.id_cursor),
        )?;
        Ok(Page { items, next })
    }

    /// All pages from `after` on, each asked for when it is polled for. Ends after the first error.
    pub fn group_message_pages(
        &self,
        group: GroupId,
        after: u64,
    ) -> LocalBoxStream<'_, Result<Vec<GroupEnvelope>, TransportError>> {
        stream::try_unfold(Some(after), move |cursor| async move {
            let Some(cursor) = cursor else {
                return Ok(None);
            };
            let page = self.query_group_messages(group, cursor).await?;
            Ok(Some((page.items, page.next)))
        })
        .boxed_local()
    }

    /// Messages of the groups of `filters` with ids above the cursor beside each: first those stored, then
    /// new ones as they come. Within a group ids ascend; what does not is left out. Without filters the
    /// stream stays silent.
    ///
    /// # Errors
    /// [`TransportError`], if the stream does not open.
    pub async fn subscribe_group_messages(
        &self,
        filters: &[(GroupId, u64)],
    ) -> Result<MessageStream<GroupEnvelope>, TransportError> {
        if filters.is_empty() {
            return Ok(stream::pending().boxed_local());
        }
        let filter = |(group, after): &(GroupId, u64)| wire::subscribe_group_messages_request::Filter {
            group_id: group.to_vec(),
            id_cursor: *after,
        };
        let request = wire::SubscribeGroupMessagesRequest {
            filters: filters.iter().map(filter).collect(),
        };
        let mut cursors: HashMap<GroupId, u64> = filters.iter().copied().collect();
        self.subscribe(Method::SubscribeGroupMessages, &request, move |bytes| {
            let Some(item) = envelope(decode(bytes)?)? else {
                return Ok(None);
            };
            let cursor = cursors
                .get_mut(&item.group_id)
                .ok_or(InvalidResponse::NotAskedFor)?;
            if item.id <= *cursor {
                return Ok(None);
            }
            *cursor = item.id;
            Ok(Some(item))
        })
        .await
    }

    /// The newest message of each of `groups`, in their order; `None` for a group without messages. A
    /// replica answers, which may lag behind.
    ///
    /// # Errors
    /// [`TransportError`].
    pub async fn newest_group_messages(
        &self,
        groups: &[GroupId],
    ) -> Result<Vec<Option<NewestGroupMessage>>, TransportError> {
        let batches: Vec<Vec<_>> =
            stream::iter(groups.chunks(NEWEST_BATCH).map(|batch| self.newest_batch(batch)))
                .buffered(PARALLEL)
                .try_collect()
                .await?;
        Ok(batches.into_iter().flatten().collect())
    }

    async fn newest_batch(
        &self,
        groups: &[GroupId],
    ) -> Result<Vec<Option<NewestGroupMessage>>, TransportError> {
        let request = wire::GetNewestGroupMessageRequest {
            group_ids: groups.iter().map(|group| group.to_vec()).collect(),
            include_content: false,
        };
        let answer: wire::GetNewestGroupMessageResponse =
            self.call(Method::NewestGroupMessage, &request).await?;
        check_count(groups.len(), answer.responses.len())?;
        let mut newest = Vec::with_capacity(groups.len());
        for (group, response) in groups.iter().zip(answer.responses) {
            let message = response.group_message.map(envelope).transpose()?.flatten();
            if message.as_ref().is_some_and(|message| message.group_id != *group) {
                return Err(InvalidResponse::NotAskedFor.into());
            }
            newest.push(message.map(|m| NewestGroupMessage {
                id: m.id,
                is_commit: m.is_commit,
            }));
        }
        Ok(newest)
    }
}

/// Decodes one message as nodes and push servers hand it out: protobuf `xmtp.mls.api.v1.GroupMessage`. `None` for
/// a version this library does not know.
///
/// # Errors
/// [`TransportError::InvalidResponse`].
pub fn decode_group_message(bytes: &[u8]) -> Result<Option<GroupEnvelope>, TransportError> {
    envelope(decode(bytes)?)
}

/// The parsed message; `None` for a version this library does not know.
fn envelope(message: wire::GroupMessage) -> Result<Option<GroupEnvelope>, TransportError> {
    let Some(wire::group_message::Version::V1(v1)) = message.version else {
        return Ok(None);
    };
    let group_id = GroupId::try_from(v1.group_id.as_slice())
        .map_err(|_| InvalidResponse::MalformedId("the group id of a message"))?;
    Ok(Some(GroupEnvelope {
        id: v1.id,
        created_ns: v1.created_ns,
        group_id,
        data: v1.data,
        sender_hmac: v1.sender_hmac,
        should_push: v1.should_push,
        is_commit: v1.is_commit,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::scripted::ScriptedTransport;
    use prost::Message;

    const GROUP: GroupId = GroupId::new([1; 16]);

    fn message(id: u64, group: &[u8]) -> wire::GroupMessage {
        let v1 = wire::group_message::V1 {
            id,
            group_id: group.to_vec(),
            data: vec![7],
            ..Default::default()
        };
        wire::GroupMessage {
            version: Some(wire::group_message::Version::V1(v1)),
        }
    }

    fn page(ids: impl IntoIterator<Item = u64>, id_cursor: u64) -> Vec<u8> {
        wire::QueryGroupMessagesResponse {
            messages: ids.into_iter().map(|id| message(id, GROUP.as_bytes())).collect(),
            paging_info: Some(wire::PagingInfo {
                direction: 1,
                limit: 100,
                id_cursor,
            }),
        }
        .encode_to_vec()
    }

    #[test]
    fn pages_follow_each_other_until_one_is_not_full() {
        let (node, api, machine) = ScriptedTransport::api([Ok(page(6..=105, 105)), Ok(page([200], 0))]);
        let pages: Vec<_> = machine
            .run(api.group_message_pages(GROUP, 5).try_collect())
            .expect("pages");
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [100, 1]);
        let asked: Vec<wire::PagingInfo> = (0..2)
            .map(|n| {
                node.request::<wire::QueryGroupMessagesRequest>(n)
                    .paging_info
                    .expect("paging")
            })
            .collect();
        assert_eq!(asked, [ascending_from(5), ascending_from(105)]);
        assert_eq!(asked[0].direction, 1, "ascending");
    }

    #[test]
    fn descending_foreign_or_malformed_rows_are_invalid() {
        let answer = |messages| {
            wire::QueryGroupMessagesResponse {
                messages,
                paging_info: None,
            }
            .encode_to_vec()
        };
        let cases = [
            (answer(vec![message(5, &[1; 16])]), InvalidResponse::NotAscending),
            (
                answer(vec![message(8, &[1; 16]), message(7, &[1; 16])]),
                InvalidResponse::NotAscending,
            ),
            (answer(vec![message(8, &[2; 16])]), InvalidResponse::NotAskedFor),
            (
                answer(vec![message(8, &[1; 15])]),
                InvalidResponse::MalformedId("the group id of a message"),
            ),
        ];
        for (bytes, expected) in cases {
            let (_, api, machine) = ScriptedTransport::api([Ok(bytes)]);
            assert_eq!(
                machine.run(api.query_group_messages(GROUP, 5)),
                Err(expected.into())
            );
        }
    }

    #[test]
    fn messages_of_unknown_versions_are_left_out() {
        let messages = vec![wire::GroupMessage { version: None }, message(9, GROUP.as_bytes())];
        let bytes = wire::QueryGroupMessagesResponse {
            messages,
            paging_info: None,
        }
        .encode_to_vec();
        let (_, api, machine) = ScriptedTransport::api([Ok(bytes)]);
        let page = machine.run(api.query_group_messages(GROUP, 5)).expect("a page");
        assert_eq!(page.items.iter().map(|item| item.id).collect::<Vec<_>>(), [9]);
    }

    #[test]
    fn a_stream_gives_each_id_once_and_ends() {
        let (node, api, machine) = ScriptedTransport::api([]);
        let sent = [5, 6, 6, 4, 9].map(|id| Ok(message(id, GROUP.as_bytes()).encode_to_vec()));
        node.push_stream(sent);
        let ids: Vec<u64> = machine
            .run(async {
                let stream = api.subscribe_group_messages(&[(GROUP, 5)]).await?;
                stream.map_ok(|item| item.id).try_collect().await
            })
            .expect("a stream");
        assert_eq!(ids, [6, 9]);
    }

    #[test]
    fn a_stream_ends_after_a_foreign_message() {
        let (node, api, machine) = ScriptedTransport::api([]);
        node.push_stream([3u8, 1].map(|g| Ok(message(6, &[g; 16]).encode_to_vec())));
        let items: Vec<_> = machine.run(async {
            let stream = api.subscribe_group_messages(&[(GROUP, 5)]).await.expect("opens");
            stream.collect().await
        });
        assert_eq!(items, [Err(InvalidResponse::NotAskedFor.into())]);
    }

    #[test]
    fn newest_messages_keep_the_order_across_batches() {
        let groups: Vec<_> = (0..1001u16)
            .map(|n| {
                let mut id = [0; 16];
                id[..2].copy_from_slice(&n.to_be_bytes());
                GroupId::new(id)
            })
            .collect();
        let answer = |groups: &[GroupId]| {
            let responses = groups
                .iter()
                .enumerate()
                .map(|(n, group)| wire::get_newest_group_message_response::Response {
                    group_message: (n > 0).then(|| message(n as u64, group.as_bytes())),
                })
                .collect();
            Ok(wire::GetNewestGroupMessageResponse { responses }.encode_to_vec())
        };
        let (node, api, machine) = ScriptedTransport::api([answer(&groups[..1000]), answer(&groups[1000..])]);
        let newest = machine.run(api.newest_group_messages(&groups)).expect("answers");
        assert_eq!(node.methods().len(), 2);
        assert_eq!(newest.len(), 1001);
        assert_eq!(newest[0], None);
        assert_eq!(
            newest[999],
            Some(NewestGroupMessage {
                id: 999,
                is_commit: false
            })
        );
        assert_eq!(newest[1000], None);
        let (_, api, machine) = ScriptedTransport::api([Ok(vec![])]);
        assert_eq!(
            machine.run(api.newest_group_messages(&groups[..2])),
            Err(InvalidResponse::WrongCount { expected: 2, got: 0 }.into())
        );
    }

    #[test]
    fn nothing_to_send_is_not_a_request() {
        let (node, api, machine) = ScriptedTransport::api([]);
        assert_eq!(machine.run(api.send_group_messages(vec![])), Ok(()));
        assert!(node.methods().is_empty());
    }
}
