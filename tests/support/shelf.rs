//! A history server in memory, which can be away.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use xmtp_web::transport::TransportError;
use xmtp_web::transport::files::{Files, from_http_status};

/// Files by their addresses.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    pub(crate) files: RefCell<BTreeMap<String, Vec<u8>>>,
    pub(crate) is_away: Cell<bool>,
    pub(crate) asked: Cell<u32>,
}

impl Shelf {
    fn answer(&self, url: &str, body: Option<Vec<u8>>, limit: usize) -> Result<Vec<u8>, TransportError> {
        self.asked.set(self.asked.get() + 1);
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
                Some(file) => Err(TransportError::TooLarge { bytes: file.len() }),
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
        let answer = self.answer(&url, body, limit);
        async move { answer }.boxed_local()
    }
}
