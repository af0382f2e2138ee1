//! How often each call is made: each attempt, as a node would count them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use futures::future::LocalBoxFuture;

use super::{ByteStream, Method, Transport, TransportError};

/// The counts of a [`CountingTransport`]. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct CallCounts(Rc<RefCell<HashMap<Method, u64>>>);

impl CallCounts {
    /// Every call that was made since the beginning or since [`clear`](Self::clear), with how often; in no order.
    #[must_use]
    pub fn all(&self) -> Vec<(Method, u64)> {
        self.0
            .borrow()
            .iter()
            .map(|(method, count)| (*method, *count))
            .collect()
    }

    /// Begins anew.
    pub fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    fn count(&self, method: Method) {
        *self.0.borrow_mut().entry(method).or_default() += 1;
    }
}

/// A transport that counts what it is asked, failures too.
#[derive(Debug)]
pub struct CountingTransport<T> {
    inner: T,
    counts: CallCounts,
}

impl<T: Transport> CountingTransport<T> {
    /// Counts what `inner` is asked.
    pub fn new(inner: T, counts: CallCounts) -> Self {
        Self { inner, counts }
    }
}

impl<T: Transport> Transport for CountingTransport<T> {
    fn unary(&self, method: Method, request: Vec<u8>) -> LocalBoxFuture<'_, Result<Vec<u8>, TransportError>> {
        self.counts.count(method);
        self.inner.unary(method, request)
    }

    fn server_stream(
        &self,
        method: Method,
        request: Vec<u8>,
    ) -> LocalBoxFuture<'_, Result<ByteStream, TransportError>> {
        self.counts.count(method);
        self.inner.server_stream(method, request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::scripted::ScriptedTransport;
    use futures::FutureExt;

    #[test]
    fn attempts_are_counted_whatever_becomes_of_them_until_it_begins_anew() {
        let counts = CallCounts::default();
        let transport = CountingTransport::new(ScriptedTransport::default(), counts.clone());
        for _ in 0..2 {
            let failed = transport.unary(Method::InboxIds, Vec::new()).now_or_never();
            assert!(matches!(failed, Some(Err(_))));
        }
        let failed = transport
            .server_stream(Method::SubscribeGroupMessages, Vec::new())
            .now_or_never();
        assert!(matches!(failed, Some(Err(_))));
        let mut all = counts.all();
        all.sort_by_key(|(method, _)| method.name());
        assert_eq!(all, [(Method::InboxIds, 2), (Method::SubscribeGroupMessages, 1)]);
        counts.clear();
        assert_eq!(counts.all(), []);
    }
}
