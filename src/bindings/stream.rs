//! Streams: what happens in a client, handed to callbacks.

use std::cell::RefCell;
use std::rc::Rc;

use futures::channel::oneshot;
use futures::future::{Either, select};
use futures::{FutureExt as _, StreamExt as _};
use js_sys::Function;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

use super::convert;
use super::error::EdgeError;
use super::session::Session;
use crate::client::{Client, ClientError, ConnectionState, Event};

/// An open stream. It lives until [`end`](Self::end) or until the client is closed, whether or not this
/// object or the one it came from still exists.
#[wasm_bindgen]
#[derive(Debug)]
pub struct StreamHandle {
    inner: RefCell<Option<oneshot::Sender<()>>>,
}

#[wasm_bindgen]
impl StreamHandle {
    /// Stops the stream. No callback is called afterwards, `onEnd` neither.
    pub fn end(&self) {
        if let Some(stop) = self.inner.take() {
            // A stream that has ended by itself is not there to hear it.
            let _ = stop.send(());
        }
    }
}

/// The functions a stream calls.
pub(super) struct Callbacks {
    on_item: Function,
    on_error: Option<Function>,
    on_end: Option<Function>,
}

impl Callbacks {
    /// The three of a stream of things.
    pub(super) fn read(on_item: &JsValue, on_error: &JsValue, on_end: &JsValue) -> Result<Self, EdgeError> {
        Ok(Self {
            on_item: convert::function("onItem", on_item)?,
            on_error: Some(convert::function("onError", on_error)?),
            on_end: Some(convert::function("onEnd", on_end)?),
        })
    }

    /// The one of a stream of states.
    pub(super) fn state_only(on_state: &JsValue) -> Result<Self, EdgeError> {
        Ok(Self {
            on_item: convert::function("onState", on_state)?,
            on_error: None,
            on_end: None,
        })
    }

    fn item(&self, item: Result<JsValue, EdgeError>) {
        let failed = match item {
            Ok(item) => self.on_item.call1(&JsValue::UNDEFINED, &item).err(),
            Err(error) => Some(error.into()),
        };
        if let (Some(error), Some(on_error)) = (failed, &self.on_error) {
            // Nobody is left to tell that the teller of errors failed.
            let _ = on_error.call1(&JsValue::UNDEFINED, &error);
        }
    }

    fn end(&self) {
        if let Some(on_end) = &self.on_end {
            let _ = on_end.call0(&JsValue::UNDEFINED);
        }
    }
}

/// Opens a stream of what `read` makes of events; `None` leaves one out.
pub(super) fn open(
    session: &Rc<Session>,
    callbacks: Callbacks,
    read: impl Fn(&Client, &Event) -> Result<Option<JsValue>, EdgeError> + 'static,
) -> Result<StreamHandle, EdgeError> {
    open_while(session, callbacks, futures::future::pending(), read)
}

/// The same as long as `work` goes on; its failure is the last error of the stream.
pub(super) fn open_while(
    session: &Rc<Session>,
    callbacks: Callbacks,
    work: impl Future<Output = Result<(), ClientError>> + 'static,
    read: impl Fn(&Client, &Event) -> Result<Option<JsValue>, EdgeError> + 'static,
) -> Result<StreamHandle, EdgeError> {
    let client = session.client()?;
    let mut events = client.events()?;
    let (stop, stopped) = oneshot::channel::<()>();
    // A handle that was collected does not end its stream.
    let mut stopped = stopped
        .then(|told| async move {
            if told.is_err() {
                futures::future::pending::<()>().await;
            }
        })
        .boxed_local();
    let mut work = work.boxed_local();
    spawn_local(async move {
        loop {
            let happened = select(events.next(), &mut work);
            let event = match select(happened, &mut stopped).await {
                Either::Left((Either::Left((event, _)), _)) => event,
                Either::Left((Either::Right((ended, _)), _)) => {
                    if let Err(error) = ended {
                        callbacks.item(Err(error.into()));
                    }
                    break;
                }
                Either::Right(((), _)) => return,
            };
            let Some(event) = event else { break };
            if let Some(item) = read(&client, &event).transpose() {
                callbacks.item(item);
            }
        }
        if client.is_revoked() {
            let installation_id = client.installation_id();
            callbacks.item(Err(ClientError::InstallationRevoked { installation_id }.into()));
        }
        drop(client);
        callbacks.end();
    });
    Ok(StreamHandle {
        inner: RefCell::new(Some(stop)),
    })
}

/// The name of a state.
pub(super) const fn connection(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::Idle => "idle",
        ConnectionState::Connecting => "connecting",
        ConnectionState::Connected => "connected",
        ConnectionState::Reconnecting => "reconnecting",
    }
}
