//! What a browser needs beside the calls: CORS, readiness, the history server, and the fault endpoint when it was asked
//! for.

use crate::faults::Faults;
use crate::files::{Files, LARGEST_FILE};
use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tonic::body::Body;
use tower::{Layer, Service};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Request headers a browser may send.
///
/// # Source
/// libxmtp `dev/docker/envoy.yaml`.
const ALLOWED_HEADERS: [&str; 12] = [
    "keep-alive",
    "user-agent",
    "cache-control",
    "content-type",
    "content-transfer-encoding",
    "x-accept-content-transfer-encoding",
    "x-accept-response-streaming",
    "x-user-agent",
    "x-grpc-web",
    "grpc-timeout",
    "x-libxmtp-version",
    "x-app-version",
];

/// Answer headers a page may read (same source).
const EXPOSED_HEADERS: [&str; 3] = ["grpc-status", "grpc-message", "grpc-status-details-bin"];

/// How long a browser may remember a preflight (same source).
const MAX_AGE: Duration = Duration::from_secs(1_728_000);

/// The largest fault rules taken, in bytes.
const LARGEST_RULES: usize = 64 * 1024;

/// The CORS answers of the local proxy that peers know.
pub(crate) fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_methods([
            Method::GET,
            Method::PUT,
            Method::DELETE,
            Method::POST,
            Method::OPTIONS,
        ])
        .allow_headers(ALLOWED_HEADERS.map(HeaderName::from_static))
        .expose_headers(EXPOSED_HEADERS.map(HeaderName::from_static))
        .max_age(MAX_AGE)
}

/// Answers `GET /healthz`, `POST /upload` and `GET /files/…`, and `/faults` if there is a switchboard to show; passes on everything else.
#[derive(Debug, Clone)]
pub(crate) struct EdgeLayer {
    /// `None`: `/faults` does not exist.
    pub(crate) faults: Option<Faults>,
    /// The history server.
    pub(crate) files: Files,
}

/// A service behind [`EdgeLayer`].
#[derive(Debug, Clone)]
pub(crate) struct Edge<S> {
    inner: S,
    faults: Option<Faults>,
    files: Files,
}

impl<S> Layer<S> for EdgeLayer {
    type Service = Edge<S>;
    fn layer(&self, inner: S) -> Self::Service {
        Edge {
            inner,
            faults: self.faults.clone(),
            files: self.files.clone(),
        }
    }
}

impl<S> Service<Request<Body>> for Edge<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match request.uri().path() {
            "/healthz" => {
                let ready = matches!(*request.method(), Method::GET | Method::HEAD);
                let answer = if ready {
                    plain(StatusCode::OK, "ok\n")
                } else {
                    wrong_method()
                };
                Box::pin(async move { Ok(answer) })
            }
            "/faults" => {
                let faults = self.faults.clone();
                Box::pin(async move {
                    match faults {
                        Some(faults) => Ok(fault_endpoint(&faults, request).await),
                        None => Ok(plain(StatusCode::NOT_FOUND, "start the node with --faults\n")),
                    }
                })
            }
            "/upload" => {
                let files = self.files.clone();
                Box::pin(async move { Ok(upload(&files, request).await) })
            }
            path => match path.strip_prefix("/files/") {
                Some(id) => {
                    let answer = match *request.method() {
                        Method::GET => fetch(&self.files, id),
                        _ => wrong_method(),
                    };
                    Box::pin(async move { Ok(answer) })
                }
                None => Box::pin(self.inner.call(request)),
            },
        }
    }
}

async fn fault_endpoint(faults: &Faults, request: Request<Body>) -> Response<Body> {
    match *request.method() {
        Method::GET => {}
        Method::DELETE => faults.clear(),
        Method::POST => {
            let Ok(body) = Limited::new(request.into_body(), LARGEST_RULES).collect().await else {
                return plain(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "rules are too large or broken off\n",
                );
            };
            if let Err(error) = faults.add_json(&body.to_bytes()) {
                return plain(StatusCode::BAD_REQUEST, format!("{error}\n"));
            }
        }
        _ => return wrong_method(),
    }
    let mut answer = plain(StatusCode::OK, format!("{}\n", faults.to_json()));
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(http::header::CONTENT_TYPE, json);
    answer
}

/// Takes a file; answers its id.
async fn upload(files: &Files, request: Request<Body>) -> Response<Body> {
    if *request.method() != Method::POST {
        return wrong_method();
    }
    match Limited::new(request.into_body(), LARGEST_FILE).collect().await {
        Ok(body) => plain(StatusCode::OK, files.keep(body.to_bytes())),
        Err(_) => plain(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the file is too large or broken off\n",
        ),
    }
}

fn fetch(files: &Files, id: &str) -> Response<Body> {
    let Some(file) = files.get(id) else {
        return plain(StatusCode::NOT_FOUND, "no such file\n");
    };
    let mut response = Response::new(Body::new(Full::new(file)));
    let binary = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(http::header::CONTENT_TYPE, binary);
    response
}

fn wrong_method() -> Response<Body> {
    plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n")
}

fn plain(status: StatusCode, text: impl Into<bytes::Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(text.into())));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, plain);
    response
}
