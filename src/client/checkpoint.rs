//! Emptying the database's write-ahead log when nothing was written for a while: until then it holds what was deleted,
//! keys of messages that were read among it.

use std::rc::Weak;
use std::time::Duration;

use futures::channel::mpsc;
use futures::{FutureExt as _, StreamExt as _};

use super::{ClientError, Inner};
use crate::storage::Store;

/// For how long at least nothing must have been written: emptying costs as much as some messages do, which would wait for it.
const QUIET: Duration = Duration::from_secs(1);

/// Tells of commits; of several that nobody has looked at only once.
pub(super) fn commits_of(store: &mut Store) -> Result<mpsc::Receiver<()>, ClientError> {
    let (mut sender, receiver) = mpsc::channel(0);
    store.on_commit(move || {
        // A full channel has told already; a closed one is a client that is going.
        let _ = sender.try_send(());
    })?;
    Ok(receiver)
}

/// Empties the log each time when it is quiet after something was written, until the client is closed or gone. Closing
/// the database empties it too.
pub(super) async fn when_quiet(weak: Weak<Inner>, mut written: mpsc::Receiver<()>) {
    let Some(inner) = weak.upgrade() else { return };
    // Neither this nor a pause holds the client: closing it must give the database back at once.
    let mut closed = Box::pin(inner.closing.wait()).fuse();
    drop(inner);
    loop {
        futures::select! {
            told = written.next() => if told.is_none() { return },
            () = closed => return,
        }
        // One timer, however much is written.
        loop {
            let Some(inner) = weak.upgrade() else { return };
            let mut pause = inner.platform.sleep(QUIET).fuse();
            drop(inner);
            futures::select! {
                () = pause => {}
                () = closed => return,
            }
            if written.try_recv().is_err() {
                break;
            }
        }
        let Some(inner) = weak.upgrade() else { return };
        if let Err(error) = inner.store.checkpoint() {
            tracing::warn!(%error, "the write-ahead log could not be emptied yet");
        }
    }
}
