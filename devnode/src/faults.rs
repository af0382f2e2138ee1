//! The switchboard: breaks calls on purpose. Without rules it does nothing but count calls.
//!
//! A rule names calls by a pattern, says what goes wrong, how often, and how many calls go well before.
//! `POST /faults` takes the same rules as JSON when the node was started for it:
//!
//! ```json
//! {"rules": [{"method": "SendGroupMessages", "fault": {"kind": "drop_answer"}, "times": 1, "skip": 0}]}
//! ```

mod layer;

pub(crate) use layer::{CUT_MARK, FaultLayer};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tonic::{Code, Status};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The call waits `ms` milliseconds before it is handled.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// The connection (HTTP/1.1) or the stream (HTTP/2) breaks before the call is handled.
    DropRequest,
    /// The call is handled, then the connection or stream breaks: its answer is lost.
    DropAnswer,
    /// The call is not handled and fails.
    Error {
        /// A gRPC status code, 1 to 16.
        code: i32,
        /// The text of the status.
        #[serde(default)]
        message: String,
    },
    /// A server stream delivers every item twice.
    Duplicate,
    /// A server stream leaves `count` items out after `after` others, as public nodes do with one that was committed late.
    LeaveOut {
        /// How many items are delivered before.
        after: u64,
        /// How many are left out; without a number one.
        #[serde(default = "one")]
        count: u64,
    },
    /// A server stream breaks without a status after `after` items (0: at once).
    CutStream {
        /// How many items are delivered.
        after: u64,
    },
}

const fn one() -> u64 {
    1
}

/// Which calls a fault meets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The name of a call, such as `SendGroupMessages`, or with its service,
    /// `xmtp.mls.api.v1.MlsApi/SendGroupMessages`; `*` stands for any characters.
    pub method: String,
    /// What goes wrong.
    pub fault: Fault,
    /// How many calls it meets; without a number all until the rules are cleared.
    #[serde(default)]
    pub times: Option<u32>,
    /// How many calls go well before.
    #[serde(default)]
    pub skip: u32,
}

impl Rule {
    /// `fault` for every call that `method` names.
    pub fn always(method: impl Into<String>, fault: Fault) -> Self {
        Self {
            method: method.into(),
            fault,
            times: None,
            skip: 0,
        }
    }

    /// `fault` for the next call that `method` names.
    pub fn once(method: impl Into<String>, fault: Fault) -> Self {
        Self::times(method, fault, 1)
    }

    /// `fault` for the next `times` calls that `method` names.
    pub fn times(method: impl Into<String>, fault: Fault, times: u32) -> Self {
        Self {
            method: method.into(),
            fault,
            times: Some(times),
            skip: 0,
        }
    }

    /// The same after `skip` calls went well.
    #[must_use]
    pub fn after(self, skip: u32) -> Self {
        Self { skip, ..self }
    }
}

/// A handle to a node's switchboard; clones are the same board.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Board>);

#[derive(Debug, Default)]
struct Board {
    state: Mutex<State>,
    called: Notify,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    /// Calls that arrived, by name without service.
    calls: BTreeMap<String, u64>,
}

/// What the rules say about one call.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    delay: Duration,
    drop_request: bool,
    drop_answer: bool,
    error: Option<(i32, String)>,
    stream: StreamFaults,
}

/// What the rules say about the items of a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct StreamFaults {
    duplicate: bool,
    /// After how many items, and how many.
    left_out: Option<(u64, u64)>,
    cut_after: Option<u64>,
}

impl StreamFaults {
    /// How often the item after `sent` others is delivered.
    pub(crate) fn copies(self, sent: u64) -> usize {
        match self {
            Self {
                left_out: Some((after, count)),
                ..
            } if sent.checked_sub(after).is_some_and(|item| item < count) => 0,
            Self { duplicate: true, .. } => 2,
            _ => 1,
        }
    }

    /// The mark that breaks the stream, if it ends after `sent` items.
    pub(crate) fn cut(self, sent: u64) -> Option<Status> {
        (self.cut_after? <= sent).then(|| {
            let mut status = Status::unavailable("cut");
            status
                .metadata_mut()
                .insert(CUT_MARK, tonic::metadata::MetadataValue::from_static("1"));
            status
        })
    }
}

impl Faults {
    /// Adds a rule. All rules that name a call apply to it together.
    pub fn add(&self, rule: Rule) {
        self.state().rules.push(rule);
    }

    /// Removes all rules. Calls already met stay broken.
    pub fn clear(&self) {
        self.state().rules.clear();
    }

    /// The rules that still can meet a call.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule> {
        self.state().rules.clone()
    }

    /// How many calls named `method` (without service) have arrived, met or not.
    #[must_use]
    pub fn calls(&self, method: &str) -> u64 {
        self.state().calls.get(method).copied().unwrap_or(0)
    }

    /// Waits until `count` calls named `method` (without service) have arrived since the node started.
    pub async fn called(&self, method: &str, count: u64) {
        loop {
            let notified = self.0.called.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if self.calls(method) >= count {
                return;
            }
            notified.await;
        }
    }

    /// Counts a call to `path` (`/service/Method`) and takes what the rules say about it.
    pub(crate) fn begin(&self, path: &str) -> Plan {
        let full = path.trim_start_matches('/');
        let short = full.rsplit('/').next().unwrap_or(full);
        let mut plan = Plan::default();
        let mut state = self.state();
        *state.calls.entry(short.to_owned()).or_default() += 1;
        for rule in &mut state.rules {
            if !(matches(&rule.method, short) || matches(&rule.method, full)) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            match &mut rule.times {
                Some(0) => continue,
                Some(left) => *left -= 1,
                None => {}
            }
            plan.add(&rule.fault);
        }
        state.rules.retain(|rule| rule.times != Some(0));
        drop(state);
        self.0.called.notify_waiters();
        plan
    }

    /// Rules and counts as JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let state = self.state();
        serde_json::json!({ "rules": state.rules, "calls": state.calls })
    }

    /// Adds rules given as JSON: `{"rules": [...]}`. Adds none of them if one is wrong.
    pub(crate) fn add_json(&self, text: &[u8]) -> Result<(), serde_json::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Rules {
            rules: Vec<Rule>,
        }
        let parsed: Rules = serde_json::from_slice(text)?;
        self.state().rules.extend(parsed.rules);
        Ok(())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plan {
    fn add(&mut self, fault: &Fault) {
        match fault {
            Fault::Delay { ms } => self.delay += Duration::from_millis(*ms),
            Fault::DropRequest => self.drop_request = true,
            Fault::DropAnswer => self.drop_answer = true,
            Fault::Error { code, message } => self.error = Some((*code, message.clone())),
            Fault::Duplicate => self.stream.duplicate = true,
            Fault::LeaveOut { after, count } => self.stream.left_out = Some((*after, *count)),
            Fault::CutStream { after } => self.stream.cut_after = Some(*after),
        }
    }

    fn status(&self) -> Option<Status> {
        let (code, message) = self.error.as_ref()?;
        Some(Status::new(Code::from_i32(*code), message.clone()))
    }
}

/// Whether `name` is what `pattern` says; `*` stands for any characters, also none.
fn matches(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or("");
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.find(piece) {
            Some(at) => rest = rest.get(at + piece.len()..).unwrap_or(""),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_calls() {
        for (pattern, name, expected) in [
            ("Query", "Query", true),
            ("Query", "BatchQuery", false),
            ("*Query", "BatchQuery", true),
            ("Query*", "QueryGroupMessages", true),
            ("*", "", true),
            ("S*G*s", "SendGroupMessages", true),
            ("S*X*s", "SendGroupMessages", false),
            ("a.B/*", "a.B/C", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn rules_skip_then_meet_a_number_of_calls_and_vanish() {
        let faults = Faults::default();
        faults.add(Rule::times("Send*", Fault::DropAnswer, 2).after(1));
        let met: Vec<bool> = (0..4).map(|_| faults.begin("/x.Y/SendIt").drop_answer).collect();
        assert_eq!(met, [false, true, true, false]);
        assert!(faults.rules().is_empty());
        assert_eq!(faults.calls("SendIt"), 4);
    }

    #[test]
    fn json_rules_are_all_taken_or_none() {
        let faults = Faults::default();
        let good = br#"{"rules":[{"method":"A","fault":{"kind":"cut_stream","after":2},"times":1}]}"#;
        faults.add_json(good).expect("valid");
        assert_eq!(faults.rules(), [Rule::once("A", Fault::CutStream { after: 2 })]);
        let bad =
            br#"{"rules":[{"method":"A","fault":{"kind":"duplicate"}},{"method":"B","fault":{"kind":"?"}}]}"#;
        assert!(faults.add_json(bad).is_err());
        assert_eq!(faults.rules().len(), 1);
    }

    #[test]
    fn as_many_items_of_a_stream_are_left_out_as_the_rule_says() {
        let copies = |fault: &[u8]| {
            let faults = Faults::default();
            let rule = [br#"{"rules":[{"method":"A","fault":"#.as_slice(), fault, b"}]}"].concat();
            faults.add_json(&rule).expect("valid");
            let plan = faults.begin("/s/A");
            [0, 1, 2, 3, 4].map(|sent| plan.stream.copies(sent))
        };
        assert_eq!(copies(br#"{"kind":"leave_out","after":1}"#), [1, 0, 1, 1, 1]);
        let three = br#"{"kind":"leave_out","after":1,"count":3}"#;
        assert_eq!(copies(three), [1, 0, 0, 0, 1]);
    }

    #[tokio::test]
    async fn calls_can_be_awaited() {
        let faults = Faults::default();
        let waiting = faults.clone();
        let task = tokio::spawn(async move { waiting.called("Query", 2).await });
        faults.begin("/s/Query");
        faults.begin("/s/Query");
        task.await.expect("the count is reached");
    }
}
