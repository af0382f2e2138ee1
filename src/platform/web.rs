//! A browser: the global functions that workers and windows share.

use std::time::Duration;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::LocalBoxFuture;
use wasm_bindgen::prelude::*;

use super::Platform;

/// The longest wait `setTimeout` can count, a signed 32-bit number of milliseconds (about 24 days).
const LONGEST_TIMEOUT: Duration = Duration::from_millis(i32::MAX as u64);

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &js_sys::Function, milliseconds: i32) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(id: &JsValue);
}

#[wasm_bindgen(module = "/src/platform/with_time.js")]
extern "C" {
    #[wasm_bindgen(js_name = withTime)]
    fn with_time(milliseconds: f64, call: &mut dyn FnMut());
}

/// See [`at_time`](super::at_time): `Date.now`, which every clock in wasm reads, answers this time.
pub(super) fn at_time<T>(unix_seconds: u64, call: impl FnOnce() -> T) -> T {
    let mut call = Some(call);
    let mut answer = None;
    with_time(unix_seconds as f64 * 1_000.0, &mut || {
        answer = call.take().map(|call| call());
    });
    answer.expect("the function calls what it is given once")
}

/// The machine of a worker or window.
#[derive(Debug, Clone, Copy, Default)]
pub struct WebPlatform;

impl Platform for WebPlatform {
    fn now_ns(&self) -> u64 {
        // Whole milliseconds below 2^53: exact in a float, and `as` saturates what is not a time at all.
        (js_sys::Date::now() as u64).saturating_mul(1_000_000)
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        async move {
            let mut left = duration;
            loop {
                let part = left.min(LONGEST_TIMEOUT);
                timeout(part).await;
                left -= part;
                if left.is_zero() {
                    return;
                }
            }
        }
        .boxed_local()
    }

    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        wasm_bindgen_futures::spawn_local(task);
    }

    fn random(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the browser provides randomness");
    }
}

/// Clears its timer when dropped. Owns the callback, so that nothing leaks when it never fires.
struct Timer {
    id: JsValue,
    _callback: Closure<dyn FnMut()>,
}

impl Drop for Timer {
    fn drop(&mut self) {
        clear_timeout(&self.id);
    }
}

/// One `setTimeout` of at most [`LONGEST_TIMEOUT`], rounded up to whole milliseconds.
async fn timeout(duration: Duration) {
    let (sender, receiver) = oneshot::channel::<()>();
    let callback = Closure::once(move || {
        let _ = sender.send(());
    });
    let milliseconds = duration.as_nanos().div_ceil(1_000_000);
    let id = set_timeout(
        callback.as_ref().unchecked_ref(),
        i32::try_from(milliseconds).unwrap_or(i32::MAX),
    );
    let _timer = Timer {
        id,
        _callback: callback,
    };
    // The sender lives in the callback, which lives until this future ends: it cannot be cancelled.
    let _ = receiver.await;
}
