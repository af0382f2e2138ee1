//! The operating system, through tokio.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::FutureExt;
use futures::future::LocalBoxFuture;

use super::Platform;

/// The machine of a native process. Needs a tokio runtime with timers, and a `LocalSet` to spawn on.
#[derive(Debug, Clone, Copy, Default)]
pub struct NativePlatform;

impl Platform for NativePlatform {
    fn now_ns(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed_local()
    }

    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        tokio::task::spawn_local(task);
    }

    fn random(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system provides randomness");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn time_is_this_century_and_randomness_differs() {
        let platform = NativePlatform;
        assert!(platform.now_ns() > 1_600_000_000_000_000_000);
        platform.sleep(Duration::from_millis(1)).await;
        let (mut a, mut b) = ([0u8; 32], [0u8; 32]);
        platform.random(&mut a);
        platform.random(&mut b);
        assert_ne!(a, b);
    }

    #[tokio::test]
    async fn a_spawned_task_runs() {
        let (sender, receiver) = futures::channel::oneshot::channel();
        tokio::task::LocalSet::new()
            .run_until(async move {
                NativePlatform.spawn(
                    async move {
                        let _ = sender.send(7);
                    }
                    .boxed_local(),
                );
                assert_eq!(receiver.await, Ok(7));
            })
            .await;
    }
}
