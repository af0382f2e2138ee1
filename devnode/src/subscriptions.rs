//! New rows on their way to open streams.
//!
//! The store publishes each row while it still holds the connection, so every subscriber sees the rows of a key
//! in the order of their ids. A stream registers first, replays what is stored, and only then delivers what was
//! published meanwhile; a high-water mark per key drops what it already sent.

use crate::faults::StreamFaults;
use crate::machine;
use crate::rpc::{code_name, query_failed};
use crate::store::StoreError;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// Rows a slow reader may be behind before its stream is closed.
///
/// # Source
/// xmtp-node-go: buffer of a subscription.
const BUFFER: usize = 1024;

/// One row as published.
#[derive(Debug, Clone)]
pub(crate) struct Item<T> {
    key: Vec<u8>,
    id: u64,
    row: T,
}

/// The open subscriptions of one kind of rows.
#[derive(Debug)]
pub(crate) struct Hub<T>(Arc<Mutex<State<T>>>);

#[derive(Debug)]
struct State<T> {
    next: u64,
    closed: bool,
    subscribers: HashMap<u64, Subscriber<T>>,
}

#[derive(Debug)]
struct Subscriber<T> {
    keys: HashSet<Vec<u8>>,
    sender: mpsc::Sender<Item<T>>,
    overflowed: Arc<AtomicBool>,
}

/// Rows published since it was made, for the keys asked for. Ends its registration when dropped.
#[derive(Debug)]
pub(crate) struct Subscription<T> {
    hub: Arc<Mutex<State<T>>>,
    number: u64,
    receiver: mpsc::Receiver<Item<T>>,
    overflowed: Arc<AtomicBool>,
}

/// Why a subscription has no more rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The reader was more than the buffer behind.
    Overflow,
    /// The node stops.
    Shutdown,
}

impl<T> Default for Hub<T> {
    fn default() -> Self {
        let state = State {
            next: 0,
            closed: false,
            subscribers: HashMap::new(),
        };
        Self(Arc::new(Mutex::new(state)))
    }
}

impl<T: Clone> Hub<T> {
    /// Registers interest in `keys` from now on.
    pub(crate) fn subscribe(&self, keys: impl IntoIterator<Item = Vec<u8>>) -> Subscription<T> {
        let (sender, receiver) = mpsc::channel(BUFFER);
        let overflowed = Arc::new(AtomicBool::new(false));
        let mut state = lock(&self.0);
        let number = state.next;
        state.next += 1;
        if !state.closed {
            let keys = keys.into_iter().collect();
            let overflowed = Arc::clone(&overflowed);
            state.subscribers.insert(
                number,
                Subscriber {
                    keys,
                    sender,
                    overflowed,
                },
            );
        }
        Subscription {
            hub: Arc::clone(&self.0),
            number,
            receiver,
            overflowed,
        }
    }

    /// Hands a new row to everyone who asked for `key`. Never waits: who is too far behind is dropped.
    pub(crate) fn publish(&self, key: &[u8], id: u64, row: &T) {
        lock(&self.0).subscribers.retain(|_, subscriber| {
            if !subscriber.keys.contains(key) {
                return true;
            }
            let item = Item {
                key: key.to_vec(),
                id,
                row: row.clone(),
            };
            match subscriber.sender.try_send(item) {
                Ok(()) => true,
                Err(_) => {
                    subscriber.overflowed.store(true, Ordering::Release);
                    false
                }
            }
        });
    }

    /// Ends all subscriptions, also later ones.
    pub(crate) fn close(&self) {
        let mut state = lock(&self.0);
        state.closed = true;
        state.subscribers.clear();
    }
}

impl<T> Subscription<T> {
    async fn next(&mut self) -> Result<Item<T>, End> {
        match self.receiver.recv().await {
            Some(item) => Ok(item),
            None if self.overflowed.load(Ordering::Acquire) => Err(End::Overflow),
            None => Err(End::Shutdown),
        }
    }
}

impl<T> Drop for Subscription<T> {
    fn drop(&mut self) {
        lock(&self.hub).subscribers.remove(&self.number);
    }
}

fn lock<T>(state: &Mutex<State<T>>) -> std::sync::MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What makes up one stream.
pub(crate) struct Feed<T, F> {
    /// The call, for the log.
    pub(crate) method: &'static str,
    /// Registered before anything is read.
    pub(crate) subscription: Subscription<T>,
    /// Keys and the ids after which to replay; empty for a live-only stream.
    pub(crate) replay: Vec<(Vec<u8>, u64)>,
    /// Reads the next page of a key: ascending rows with an id above the given one; empty at the end.
    pub(crate) page: F,
    /// What a reader too far behind is told; `None` ends the stream with OK.
    pub(crate) too_slow: Option<Status>,
    /// Faults of this stream.
    pub(crate) faults: StreamFaults,
}

impl<T, F> Feed<T, F>
where
    T: Clone + Send + 'static,
    F: Fn(&[u8], u64) -> Result<Vec<(u64, T)>, StoreError> + Send + 'static,
{
    /// Starts the stream: history of every key, then live rows until the client leaves.
    pub(crate) fn start(self) -> ReceiverStream<Result<T, Status>> {
        let (sender, receiver) = mpsc::channel(1);
        machine::spawn(async move {
            let method = self.method;
            tracing::info!(method, keys = self.replay.len(), "stream open");
            let client = sender.clone();
            let mut output = Output {
                sender,
                faults: self.faults,
                sent: 0,
            };
            let left = tokio::select! {
                end = run(self.subscription, self.replay, self.page, &mut output) => Some(end),
                () = client.closed() => None,
            };
            let status = match left {
                None | Some(Err(Stop::Gone)) => None,
                Some(Err(Stop::Failed(status))) => Some(status),
                Some(Ok(End::Overflow)) => self.too_slow,
                Some(Ok(End::Shutdown)) => Some(Status::unavailable("service is shutting down")),
            };
            let code = status.as_ref().map_or("OK", |s| code_name(s.code()));
            tracing::info!(method, code, items = output.sent, "stream closed");
            if let Some(status) = status {
                // a client that left meanwhile needs no status
                let _ = output.sender.send(Err(status)).await;
            }
        });
        ReceiverStream::new(receiver)
    }
}

enum Stop {
    Gone,
    Failed(Status),
}

struct Output<T> {
    sender: mpsc::Sender<Result<T, Status>>,
    faults: StreamFaults,
    sent: u64,
}

impl<T: Clone> Output<T> {
    async fn send(&mut self, row: T) -> Result<(), Stop> {
        if let Some(cut) = self.faults.cut(self.sent) {
            return Err(Stop::Failed(cut));
        }
        for _ in 0..self.faults.copies(self.sent) {
            self.sender.send(Ok(row.clone())).await.map_err(|_| Stop::Gone)?;
        }
        self.sent += 1;
        match self.faults.cut(self.sent) {
            Some(cut) => Err(Stop::Failed(cut)),
            None => Ok(()),
        }
    }
}

async fn run<T: Clone, F>(
    mut subscription: Subscription<T>,
    replay: Vec<(Vec<u8>, u64)>,
    page: F,
    output: &mut Output<T>,
) -> Result<End, Stop>
where
    F: Fn(&[u8], u64) -> Result<Vec<(u64, T)>, StoreError>,
{
    if let Some(cut) = output.faults.cut(0) {
        return Err(Stop::Failed(cut));
    }
    let mut sent: HashMap<Vec<u8>, u64> = HashMap::new();
    for (key, mut cursor) in replay {
        loop {
            let rows = page(&key, cursor).map_err(|e| Stop::Failed(query_failed(e)))?;
            if rows.is_empty() {
                break;
            }
            for (id, row) in rows {
                cursor = id;
                if is_new(&mut sent, &key, id) {
                    output.send(row).await?;
                }
            }
        }
    }
    loop {
        match subscription.next().await {
            Err(end) => return Ok(end),
            Ok(Item { key, id, row }) => {
                if is_new(&mut sent, &key, id) {
                    output.send(row).await?;
                }
            }
        }
    }
}

/// Whether `id` is above everything sent for `key`; if so it becomes the mark.
fn is_new(sent: &mut HashMap<Vec<u8>, u64>, key: &[u8], id: u64) -> bool {
    let mark = sent.entry(key.to_vec()).or_default();
    let new = id > *mark;
    if new {
        *mark = id;
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_stream::StreamExt;
    use tonic::Code;

    type Page = fn(&[u8], u64) -> Result<Vec<(u64, u64)>, StoreError>;

    fn feed(hub: &Hub<u64>, too_slow: Option<Status>, page: Page) -> Feed<u64, Page> {
        Feed {
            method: "Test",
            subscription: hub.subscribe([b"a".to_vec()]),
            replay: vec![(b"a".to_vec(), 0)],
            page,
            too_slow,
            faults: StreamFaults::default(),
        }
    }

    const NOTHING: Page = |_, _| Ok(Vec::new());

    #[tokio::test]
    async fn rows_both_replayed_and_live_are_sent_once() {
        let hub = Hub::default();
        let feed = feed(&hub, None, |_, cursor| {
            Ok((cursor + 1..=3).map(|id| (id, id)).collect())
        });
        for id in 2..=5 {
            hub.publish(b"a", id, &id);
            hub.publish(b"b", id + 100, &0);
        }
        let stream = feed.start();
        let got: Vec<u64> = stream.take(5).map(|r| r.expect("a row")).collect().await;
        assert_eq!(got, [1, 2, 3, 4, 5]);
    }

    #[tokio::test]
    async fn a_reader_too_far_behind_gets_what_was_buffered_and_then_the_status() {
        for status in [Some(Status::aborted("slow")), None] {
            let hub = Hub::default();
            let feed = feed(&hub, status.clone(), NOTHING);
            for id in 1..=BUFFER as u64 + 1 {
                hub.publish(b"a", id, &id);
            }
            let got: Vec<_> = feed.start().collect().await;
            let rows = got.iter().filter(|r| r.is_ok()).count();
            assert_eq!(rows, BUFFER);
            let code = got.last().and_then(|r| r.as_ref().err()).map(Status::code);
            assert_eq!(code, status.map(|_| Code::Aborted));
        }
    }

    #[tokio::test]
    async fn closing_the_hub_ends_streams_and_refuses_new_ones() {
        let hub = Hub::default();
        let mut stream = feed(&hub, None, NOTHING).start();
        hub.close();
        let end = stream.next().await.expect("a status").expect_err("no row");
        assert_eq!(
            (end.code(), end.message()),
            (Code::Unavailable, "service is shutting down")
        );
        let mut late = feed(&hub, None, NOTHING).start();
        assert!(late.next().await.is_some_and(|r| r.is_err()));
    }

    #[tokio::test]
    async fn a_dropped_stream_ends_its_registration() {
        let hub: Hub<u64> = Hub::default();
        let subscription = hub.subscribe([b"a".to_vec()]);
        assert_eq!(lock(&hub.0).subscribers.len(), 1);
        drop(subscription);
        assert!(lock(&hub.0).subscribers.is_empty());
    }
}
