//! How often a call is tried and how long it may take.

use std::future::Future;
use std::time::Duration;

use futures::future::{Either, select};

use crate::error::Coded;
use crate::platform::Platform;

use super::TransportError;

/// When to try again. The default is libxmtp's, but slower after a rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often a call is repeated after its first attempt.
    pub retries: u32,
    /// The wait before the first repetition; each further wait is three times as long.
    pub first_wait: Duration,
    /// The wait before the first repetition if the node wants fewer requests.
    pub first_wait_if_limited: Duration,
    /// Up to this much is added to each wait by chance, so that clients do not come back all at once.
    pub jitter: Duration,
    /// No single wait is longer (before jitter).
    pub longest_wait: Duration,
    /// No wait is begun that would end later than this after the first attempt.
    pub total: Duration,
    /// How long one attempt may take.
    pub attempt: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries: 5,
            first_wait: Duration::from_millis(50),
            // 1, 3, 9, 27, 30 s: a node refills its buckets by the minute.
            first_wait_if_limited: Duration::from_secs(1),
            jitter: Duration::from_millis(25),
            longest_wait: Duration::from_secs(30),
            total: Duration::from_secs(120),
            attempt: Duration::from_secs(120),
        }
    }
}

impl RetryPolicy {
    /// The wait before repetition `number` (from 0) after `error`, without jitter.
    pub(super) fn wait(&self, number: u32, error: &TransportError) -> Duration {
        let first = match error {
            TransportError::RateLimited { .. } => self.first_wait_if_limited,
            _ => self.first_wait,
        };
        first
            .saturating_mul(3u32.saturating_pow(number))
            .min(self.longest_wait)
    }
}

/// Runs `attempt` until it succeeds, fails for good, or `policy` is used up, and gives its last result.
///
/// Repeating is safe for every call of this library: nodes drop what they have (messages, welcomes, key
/// packages) or refuse it (identity updates: after a lost answer the second attempt is
/// [`Rejected`](TransportError::Rejected), so ask the log before believing that). Never used to open
/// streams: who subscribes decides when and from where to do so again.
///
/// # Errors
/// The error of the last attempt.
pub async fn with_retry<T, F>(
    platform: &dyn Platform,
    policy: &RetryPolicy,
    mut attempt: impl FnMut() -> F,
) -> Result<T, TransportError>
where
    F: Future<Output = Result<T, TransportError>>,
{
    let began = platform.now_ns();
    let mut number = 0;
    loop {
        let error = match with_timeout(platform, policy.attempt, attempt()).await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        if number >= policy.retries || !error.is_retryable() {
            return Err(error);
        }
        let wait = policy.wait(number, &error) + chance(platform, policy.jitter);
        let passed = Duration::from_nanos(platform.now_ns().saturating_sub(began));
        if passed + wait > policy.total {
            return Err(error);
        }
        tracing::debug!(%error, number, ?wait, "trying again");
        platform.sleep(wait).await;
        number += 1;
    }
}

/// Waits for `future`, but no longer than `limit`; then it is dropped, which aborts the request.
///
/// # Errors
/// Those of `future`, or [`TransportError::Timeout`].
pub async fn with_timeout<T>(
    platform: &dyn Platform,
    limit: Duration,
    future: impl Future<Output = Result<T, TransportError>>,
) -> Result<T, TransportError> {
    let future = std::pin::pin!(future);
    match select(future, platform.sleep(limit)).await {
        Either::Left((result, _)) => result,
        Either::Right(((), _)) => Err(TransportError::Timeout),
    }
}

/// A random duration below `limit`.
fn chance(platform: &dyn Platform, limit: Duration) -> Duration {
    let mut bytes = [0u8; 4];
    platform.random(&mut bytes);
    // A fraction of 2^32.
    limit.mul_f64(f64::from(u32::from_be_bytes(bytes)) / 4_294_967_296.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::manual::ManualPlatform;
    use crate::transport::GrpcCode;
    use std::cell::Cell;

    /// Runs a call that always fails with `error`; gives the number of attempts and the time passed.
    fn failing(error: &TransportError) -> (u32, Duration) {
        let machine = ManualPlatform::new(0);
        let attempts = Cell::new(0);
        let result: Result<(), _> = machine.run(with_retry(&machine, &RetryPolicy::default(), || {
            attempts.set(attempts.get() + 1);
            let error = error.clone();
            async move { Err(error) }
        }));
        assert_eq!(result.as_ref(), Err(error));
        (attempts.get(), Duration::from_nanos(machine.now_ns()))
    }

    #[test]
    fn an_unreachable_node_is_tried_six_times() {
        let (attempts, passed) = failing(&TransportError::Unreachable);
        assert_eq!(attempts, 6);
        let waits = Duration::from_millis(50 + 150 + 450 + 1350 + 4050);
        assert!(
            passed >= waits && passed < waits + Duration::from_millis(5 * 25),
            "{passed:?}"
        );
    }

    #[test]
    fn a_rate_limit_is_waited_for_longer() {
        let limited = TransportError::RateLimited {
            message: String::new(),
        };
        let (attempts, passed) = failing(&limited);
        assert_eq!(attempts, 6);
        assert!(passed >= Duration::from_secs(1 + 3 + 9 + 27 + 30), "{passed:?}");
    }

    #[test]
    fn a_refused_request_is_not_sent_again() {
        let refused = TransportError::from_status(GrpcCode::InvalidArgument, "no".into());
        assert_eq!(failing(&refused), (1, Duration::ZERO));
    }

    #[test]
    fn a_node_that_never_answers_times_out() {
        let machine = ManualPlatform::new(0);
        let policy = RetryPolicy {
            attempt: Duration::from_secs(7),
            retries: 0,
            ..RetryPolicy::default()
        };
        let result: Result<(), _> = machine.run(with_retry(&machine, &policy, std::future::pending));
        assert_eq!(result, Err(TransportError::Timeout));
        assert_eq!(machine.now_ns(), 7_000_000_000);
    }

    #[test]
    fn no_wait_begins_that_ends_too_late() {
        let machine = ManualPlatform::new(0);
        let attempts = Cell::new(0);
        let policy = RetryPolicy {
            attempt: Duration::from_secs(50),
            ..RetryPolicy::default()
        };
        let result: Result<(), _> = machine.run(with_retry(&machine, &policy, || {
            attempts.set(attempts.get() + 1);
            std::future::pending()
        }));
        assert_eq!(result, Err(TransportError::Timeout));
        assert_eq!(attempts.get(), 3, "after 150 s there is no fourth");
    }

    #[test]
    fn success_after_failures_is_success() {
        let machine = ManualPlatform::new(0);
        let attempts = Cell::new(0);
        let result = machine.run(with_retry(&machine, &RetryPolicy::default(), || {
            attempts.set(attempts.get() + 1);
            let number = attempts.get();
            async move {
                if number < 3 {
                    Err(TransportError::Unreachable)
                } else {
                    Ok(number)
                }
            }
        }));
        assert_eq!(result, Ok(3));
    }
}
