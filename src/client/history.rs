//! History of one installation for another: asking for it, answering, and taking it in.

use std::pin::pin;
use std::time::Duration;

use futures::future::select;

use super::device_sync::DeviceSync;
use super::{Client, ClientError, Inner};
use crate::error::Coded as _;
use crate::groups::Context;
use crate::ids::{GroupId, MessageId};
use crate::preferences::PreferenceError;
use crate::preferences::archive::{self, ArchiveKey, ArchiveMetadata, ArchiveOptions, Imported};
use crate::preferences::history::{self, AvailableArchive, SyncReply, SyncRequest, Task};
use crate::transport::files::{self, Files};
use crate::transport::{Endpoint, TransportError, with_timeout};

/// How long an upload or a download may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// A day, nanoseconds.
const DAY_NS: i64 = 24 * 60 * 60 * 1_000_000_000;
/// What pins are made of: 32 characters, so that 5 bits of chance are one.
const PIN_CHARACTERS: [u8; 32] = *b"abcdefghijkmnpqrstuvwxyz23456789";
/// How long a pin is, as in libxmtp.
const PIN_LENGTH: usize = 5;

impl Client {
    /// Asks the other installations for an archive, to be put on the server at `server_url`. They answer when they are
    /// online, and what they answer is taken in by itself.
    ///
    /// # Errors
    /// [`ClientError::NoOtherInstallation`], [`ClientError::NoDeviceSync`], [`ClientError::HistoryServer`] for an address
    /// that is none, [`ClientError::Transport`], [`ClientError::Group`].
    pub async fn send_sync_request(
        &self,
        options: &ArchiveOptions,
        server_url: &str,
    ) -> Result<(), ClientError> {
        let inner = self.ready()?;
        inner.files()?;
        Endpoint::new(server_url, None).map_err(ClientError::HistoryServer)?;
        self.inner.sync_welcomes().await?;
        let mut bytes = [0u8; PIN_LENGTH];
        inner.platform.random(&mut bytes);
        let pin = bytes.map(|byte| char::from(PIN_CHARACTERS[usize::from(byte % 32)]));
        let request = SyncRequest {
            pin: pin.iter().collect(),
            server_url: server_url.to_owned(),
            options: options.clone(),
        };
        inner
            .speak(|context, group_id| history::queue_request(context, group_id, &request))
            .await
    }

    /// Puts an archive on a server without having been asked, and tells the other installations of it under a `pin` of
    /// one's own.
    ///
    /// # Errors
    /// As [`send_sync_request`](Self::send_sync_request), and [`ClientError::HistoryServer`].
    pub async fn send_sync_archive(
        &self,
        pin: &str,
        options: &ArchiveOptions,
        server_url: &str,
    ) -> Result<(), ClientError> {
        let inner = self.ready()?;
        inner.files()?;
        self.inner.sync_welcomes().await?;
        let request = SyncRequest {
            pin: pin.to_owned(),
            server_url: server_url.to_owned(),
            options: options.clone(),
        };
        inner.answer(&request).await
    }

    /// Fetches an archive that was told of under `pin`, or the newest of all, and takes it in.
    ///
    /// # Errors
    /// [`ClientError::NoSuchArchive`], [`ClientError::HistoryServer`], [`ClientError::Transport`], and as [`import_archive`](Self::import_archive).
    pub async fn process_sync_archive(&self, pin: Option<&str>) -> Result<Imported, ClientError> {
        let inner = self.ready()?;
        let found = history::available(&inner.context())?;
        let archive = found
            .into_iter()
            .find(|archive| pin.is_none_or(|pin| archive.reply.pin == pin))
            .ok_or(ClientError::NoSuchArchive)?;
        // What one was added to meanwhile is better than a stub of it.
        self.inner.sync_welcomes().await?;
        inner.fetch(&archive.reply).await
    }

    /// The archives that own installations told of in the last days, the newest first. What they told is read by a sync
    /// of the device-sync groups.
    ///
    /// # Errors
    /// [`ClientError::Storage`], [`ClientError::Closed`].
    pub fn available_archives(&self, days: i64) -> Result<Vec<AvailableArchive>, ClientError> {
        let inner = self.open()?;
        let since = inner.now_ns().saturating_sub(days.saturating_mul(DAY_NS));
        let mut found = history::available(&inner.context())?;
        found.retain(|archive| archive.sent_at_ns >= since);
        Ok(found)
    }
}

impl Inner {
    /// The way to servers; refuses where there is none, and where installations do not speak with each other.
    fn files(&self) -> Result<&dyn Files, ClientError> {
        let DeviceSync {
            is_enabled, files, ..
        } = &self.device_sync;
        match files {
            Some(files) if *is_enabled => Ok(&**files),
            _ => Err(ClientError::NoDeviceSync),
        }
    }

    /// Begins to hand history over in the background, unless that is about to begin.
    pub(super) fn wake_history(&self) {
        let work = &self.device_sync;
        if self.files().is_err() || work.is_history_asked.replace(true) {
            return;
        }
        let weak = self.myself.clone();
        self.platform.spawn(Box::pin(async move {
            let Some(inner) = weak.upgrade() else { return };
            // Somebody who waits may have done it meanwhile.
            if inner.device_sync.is_history_asked.get() {
                // What is under way when the client is closed is broken off, and tried again when it is opened.
                select(pin!(inner.hand_history_over()), pin!(inner.closing.wait())).await;
            }
        }));
    }

    /// Does what other installations asked for, and fetches what they answered. What fails is tried again the next time,
    /// a few times.
    pub(super) async fn hand_history_over(&self) {
        if self.files().is_err() {
            return;
        }
        let _guard = self.device_sync.history.lock().await;
        self.device_sync.is_history_asked.set(false);
        let tasks = match history::tasks(&self.context()) {
            Ok(tasks) => tasks,
            Err(error) => return tracing::info!(%error, "what was asked for cannot be read"),
        };
        for (id, attempts, task) in tasks {
            // Counted before: what ends the app in the middle must not do so each time it is opened.
            if let Err(error) = self.store.set_history_attempts(&id, attempts.saturating_sub(1)) {
                return tracing::info!(%error, "what was asked for cannot be counted");
            }
            let done = match &task {
                Task::Answer(request) => self.answer(request).await,
                Task::Fetch(reply) => self.fetch(reply).await.map(drop),
            };
            if let Err(error) = &done {
                tracing::info!(%error, "history could not be handed over");
            }
            let is_over = done.err().is_none_or(|error| !error.is_retryable());
            if is_over && let Err(error) = self.store.set_history_attempts(&id, 0) {
                tracing::info!(%error, "what was done cannot be crossed out");
            }
        }
    }

    /// Makes an archive, puts it on the server and tells where.
    async fn answer(&self, request: &SyncRequest) -> Result<(), ClientError> {
        let files = self.files()?;
        let (mut key, mut nonce) = ([0u8; 32], [0u8; 12]);
        self.platform.random(&mut key);
        self.platform.random(&mut nonce);
        let key = ArchiveKey::new(key);
        let context = self.context();
        let file = archive::export(&context, &key, &request.options, nonce)?;
        let metadata = ArchiveMetadata::of(&request.options, context.now_ns);
        let uploaded = files::upload(files, &request.server_url, file);
        let reply = SyncReply {
            url: self.patiently(uploaded).await?,
            pin: request.pin.clone(),
            key,
            metadata: Some(metadata),
        };
        self.speak(|context, group_id| history::queue_reply(context, group_id, &reply))
            .await
    }

    /// Fetches an archive and takes it in.
    async fn fetch(&self, reply: &SyncReply) -> Result<Imported, ClientError> {
        let downloaded = files::download(self.files()?, &reply.url);
        let file = self.patiently(downloaded).await?;
        self.import(&file, &reply.key)
    }

    /// What a history server answers, while there is patience.
    async fn patiently<T>(
        &self,
        answer: impl Future<Output = Result<T, TransportError>>,
    ) -> Result<T, ClientError> {
        let answer = with_timeout(&*self.platform, PATIENCE, answer).await;
        answer.map_err(ClientError::HistoryServer)
    }

    /// Says something in the group of the own installations.
    async fn speak(
        &self,
        queue: impl FnOnce(&Context<'_>, GroupId) -> Result<MessageId, PreferenceError>,
    ) -> Result<(), ClientError> {
        let _pass = self.device_sync.pass.lock().await;
        let group_id = self
            .sync_group_to_speak_in()
            .await?
            .ok_or(ClientError::NoOtherInstallation)?;
        // What is told is not for one that was revoked.
        self.part_from_revoked(group_id).await?;
        let lock = self.lock_of(group_id);
        let _group = lock.lock().await;
        let context = Context {
            // The time makes the message's id.
            now_ns: self.unique_now_ns(),
            ..self.context()
        };
        let message = self.store.transaction(|tx| queue(&context.with(tx), group_id))?;
        match self.store.intent_of_message(&message)? {
            Some(intent) => self.resolve_locked(group_id, intent.id).await,
            None => Ok(()),
        }
    }
}
