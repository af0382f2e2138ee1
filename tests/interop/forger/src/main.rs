//! A member of groups that publishes what a client never would.
//!
//! One of the people of the interop tests (`tests/interop/support/forger.mjs`): an honest client of this library, over
//! gRPC, in a process of its own, that on demand commits by hand what the rules forbid (`forge.rs`) and offers key
//! packages that soon expire (`packages.rs`). It reads one JSON line per command, `{ id, verb, args }`, and writes
//! one per answer, `{ id, value }` or `{ id, error: { message, code } }`.

mod forge;
mod hand;
mod packages;
mod person;
mod record;

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use xmtp_web::client::ClientError;
use xmtp_web::error::Coded as _;

use forge::Forgery;
use person::Person;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Client(#[from] ClientError),
    #[error("{0}")]
    Storage(#[from] xmtp_web::storage::StorageError),
    #[error("{0}")]
    Transport(#[from] xmtp_web::transport::TransportError),
    #[error("{0}")]
    Group(#[from] xmtp_web::groups::GroupError),
    #[error("the commit's parts: {0}")]
    Commit(#[from] xmtp_web::groups::CommitError),
    #[error("OpenMLS does not make it: {0}")]
    OpenMls(String),
    #[error("{0}")]
    Said(&'static str),
    #[error("not a command: {0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("not an id: {0}")]
    Id(#[from] xmtp_web::ids::InvalidId),
}

impl Failure {
    fn code(&self) -> Option<&'static str> {
        match self {
            Failure::Client(error) => Some(error.code().as_str()),
            _ => None,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Command {
    id: u64,
    verb: String,
    #[serde(default)]
    args: Vec<Value>,
}

/// How `open` is called.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Open {
    /// The wallet's secret key, 64 hex digits.
    secret: String,
    /// The node's gRPC address.
    url: String,
    db_path: PathBuf,
}

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, serve())
}

async fn serve() -> Result<(), Failure> {
    let mut out = tokio::io::stdout();
    write(&mut out, &json!({ "event": { "stream": "started" } })).await?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut person = None;
    while let Some(line) = lines.next_line().await? {
        let command: Command = serde_json::from_str(&line)?;
        let answer = match obey(&mut person, &command.verb, command.args).await {
            Ok(value) => json!({ "id": command.id, "value": value }),
            Err(error) => json!({
                "id": command.id,
                "error": { "message": error.to_string(), "code": error.code() },
            }),
        };
        write(&mut out, &answer).await?;
    }
    Ok(())
}

async fn write(out: &mut tokio::io::Stdout, line: &Value) -> Result<(), Failure> {
    out.write_all(format!("{line}\n").as_bytes()).await?;
    Ok(out.flush().await?)
}

/// Does what a command says.
async fn obey(person: &mut Option<Person>, verb: &str, args: Vec<Value>) -> Result<Value, Failure> {
    let mut args = args.into_iter();
    let mut next = || args.next().unwrap_or(Value::Null);
    if verb == "open" {
        let Open { secret, url, db_path } = serde_json::from_value(next())?;
        let opened = Person::open(&secret, &url, &db_path).await?;
        let told = opened.introduction();
        *person = Some(opened);
        return Ok(told);
    }
    let person = person
        .as_ref()
        .ok_or(Failure::Said("nobody has opened the client"))?;
    match verb {
        "sync" => person.sync().await?,
        "syncAll" => person.sync_all().await?,
        "syncGroup" => person.sync_group(text(next())?.parse()?).await?,
        "groups" => return person.groups(),
        "messages" => return person.messages(text(next())?.parse()?),
        "epoch" => return person.epoch(text(next())?.parse()?),
        "failed" => return person.failed(text(next())?.parse()?),
        "keys" => return person.keys(),
        "wire" => return person.wire(text(next())?.parse()?).await,
        "sequenceOf" => return person.sequence_of(text(next())?.parse()?).await,
        "say" => {
            let group = text(next())?.parse()?;
            return person.say(group, &text(next())?).await;
        }
        "createGroup" => return person.create_group(serde_json::from_value(next())?).await,
        "addInboxes" => {
            let group = text(next())?.parse()?;
            person.add_members(group, serde_json::from_value(next())?).await?;
        }
        "offer" => {
            let seconds = next().as_u64().ok_or(Failure::Said("a lifetime is seconds"))?;
            return person.offer(seconds).await;
        }
        "change" => {
            let group = text(next())?.parse()?;
            let forgery: Forgery = serde_json::from_value(next())?;
            person.change(group, forgery).await?;
        }
        "forge" => {
            let group = text(next())?.parse()?;
            let forgery: Forgery = serde_json::from_value(next())?;
            person.forge(group, forgery).await?;
        }
        _ => return Err(Failure::Said("there is no such verb")),
    }
    Ok(Value::Null)
}

fn text(value: Value) -> Result<String, Failure> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Failure::Said("an argument is missing or no text")),
    }
}
