//! The switchboard in the path of every call.

use super::{Faults, StreamFaults};
use crate::machine::{self, Sleep};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

/// A trailer with this name breaks the stream instead of ending it.
pub(crate) const CUT_MARK: &str = "x-devnode-cut";

/// The largest message a node takes, in bytes.
const LARGEST: &str = "52428800";

/// Puts [`Faults`] before a service.
#[derive(Debug, Clone)]
pub(crate) struct FaultLayer(pub(crate) Faults);

/// A service behind the switchboard.
#[derive(Debug, Clone)]
pub(crate) struct FaultService<S> {
    inner: S,
    faults: Faults,
}

/// The connection is broken on purpose.
#[derive(Debug, thiserror::Error)]
#[error("broken by a fault rule")]
struct Broken;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl<S> Layer<S> for FaultLayer {
    type Service = FaultService<S>;
    fn layer(&self, inner: S) -> Self::Service {
        FaultService {
            inner,
            faults: self.0.clone(),
        }
    }
}

impl<S> Service<Request<Body>> for FaultService<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(|never| match never {})
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let plan = self.faults.begin(request.uri().path());
        let spare = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, spare);
        Box::pin(async move {
            if !plan.delay.is_zero() {
                machine::sleep(plan.delay).await;
            }
            if plan.drop_request {
                return Err(Broken.into());
            }
            if let Some(status) = plan.status() {
                return Ok(status.into_http());
            }
            if plan.stream != StreamFaults::default() {
                request.extensions_mut().insert(plan.stream);
            }
            let mut response = match inner.call(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            if plan.drop_answer {
                return Err(Broken.into());
            }
            name_oversize(&mut response);
            if plan.stream.cut_after.is_some() {
                // a stream cut before its first item may come as headers only
                if response.headers().contains_key(CUT_MARK) {
                    return Err(Broken.into());
                }
                return Ok(response.map(|body| Body::new(CutBody { body, breaking: None })));
            }
            Ok(response)
        })
    }
}

/// Gives a message above the receive limit the code and text of the public node.
fn name_oversize(response: &mut Response<Body>) {
    let Some(status) = Status::from_header_map(response.headers()) else {
        return;
    };
    if status.code() == tonic::Code::OutOfRange && status.message().contains("message length too large") {
        let text = format!("grpc: received message larger than max ({LARGEST})");
        *response = Status::resource_exhausted(text).into_http();
    }
}

/// How long a stream stays open after its last item before it breaks: a reset overtakes bytes that are still
/// in a buffer, and the rule promises that its items are delivered.
const FLUSH: Duration = Duration::from_millis(30);

/// A body whose end is broken where [`CUT_MARK`] says so.
struct CutBody {
    body: Body,
    /// Runs once the mark was seen.
    breaking: Option<Sleep>,
}

impl HttpBody for CutBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.breaking.is_none() {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) if is_marked(&frame) => {
                    self.breaking = Some(machine::sleep(FLUSH));
                }
                frame => return frame.map_err(Into::into),
            }
        }
        match &mut self.breaking {
            Some(breaking) => breaking.as_mut().poll(cx).map(|()| Some(Err(Broken.into()))),
            None => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        false
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

fn is_marked(frame: &Frame<Bytes>) -> bool {
    frame
        .trailers_ref()
        .is_some_and(|trailers| trailers.contains_key(CUT_MARK))
}
