//! Files that a history server keeps for a while: how an archive gets from one installation to another.
//!
//! What lies there is encrypted with a key that the server never sees, and nothing it answers is believed: a file is
//! checked by whoever opens it.
//!
//! # Source
//! libxmtp: `POST {server}/upload` answers an id, and `GET {server}/files/{id}` the file.

use futures::future::LocalBoxFuture;

use super::{Endpoint, GrpcCode, InvalidResponse, TransportError};

/// The longest file that is fetched, bytes.
pub const MAX_FILE: usize = 128 << 20;
/// The longest answer to an upload, bytes.
const MAX_ANSWER: usize = 1 << 10;
/// The longest id of a file, characters.
const MAX_ID: usize = 256;

/// A way to call a web server that is no node.
pub trait Files: std::fmt::Debug {
    /// Posts `body`, or gets where there is none; answers the body of the answer, at most `limit` bytes.
    ///
    /// # Errors
    /// [`InvalidResponse::TooLong`]; [`from_http_status`] for a status that is no success; others of [`TransportError`].
    fn call(
        &self,
        url: String,
        body: Option<Vec<u8>>,
        limit: usize,
    ) -> LocalBoxFuture<'_, Result<Vec<u8>, TransportError>>;
}

/// Uploads a file; answers the address it can be fetched from.
///
/// # Errors
/// [`TransportError`].
pub async fn upload(files: &dyn Files, server_url: &str, file: Vec<u8>) -> Result<String, TransportError> {
    let server = Endpoint::new(server_url, None)?;
    let base = server.base();
    let answer = files
        .call(format!("{base}/upload"), Some(file), MAX_ANSWER)
        .await?;
    let id = std::str::from_utf8(&answer).map(str::trim).unwrap_or_default();
    let is_id = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if id.is_empty() || id.len() > MAX_ID || !id.bytes().all(is_id) {
        return Err(InvalidResponse::MalformedId("the id of a file").into());
    }
    Ok(format!("{base}/files/{id}"))
}

/// Fetches a file, at most [`MAX_FILE`] bytes.
///
/// # Errors
/// [`TransportError`].
pub async fn download(files: &dyn Files, url: &str) -> Result<Vec<u8>, TransportError> {
    let at = Endpoint::new(url, None)?;
    files.call(at.base().to_owned(), None, MAX_FILE).await
}

/// The error for a status that is no success. A file that is not there is no defect of the server.
#[must_use]
pub fn from_http_status(status: u16) -> TransportError {
    let code = match status {
        404 | 410 => GrpcCode::NotFound,
        413 => GrpcCode::OutOfRange,
        status => super::grpc_web::code_for_http_status(status),
    };
    TransportError::from_status(code, format!("HTTP status {status}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Coded as _;
    use futures::FutureExt as _;
    use std::cell::RefCell;

    /// An address, a body and the longest answer.
    type Asked = (String, Option<Vec<u8>>, usize);

    /// A server that answers one thing.
    #[derive(Debug, Default)]
    struct Server {
        answer: Vec<u8>,
        asked: RefCell<Vec<Asked>>,
    }

    impl Files for Server {
        fn call(
            &self,
            url: String,
            body: Option<Vec<u8>>,
            limit: usize,
        ) -> LocalBoxFuture<'_, Result<Vec<u8>, TransportError>> {
            self.asked.borrow_mut().push((url, body, limit));
            async { Ok(self.answer.clone()) }.boxed_local()
        }
    }

    fn answering(answer: &[u8]) -> Server {
        Server {
            answer: answer.to_vec(),
            ..Server::default()
        }
    }

    #[test]
    fn a_file_is_posted_and_fetched_where_released_clients_do() {
        let server = answering(b"abc-1\n");
        let url = upload(&server, "http://localhost:5558/", vec![1])
            .now_or_never()
            .expect("no waiting");
        assert_eq!(url.as_deref(), Ok("http://localhost:5558/files/abc-1"));
        let file = download(&server, "http://localhost:5558/files/abc-1")
            .now_or_never()
            .expect("no waiting");
        assert_eq!(file, Ok(b"abc-1\n".to_vec()));
        assert_eq!(
            server.asked.into_inner(),
            [
                (
                    "http://localhost:5558/upload".to_owned(),
                    Some(vec![1]),
                    MAX_ANSWER
                ),
                ("http://localhost:5558/files/abc-1".to_owned(), None, MAX_FILE),
            ]
        );
    }

    #[test]
    fn an_answer_that_is_no_id_is_refused() {
        for answer in [&b""[..], b"../other", b"<html>", b"a b", &[0xff], &[b'a'; 257]] {
            let url = upload(&answering(answer), "https://files.example", vec![])
                .now_or_never()
                .expect("no waiting");
            assert!(
                matches!(url, Err(TransportError::InvalidResponse(_))),
                "{answer:?}"
            );
        }
    }

    #[test]
    fn addresses_that_are_none_are_not_called() {
        for url in ["file:///etc/passwd", "javascript:0", "http://", "history.example"] {
            let server = answering(b"x");
            let fetched = download(&server, url).now_or_never().expect("no waiting");
            assert!(
                matches!(fetched, Err(TransportError::InvalidEndpoint(_))),
                "{url}"
            );
            assert!(server.asked.borrow().is_empty());
        }
    }

    #[test]
    fn a_file_that_is_gone_is_not_asked_for_again() {
        assert!(!from_http_status(404).is_retryable());
        assert!(!from_http_status(413).is_retryable());
        assert!(from_http_status(503).is_retryable());
    }
}
