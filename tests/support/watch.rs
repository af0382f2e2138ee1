//! Somebody who watches what happens.

use futures::StreamExt as _;
use xmtp_web::client::{Client, ConnectionState, Event, EventStream};
use xmtp_web::ids::{GroupId, MessageId};

/// An event stream, and everything that came out of it.
pub(crate) struct Watch {
    stream: EventStream,
    pub(crate) seen: Vec<Event>,
}

impl Watch {
    pub(crate) fn new(stream: EventStream) -> Self {
        Self {
            stream,
            seen: Vec::new(),
        }
    }

    /// The next event; `None` when the client was closed.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        let event = self.stream.next().await?;
        self.seen.push(event.clone());
        Some(event)
    }

    /// Waits for an event.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = self.next().await.expect("the client stays open");
            if wanted(&event) {
                return event;
            }
        }
    }

    /// Takes what has been told already.
    pub(crate) fn drain(&mut self) {
        use futures::FutureExt as _;
        while let Some(Some(event)) = self.stream.next().now_or_never() {
            self.seen.push(event);
        }
    }

    pub(crate) async fn connected(&mut self, client: &Client) {
        if client.connection_state() != ConnectionState::Connected {
            self.until(|event| *event == Event::Connection(ConnectionState::Connected))
                .await;
        }
    }

    pub(crate) async fn conversation(&mut self) -> GroupId {
        match self.until(|event| matches!(event, Event::Conversation(_))).await {
            Event::Conversation(id) => id,
            other => panic!("{other:?}"),
        }
    }

    /// Waits for a message.
    pub(crate) async fn message(&mut self, wanted: MessageId) {
        if !self.messages().contains(&wanted) {
            self.until(|event| matches!(event, Event::Message { id, .. } if *id == wanted))
                .await;
        }
    }

    /// The messages told so far, in order.
    pub(crate) fn messages(&self) -> Vec<MessageId> {
        self.seen
            .iter()
            .filter_map(|event| match event {
                Event::Message { id, .. } => Some(*id),
                _ => None,
            })
            .collect()
    }

    /// How often a message was told.
    pub(crate) fn count(&self, wanted: MessageId) -> usize {
        self.messages().into_iter().filter(|id| *id == wanted).count()
    }
}
