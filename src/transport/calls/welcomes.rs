//! Welcomes: invitations of installations into groups.

use futures::stream;
use futures::{StreamExt, TryStreamExt};
use prost::Message;

use crate::ids::InstallationId;
use crate::proto::xmtp::mls::api::v1 as wire;

use super::super::{InvalidResponse, MAX_MESSAGE_BYTES, Method, TransportError};
use super::{MessageStream, NodeApi, PARALLEL, Page, ascending_from, check_ascending, decode, next_cursor};

/// The most welcomes in one request, as in libxmtp.
const WELCOMES_PER_REQUEST: usize = 50;
/// What tag and length of an entry of a request take at most.
const ENTRY_OVERHEAD: usize = 8;

/// A welcome as a node stores it, still encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WelcomeEnvelope {
    /// Sequence id: ascends strictly within a topic, with gaps.
    pub id: u64,
    /// When the node got it, Unix nanoseconds.
    pub created_ns: u64,
    /// The topic: the installation it is for, or the 32 random bytes that a pointer names.
    pub topic: InstallationId,
    /// The key it was encrypted to; empty if it was encrypted with a symmetric key.
    pub hpke_public_key: Vec<u8>,
    /// What it holds.
    pub body: WelcomeBody,
}

/// The two kinds of welcomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WelcomeBody {
    /// A welcome itself.
    V1 {
        /// The encrypted welcome.
        data: Vec<u8>,
        /// The number of an `xmtp.mls.message_contents.WelcomeWrapperAlgorithm`, perhaps an unknown one.
        wrapper_algorithm: i32,
        /// The encrypted `WelcomeMetadata`; may be empty.
        welcome_metadata: Vec<u8>,
    },
    /// Where a welcome is that many share.
    Pointer {
        /// The encrypted `WelcomePointer`.
        welcome_pointer: Vec<u8>,
        /// The number of an `xmtp.mls.message_contents.WelcomePointerWrapperAlgorithm`, perhaps unknown.
        wrapper_algorithm: i32,
    },
}

/// A welcome to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingWelcome {
    /// See [`WelcomeEnvelope::topic`].
    pub topic: InstallationId,
    /// See [`WelcomeEnvelope::hpke_public_key`].
    pub hpke_public_key: Vec<u8>,
    /// What it holds.
    pub body: WelcomeBody,
}

impl NodeApi {
    /// Stores `welcomes`, at most 50 and at most 25 MiB per request. The first request is over before
    /// others begin, so a welcome that pointers lead to belongs at the front; beyond that there is no
    /// order. Sending the same bytes to the same topic again changes nothing.
    ///
    /// # Errors
    /// [`TransportError`]; some may have been stored.
    pub async fn send_welcome_messages(&self, welcomes: Vec<OutgoingWelcome>) -> Result<(), TransportError> {
        let mut requests = requests(welcomes)?.into_iter();
        let send = |request| async move { self.call::<()>(Method::SendWelcomeMessages, &request).await };
        if let Some(first) = requests.next() {
            send(first).await?;
        }
        stream::iter(requests.map(send))
            .buffer_unordered(PARALLEL)
            .try_collect()
            .await
    }

    /// One page of the welcomes on `topic` (usually the own installation) with ids above `after`.
    ///
    /// # Errors
    /// [`TransportError`].
    pub async fn query_welcome_messages(
        &self,
        topic: InstallationId,
        after: u64,
    ) -> Result<Page<WelcomeEnvelope>, TransportError> {
        let request = wire::QueryWelcomeMessagesRequest {
            installation_key: topic.to_vec(),
            paging_info: Some(ascending_from(after)),
        };
        let answer: wire::QueryWelcomeMessagesResponse =
            self.call(Method::QueryWelcomeMessages, &request).await?;
        let rows = answer.messages.len();
        let mut items = Vec::with_capacity(rows);
        for message in answer.messages {
            items.extend(envelope(message, topic)?);
        }
        let last = check_ascending(after, items.iter().map(|item: &WelcomeEnvelope| item.id))?;
        let next = next_cursor(
            rows,
            after,
            last,
            answer.paging_info.map(|paging| paging.id_cursor),
        )?;
        Ok(Page { items, next })
    }

    /// The welcomes on `topic` with ids above `after`: first those stored, then new ones as they come.
    /// Ids ascend; what does not is left out. A node that is overrun ends the stream without an error.
    ///
    /// # Errors
    /// [`TransportError`], if the stream does not open.
    pub async fn subscribe_welcome_messages(
        &self,
        topic: InstallationId,
        after: u64,
    ) -> Result<MessageStream<WelcomeEnvelope>, TransportError> {
        let request = wire::SubscribeWelcomeMessagesRequest {
            filters: vec![wire::subscribe_welcome_messages_request::Filter {
                installation_key: topic.to_vec(),
                id_cursor: after,
            }],
        };
        let mut last = after;
        self.subscribe(Method::SubscribeWelcomeMessages, &request, move |bytes| {
            let item = envelope(decode(bytes)?, topic)?.filter(|item| item.id > last);
            last = item.as_ref().map_or(last, |item| item.id);
            Ok(item)
        })
        .await
    }
}

/// `welcomes` cut into requests. libxmtp cuts by the size of the first one, which is the same while all
/// are alike; this also holds when they are not.
fn requests(welcomes: Vec<OutgoingWelcome>) -> Result<Vec<wire::SendWelcomeMessagesRequest>, TransportError> {
    let mut requests: Vec<wire::SendWelcomeMessagesRequest> = Vec::new();
    let mut filled = 0;
    for welcome in welcomes {
        let input = input(welcome);
        let bytes = input.encoded_len() + ENTRY_OVERHEAD;
        if bytes > MAX_MESSAGE_BYTES {
            return Err(TransportError::TooLarge { bytes });
        }
        match requests.last_mut() {
            Some(last)
                if last.messages.len() < WELCOMES_PER_REQUEST && filled + bytes <= MAX_MESSAGE_BYTES =>
            {
                last.messages.push(input);
                filled += bytes;
            }
            _ => {
                requests.push(wire::SendWelcomeMessagesRequest {
                    messages: vec![input],
                });
                filled = bytes;
            }
        }
    }
    Ok(requests)
}

fn input(welcome: OutgoingWelcome) -> wire::WelcomeMessageInput {
    use wire::welcome_message_input::{V1, Version, WelcomePointer};
    let installation_key = welcome.topic.to_vec();
    let hpke_public_key = welcome.hpke_public_key;
    let version = match welcome.body {
        WelcomeBody::V1 {
            data,
            wrapper_algorithm,
            welcome_metadata,
        } => Version::V1(V1 {
            installation_key,
            data,
            hpke_public_key,
            wrapper_algorithm,
            welcome_metadata,
        }),
        WelcomeBody::Pointer {
            welcome_pointer,
            wrapper_algorithm,
        } => Version::WelcomePointer(WelcomePointer {
            installation_key,
            welcome_pointer,
            hpke_public_key,
            wrapper_algorithm,
        }),
    };
    wire::WelcomeMessageInput {
        version: Some(version),
    }
}

/// The parsed welcome; `None` for a version this library does not know.
fn envelope(
    message: wire::WelcomeMessage,
    asked: InstallationId,
) -> Result<Option<WelcomeEnvelope>, TransportError> {
    use wire::welcome_message::Version;
    let (id, created_ns, topic, hpke_public_key, body) = match message.version {
        None => return Ok(None),
        Some(Version::V1(v1)) => {
            let body = WelcomeBody::V1 {
                data: v1.data,
                wrapper_algorithm: v1.wrapper_algorithm,
                welcome_metadata: v1.welcome_metadata,
            };
            (
                v1.id,
                v1.created_ns,
                v1.installation_key,
                v1.hpke_public_key,
                body,
            )
        }
        Some(Version::WelcomePointer(pointer)) => {
            let body = WelcomeBody::Pointer {
                welcome_pointer: pointer.welcome_pointer,
                wrapper_algorithm: pointer.wrapper_algorithm,
            };
            (
                pointer.id,
                pointer.created_ns,
                pointer.installation_key,
                pointer.hpke_public_key,
                body,
            )
        }
    };
    if topic != asked.as_bytes() {
        return Err(InvalidResponse::NotAskedFor.into());
    }
    Ok(Some(WelcomeEnvelope {
        id,
        created_ns,
        topic: asked,
        hpke_public_key,
        body,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::scripted::ScriptedTransport;

    const TOPIC: InstallationId = InstallationId::new([1; 32]);

    fn outgoing(bytes: usize) -> OutgoingWelcome {
        let body = WelcomeBody::V1 {
            data: vec![0; bytes],
            wrapper_algorithm: 1,
            welcome_metadata: vec![5],
        };
        OutgoingWelcome {
            topic: TOPIC,
            hpke_public_key: vec![2; 32],
            body,
        }
    }

    fn stored(id: u64, topic: [u8; 32]) -> wire::WelcomeMessage {
        let pointer = wire::welcome_message::WelcomePointer {
            id,
            created_ns: 3,
            installation_key: topic.to_vec(),
            welcome_pointer: vec![4],
            hpke_public_key: vec![6],
            wrapper_algorithm: 2,
        };
        wire::WelcomeMessage {
            version: Some(wire::welcome_message::Version::WelcomePointer(pointer)),
        }
    }

    #[test]
    fn welcomes_are_sent_by_fifty_or_twenty_five_mebibytes() {
        let counts = |welcomes: Vec<OutgoingWelcome>| -> Vec<usize> {
            requests(welcomes)
                .expect("fits")
                .iter()
                .map(|request| request.messages.len())
                .collect()
        };
        assert_eq!(counts(vec![outgoing(10); 101]), [50, 50, 1]);
        let large = MAX_MESSAGE_BYTES / 2;
        assert_eq!(
            counts(vec![
                outgoing(large),
                outgoing(10),
                outgoing(large),
                outgoing(large)
            ]),
            [2, 1, 1]
        );
        let full = requests(vec![outgoing(524_000); 51]).expect("fits");
        assert!(
            full.iter()
                .all(|request| request.encoded_len() <= MAX_MESSAGE_BYTES)
        );
        let refused = requests(vec![outgoing(MAX_MESSAGE_BYTES)]);
        assert!(matches!(refused, Err(TransportError::TooLarge { .. })));
    }

    #[test]
    fn all_requests_are_made_and_one_failure_fails_all() {
        let (node, api, machine) =
            ScriptedTransport::api([Ok(vec![]), Ok(vec![]), Err(TransportError::Cancelled)]);
        let result = machine.run(api.send_welcome_messages(vec![outgoing(1); 150]));
        assert_eq!(result, Err(TransportError::Cancelled));
        assert_eq!(node.methods(), [Method::SendWelcomeMessages; 3]);
        let sent: wire::SendWelcomeMessagesRequest = node.request(0);
        assert_eq!(sent.messages[0], input(outgoing(1)));
    }

    #[test]
    fn pointers_and_unknown_versions_are_told_apart() {
        let messages = vec![wire::WelcomeMessage { version: None }, stored(8, [1; 32])];
        let bytes = wire::QueryWelcomeMessagesResponse {
            messages,
            paging_info: None,
        }
        .encode_to_vec();
        let (node, api, machine) = ScriptedTransport::api([Ok(bytes)]);
        let page = machine.run(api.query_welcome_messages(TOPIC, 7)).expect("a page");
        let body = WelcomeBody::Pointer {
            welcome_pointer: vec![4],
            wrapper_algorithm: 2,
        };
        let expected = WelcomeEnvelope {
            id: 8,
            created_ns: 3,
            topic: TOPIC,
            hpke_public_key: vec![6],
            body,
        };
        assert_eq!(
            page,
            Page {
                items: vec![expected],
                next: None
            }
        );
        let asked: wire::QueryWelcomeMessagesRequest = node.request(0);
        assert_eq!(asked.paging_info, Some(ascending_from(7)));
    }

    #[test]
    fn welcomes_of_other_topics_are_invalid() {
        let messages = vec![stored(8, [2; 32])];
        let bytes = wire::QueryWelcomeMessagesResponse {
            messages,
            paging_info: None,
        }
        .encode_to_vec();
        let (_, api, machine) = ScriptedTransport::api([Ok(bytes)]);
        let result = machine.run(api.query_welcome_messages(TOPIC, 7));
        assert_eq!(result, Err(InvalidResponse::NotAskedFor.into()));
    }

    #[test]
    fn a_stream_gives_what_is_new_until_the_node_fails() {
        let (node, api, machine) = ScriptedTransport::api([]);
        let mut sent: Vec<_> = [7, 8, 8].map(|id| Ok(stored(id, [1; 32]).encode_to_vec())).into();
        sent.push(Err(TransportError::Unreachable));
        sent.push(Ok(vec![]));
        node.push_stream(sent);
        let items: Vec<_> = machine.run(async {
            let stream = api.subscribe_welcome_messages(TOPIC, 7).await.expect("opens");
            stream.map_ok(|item| item.id).collect().await
        });
        assert_eq!(items, [Ok(8), Err(TransportError::Unreachable)]);
    }
}
