//! A node for tests that answers what it was told to, and remembers what it was asked.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use futures::future::LocalBoxFuture;
use futures::{FutureExt, StreamExt, stream};
use prost::Message;

use crate::platform::manual::ManualPlatform;

use super::{ByteStream, Method, NodeApi, Transport, TransportError};

type Answer = Result<Vec<u8>, TransportError>;

#[derive(Debug, Default)]
pub(super) struct ScriptedTransport {
    answers: RefCell<VecDeque<Answer>>,
    streams: RefCell<VecDeque<Vec<Answer>>>,
    requests: RefCell<Vec<(Method, Vec<u8>)>>,
}

impl ScriptedTransport {
    /// A node that gives `answers` to unary calls, in this order, and an API on top of it.
    pub(super) fn api(answers: impl IntoIterator<Item = Answer>) -> (Rc<Self>, NodeApi, ManualPlatform) {
        let transport = Rc::new(Self {
            answers: RefCell::new(answers.into_iter().collect()),
            ..Self::default()
        });
        let machine = ManualPlatform::new(0);
        let api = NodeApi::new(transport.clone(), Rc::new(machine.clone()));
        (transport, api, machine)
    }

    /// The next subscription gives these answers and ends.
    pub(super) fn push_stream(&self, answers: impl IntoIterator<Item = Answer>) {
        self.streams.borrow_mut().push_back(answers.into_iter().collect());
    }

    /// Which calls were made.
    pub(super) fn methods(&self) -> Vec<Method> {
        self.requests.borrow().iter().map(|(method, _)| *method).collect()
    }

    /// What the call `number` asked.
    pub(super) fn request<R: Message + Default>(&self, number: usize) -> R {
        R::decode(self.requests.borrow()[number].1.as_slice()).expect("we encode what we decode")
    }
}

impl Transport for ScriptedTransport {
    fn unary(&self, method: Method, request: Vec<u8>) -> LocalBoxFuture<'_, Answer> {
        self.requests.borrow_mut().push((method, request));
        let answer = self
            .answers
            .borrow_mut()
            .pop_front()
            .unwrap_or(Err(TransportError::Cancelled));
        async move { answer }.boxed_local()
    }

    fn server_stream(
        &self,
        method: Method,
        request: Vec<u8>,
    ) -> LocalBoxFuture<'_, Result<ByteStream, TransportError>> {
        self.requests.borrow_mut().push((method, request));
        let answers = self.streams.borrow_mut().pop_front();
        async move { Ok(stream::iter(answers.ok_or(TransportError::Unreachable)?).boxed_local()) }
            .boxed_local()
    }
}
