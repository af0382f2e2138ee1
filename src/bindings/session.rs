//! The open client that all objects of a page share.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;

use futures::future::{Either, select};
use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;

use super::database::Database;
use super::error::EdgeError;
use crate::client::{self, ClientError};

/// A client and its database. Closing takes both away, whoever still holds objects of it.
#[derive(Debug)]
pub(super) struct Session {
    client: RefCell<Option<client::Client>>,
    database: RefCell<Option<Database>>,
}

impl Session {
    pub(super) fn new(client: client::Client, database: Database) -> Rc<Self> {
        Rc::new(Self {
            client: RefCell::new(Some(client)),
            database: RefCell::new(Some(database)),
        })
    }

    /// The client, for use before the next wait.
    pub(super) fn client(&self) -> Result<client::Client, EdgeError> {
        Ok(self.client.borrow().clone().ok_or(ClientError::Closed)?)
    }

    /// Runs a call that waits. It holds no borrow of the JavaScript object it was made on, and fails with
    /// `client.closed` as soon as the client is closed.
    pub(super) fn call<F>(self: &Rc<Self>, body: impl FnOnce(client::Client) -> F + 'static) -> Promise
    where
        F: Future<Output = Result<JsValue, EdgeError>> + 'static,
    {
        let session = Rc::clone(self);
        future_to_promise(async move {
            let client = session.client()?;
            let closed = client.until_closed();
            match select(pin!(body(client)), pin!(closed)).await {
                Either::Left((answer, _)) => Ok(answer?),
                Either::Right(((), _)) => Err(EdgeError::from(ClientError::Closed).into()),
            }
        })
    }

    /// Ends streams and calls, and gives the database's files back. Does nothing the second time.
    pub(super) async fn close(&self) -> Result<(), EdgeError> {
        if let Some(client) = self.client.take() {
            client.close();
        }
        match self.database.take() {
            Some(database) => database.release().await,
            None => Ok(()),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Nobody can ask for anything any more: the live connection must not keep the database open.
        if let Some(client) = self.client.take() {
            client.close();
        }
    }
}
