//! A history server in memory, which can be away or silent.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, pending, ready};
use tokio::sync::Notify;
use xmtp_web::transport::files::{Files, from_http_status};
use xmtp_web::transport::{InvalidResponse, TransportError};

/// Files by their addresses.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    pub(crate) files: RefCell<BTreeMap<String, Vec<u8>>>,
    pub(crate) is_away: Cell<bool>,
    /// It takes calls and never answers.
    pub(crate) is_silent: Cell<bool>,
    pub(crate) asked: Cell<u32>,
    was_asked: Notify,
}

impl Shelf {
    /// Waits until it was asked this often.
    pub(crate) async fn until_asked(&self, times: u32) {
        while self.asked.get() < times {
            self.was_asked.notified().await;
        }
    }

    fn answer(&self, url: &str, body: Option<Vec<u8>>, limit: usize) -> Result<Vec<u8>, TransportError> {
        if self.is_away.get() {
            return Err(TransportError::Unreachable);
        }
        let mut files = self.files.borrow_mut();
        match (url.strip_suffix("/upload"), body) {
            (Some(base), Some(body)) => {
                let id = format!("file-{}", files.len());
                files.insert(format!("{base}/files/{id}"), body);
                Ok(id.into_bytes())
            }
            (None, None) => match files.get(url) {
                Some(file) if file.len() <= limit => Ok(file.clone()),
                Some(_) => Err(InvalidResponse::TooLong.into()),
                None => Err(from_http_status(404)),
            },
            _ => Err(from_http_status(405)),
        }
    }
}

impl Files for Shelf {
    fn call(
        &self,
        url: String,
        body: Option<Vec<u8>>,
        limit: usize,
    ) -> LocalBoxFuture<'_, Result<Vec<u8>, TransportError>> {
        self.asked.set(self.asked.get() + 1);
        self.was_asked.notify_one();
        if self.is_silent.get() {
            return pending().boxed_local();
        }
        let answer = self.answer(&url, body, limit);
        ready(answer).boxed_local()
    }
}
