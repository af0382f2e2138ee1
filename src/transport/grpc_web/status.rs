//! The status of a call, from trailers or from headers.

use super::super::{GrpcCode, TransportError};

/// The longest text kept from a node's message, in bytes. It ends up in errors and logs.
const MAX_MESSAGE_BYTES: usize = 1024;

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Success or which failure.
    pub code: GrpcCode,
    /// The node's words: at most 1 KiB, without control characters; empty for success.
    pub message: String,
}

impl Status {
    /// The status in the lines of a trailers frame (`name: value`, ended by CRLF or LF; names in any
    /// case). `None` if there is no readable `grpc-status` among them.
    #[must_use]
    pub fn parse(trailers: &[u8]) -> Option<Self> {
        let (mut code, mut message) = (None, None);
        for line in trailers.split(|byte| *byte == b'\n') {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else {
                continue;
            };
            let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
            if name.eq_ignore_ascii_case(b"grpc-status") {
                code = Some(value);
            } else if name.eq_ignore_ascii_case(b"grpc-message") {
                message = Some(value);
            }
        }
        Self::from_values(code?, message.unwrap_or_default())
    }

    /// The status in the headers of a response without a body (`None` where a header is missing).
    #[must_use]
    pub fn from_headers(code: Option<&str>, message: Option<&str>) -> Option<Self> {
        Self::from_values(code?.trim().as_bytes(), message.unwrap_or_default().as_bytes())
    }

    /// `Ok` for success, else the error it means.
    ///
    /// # Errors
    /// [`TransportError::from_status`].
    pub fn into_result(self) -> Result<(), TransportError> {
        match self.code {
            GrpcCode::Ok => Ok(()),
            code => Err(TransportError::from_status(code, self.message)),
        }
    }

    fn from_values(code: &[u8], message: &[u8]) -> Option<Self> {
        if code.is_empty() || code.len() > 3 || !code.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let number = code
            .iter()
            .fold(0i32, |sum, digit| sum * 10 + i32::from(digit - b'0'));
        Some(Self {
            code: GrpcCode::from(number),
            message: clean(&percent_decode(
                &message[..message.len().min(3 * MAX_MESSAGE_BYTES)],
            )),
        })
    }
}

/// The gRPC code for a response without a gRPC status: something between here and the node answered.
///
/// # Source
/// gRPC `doc/http-grpc-status-mapping.md`, but 429 means a rate limit.
#[must_use]
pub fn code_for_http_status(status: u16) -> GrpcCode {
    match status {
        400 => GrpcCode::Internal,
        401 => GrpcCode::Unauthenticated,
        403 => GrpcCode::PermissionDenied,
        404 => GrpcCode::Unimplemented,
        429 => GrpcCode::ResourceExhausted,
        502..=504 => GrpcCode::Unavailable,
        _ => GrpcCode::Unknown,
    }
}

/// Decodes `%41` to `A`; leaves alone what is not of that form.
fn percent_decode(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let escaped = match tail {
            [high, low, after @ ..] if *first == b'%' => hex_digit(*high)
                .zip(hex_digit(*low))
                .map(|(high, low)| (high * 16 + low, after)),
            _ => None,
        };
        let (byte, after) = escaped.unwrap_or((*first, tail));
        bytes.push(byte);
        rest = after;
    }
    bytes
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// Readable text of bounded length.
fn clean(bytes: &[u8]) -> String {
    let mut text = String::new();
    for character in String::from_utf8_lossy(bytes).chars() {
        if text.len() + character.len_utf8() > MAX_MESSAGE_BYTES {
            break;
        }
        text.push(if character.is_control() { ' ' } else { character });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn trailers_are_read_in_any_case_and_order() {
        let status =
            Status::parse(b"Grpc-Message: a%20b%C3%A9\r\nx: y\r\nGRPC-STATUS:8\r\n").expect("a status");
        assert_eq!(
            status,
            Status {
                code: GrpcCode::ResourceExhausted,
                message: "a b\u{e9}".into()
            }
        );
        assert_eq!(
            status.into_result(),
            Err(TransportError::RateLimited {
                message: "a b\u{e9}".into()
            })
        );
    }

    #[test]
    fn no_or_unreadable_status_is_none() {
        for trailers in [
            "",
            "grpc-message: x",
            "grpc-status:",
            "grpc-status: -1",
            "grpc-status: zero",
            "grpc-status: 9999",
        ] {
            assert_eq!(Status::parse(trailers.as_bytes()), None, "{trailers}");
        }
        assert_eq!(Status::from_headers(None, Some("x")), None);
    }

    #[test]
    fn undefined_codes_are_unknown() {
        let status = Status::from_headers(Some("77"), None).expect("a status");
        assert_eq!(status.code, GrpcCode::Unknown);
    }

    #[test]
    fn odd_percent_signs_stay() {
        assert_eq!(percent_decode(b"100%, %zz %4"), b"100%, %zz %4");
    }

    #[test]
    fn messages_are_short_and_printable() {
        let status =
            Status::from_headers(Some("2"), Some(&format!("a%0ab{}", "é".repeat(5000)))).expect("a status");
        assert!(status.message.starts_with("a b\u{e9}"));
        assert!(status.message.len() <= MAX_MESSAGE_BYTES);
    }

    proptest! {
        #[test]
        fn any_bytes_parse_or_not_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Status::parse(&bytes);
            let _ = percent_decode(&bytes);
        }

        #[test]
        fn any_encoded_text_comes_back(text in "\\PC{0,60}") {
            let encoded: String = text.bytes().map(|b| format!("%{b:02X}")).collect();
            let status = Status::from_headers(Some("13"), Some(&encoded)).expect("a status");
            prop_assert_eq!(status.message, text);
        }
    }
}
