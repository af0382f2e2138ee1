//! Failures as JavaScript sees them: an `Error` with `code`, `message`, `retryable` and `details`.

use js_sys::{Object, Reflect};
use wasm_bindgen::JsValue;

use super::inbox;
use crate::client::ClientError;
use crate::error::{Coded, ErrorCode};
use crate::groups::{CommitError, GroupError, LeaveRefusal};
use crate::identity::{IdentityError, MAX_INSTALLATIONS_PER_INBOX};
use crate::messages::ContentError;
use crate::storage::StorageError;
use crate::transport::TransportError;

/// Why a call of a page failed.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// The client refused or failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// An argument has the wrong form.
    #[error("{0}")]
    Argument(String),
    /// An option or a value of it is not known here.
    #[error("{0}")]
    Unsupported(String),
    /// A group is not in the local database.
    #[error("group {group_id} is not in the local database")]
    GroupNotFound {
        /// The group asked for.
        group_id: crate::ids::GroupId,
    },
    /// The page's keeper of keys failed: its error, as it is.
    #[error("the database's key cannot be had")]
    Thrown(JsValue),
    /// A plain object could not be built: a defect.
    #[error("an answer cannot be turned into an object: {0}")]
    Answer(String),
}

macro_rules! from_room {
    ($($error:ty),+) => {
        $(impl From<$error> for EdgeError {
            fn from(error: $error) -> Self {
                Self::Client(error.into())
            }
        })+
    };
}
from_room!(
    StorageError,
    TransportError,
    IdentityError,
    GroupError,
    ContentError
);

impl Coded for EdgeError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Client(error) => error.code(),
            Self::Argument(_) => ErrorCode::InvalidArgument,
            Self::Unsupported(_) => ErrorCode::UnsupportedOption,
            Self::GroupNotFound { .. } => ErrorCode::GroupNotFound,
            Self::Answer(_) | Self::Thrown(_) => ErrorCode::Internal,
        }
    }

    fn is_retryable(&self) -> bool {
        match self {
            Self::Client(error) => error.is_retryable(),
            _ => false,
        }
    }
}

impl EdgeError {
    /// What else a program may want to know: names and values, in the shapes `docs/ERRORS.md` promises.
    fn details(&self) -> Vec<(&'static str, JsValue)> {
        match self {
            Self::GroupNotFound { group_id } => vec![("groupId", group_id.to_string().into())],
            Self::Client(error) => match error {
                ClientError::UnknownAddress { address } => vec![("address", address.as_str().into())],
                ClientError::UnknownInbox { inbox_id } => vec![("inboxId", inbox_id.to_string().into())],
                ClientError::InboxMismatch { expected, found } => vec![
                    ("expected", expected.to_string().into()),
                    ("found", found.to_string().into()),
                ],
                ClientError::InstallationRevoked { installation_id } => {
                    vec![("installationId", installation_id.to_string().into())]
                }
                ClientError::Identity(IdentityError::TooManyInstallations {
                    inbox_id,
                    installations,
                }) => vec![
                    ("inboxId", inbox_id.to_string().into()),
                    ("limit", JsValue::from_f64(MAX_INSTALLATIONS_PER_INBOX as f64)),
                    ("installations", inbox::installations(installations)),
                ],
                ClientError::Storage(StorageError::Unavailable(reason)) => {
                    vec![("reason", reason.as_str().into())]
                }
                ClientError::MessageNotFound { id } => vec![("messageId", id.to_string().into())],
                ClientError::Group(error) => of_group(error),
                ClientError::Identity(IdentityError::WrongSigner { found }) => {
                    vec![("found", found.to_string().into())]
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}

fn of_group(error: &GroupError) -> Vec<(&'static str, JsValue)> {
    match error {
        GroupError::Paused { required } | GroupError::Commit(CommitError::VersionTooLow { required }) => {
            vec![("required", required.as_str().into())]
        }
        GroupError::VersionAboveOwn { asked, own } => {
            vec![("asked", asked.as_str().into()), ("own", own.as_str().into())]
        }
        GroupError::VersionLowered { asked, current } => vec![
            ("asked", asked.as_str().into()),
            ("current", current.as_str().into()),
        ],
        GroupError::CannotLeave(reason) => {
            let reason = match reason {
                LeaveRefusal::DirectMessage => "direct_message",
                LeaveRefusal::SuperAdmin => "super_admin",
                LeaveRefusal::Alone => "alone",
            };
            vec![("reason", reason.into())]
        }
        GroupError::NotFound { group_id } => vec![("groupId", group_id.to_string().into())],
        GroupError::UnknownInbox { inbox } => vec![("inboxId", inbox.to_string().into())],
        GroupError::TooLarge { limit } => vec![("limit", JsValue::from_f64(*limit as f64))],
        GroupError::TooLong { field, limit } => vec![
            ("field", field.as_str().into()),
            ("limit", JsValue::from_f64(*limit as f64)),
        ],
        _ => Vec::new(),
    }
}

impl From<EdgeError> for JsValue {
    fn from(error: EdgeError) -> Self {
        if let EdgeError::Thrown(thrown) = error {
            return thrown;
        }
        let thrown = js_sys::Error::new(&error.to_string());
        thrown.set_name("XmtpError");
        set(&thrown, "code", error.code().as_str().into());
        set(&thrown, "retryable", error.is_retryable().into());
        let details = error.details();
        if !details.is_empty() {
            let object = Object::new();
            for (name, value) in details {
                set(&object, name, value);
            }
            set(&thrown, "details", object.into());
        }
        thrown.into()
    }
}

/// Sets an own property of an object that was just made here: such a set cannot fail.
fn set(object: &JsValue, name: &str, value: JsValue) {
    let _ = Reflect::set(object, &name.into(), &value);
}
