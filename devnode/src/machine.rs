//! What the node needs from the machine it runs on, which is a process or, as wasm, a worker: time, timers, tasks.

pub(crate) use here::{now_ns, spawn};

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A timer that runs from its making on.
pub(crate) type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Waits.
pub(crate) fn sleep(duration: Duration) -> Sleep {
    Box::pin(here::sleep(duration))
}

#[cfg(not(target_arch = "wasm32"))]
mod here {
    use std::future::Future;
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    /// Nanoseconds since the Unix epoch.
    pub(crate) fn now_ns() -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Runs a task beside everything else.
    pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(task);
    }

    pub(super) fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(duration)
    }
}

#[cfg(target_arch = "wasm32")]
mod here {
    use std::future::Future;
    use std::time::Duration;
    use tokio::sync::oneshot;
    use xmtp_web::platform::{Platform, web::WebPlatform};

    /// Nanoseconds since the Unix epoch.
    pub(crate) fn now_ns() -> u64 {
        WebPlatform.now_ns()
    }

    /// Runs a task beside everything else.
    pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        WebPlatform.spawn(Box::pin(task));
    }

    /// The timer is one of a JavaScript task, since tonic asks for futures that could move to another thread.
    pub(super) fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
        let (sender, receiver) = oneshot::channel();
        WebPlatform.spawn(Box::pin(async move {
            WebPlatform.sleep(duration).await;
            // nobody waits for a call that was given up
            let _ = sender.send(());
        }));
        async move {
            let _ = receiver.await;
        }
    }
}
