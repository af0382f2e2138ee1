//! A whole response body: messages, then a status.

use std::collections::VecDeque;

use super::super::{InvalidResponse, TransportError};
use super::{Frame, FrameDecoder, FrameError, Status};

/// Turns the chunks of a body into messages and a final result.
#[derive(Debug)]
pub struct BodyDecoder {
    frames: FrameDecoder,
    messages: VecDeque<Vec<u8>>,
    status: Option<Status>,
    header_status: Option<Status>,
}

impl BodyDecoder {
    /// A decoder that refuses messages longer than `max_message` bytes. `header_status` is the status in
    /// the headers of the response, if there was one: it counts when the body has none.
    #[must_use]
    pub fn new(max_message: usize, header_status: Option<Status>) -> Self {
        Self {
            frames: FrameDecoder::new(max_message),
            messages: VecDeque::new(),
            status: None,
            header_status,
        }
    }

    /// Takes the next bytes. Messages they complete are then given by [`next_message`](Self::next_message),
    /// also those before a fault.
    ///
    /// # Errors
    /// [`InvalidResponse::Frame`].
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), TransportError> {
        let mut frames = Vec::new();
        let result = self.frames.push(chunk, &mut frames);
        for frame in frames {
            match frame {
                Frame::Message(message) => self.messages.push_back(message),
                Frame::Trailers(trailers) => {
                    let status = Status::parse(&trailers);
                    self.status = Some(status.ok_or(InvalidResponse::Frame(FrameError::NoStatus))?);
                }
            }
        }
        result.map_err(|error| InvalidResponse::Frame(error).into())
    }

    /// How many messages wait to be given out.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.messages.len()
    }

    /// The oldest message not yet given out.
    pub fn next_message(&mut self) -> Option<Vec<u8>> {
        self.messages.pop_front()
    }

    /// Whether the status has arrived; nothing of interest can follow.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.status.is_some()
    }

    /// Says that the body is over and gives the result of the call.
    ///
    /// # Errors
    /// The error of the status; [`InvalidResponse::Frame`] or [`InvalidResponse::MissingStatus`] if the
    /// body was cut off.
    pub fn finish(&mut self) -> Result<(), TransportError> {
        self.frames.finish().map_err(InvalidResponse::Frame)?;
        let status = self.status.take().or_else(|| self.header_status.take());
        status.ok_or(InvalidResponse::MissingStatus)?.into_result()
    }

    /// Like [`finish`](Self::finish), for calls with exactly one answer, which is returned.
    ///
    /// # Errors
    /// In addition [`InvalidResponse::NotOneMessage`].
    pub fn finish_unary(&mut self) -> Result<Vec<u8>, TransportError> {
        self.finish()?;
        match (self.messages.pop_front(), self.messages.pop_front()) {
            (Some(message), None) => Ok(message),
            _ => Err(InvalidResponse::NotOneMessage.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::GrpcCode;

    fn decoded(body: &[u8]) -> Result<Vec<u8>, TransportError> {
        let mut decoder = BodyDecoder::new(100, None);
        for byte in body {
            decoder.push(&[*byte])?;
        }
        decoder.finish_unary()
    }

    const OK: &[u8] = b"\x80\0\0\0\x0dgrpc-status:0";

    #[test]
    fn one_message_and_success_is_the_answer() {
        assert_eq!(decoded(&[b"\0\0\0\0\x02hi", OK].concat()), Ok(b"hi".to_vec()));
        assert_eq!(
            decoded(&[b"\0\0\0\0\0", OK].concat()),
            Ok(vec![]),
            "an empty message"
        );
    }

    #[test]
    fn a_failure_wins_over_what_came_before() {
        let body = [b"\0\0\0\0\x02hi".as_slice(), b"\x80\0\0\0\x0egrpc-status:13"].concat();
        let failed = TransportError::NodeFailed {
            code: GrpcCode::Internal,
            message: String::new(),
        };
        assert_eq!(decoded(&body), Err(failed));
    }

    #[test]
    fn no_two_or_unfinished_messages_are_invalid() {
        let two = [b"\0\0\0\0\x01a".as_slice(), b"\0\0\0\0\x01b", OK].concat();
        let cases: [(&[u8], InvalidResponse); 5] = [
            (OK, InvalidResponse::NotOneMessage),
            (&two, InvalidResponse::NotOneMessage),
            (b"\0\0\0\0\x02hi", InvalidResponse::MissingStatus),
            (b"\0\0\0\0\x02h", InvalidResponse::Frame(FrameError::Truncated)),
            (b"\x80\0\0\0\x01x", InvalidResponse::Frame(FrameError::NoStatus)),
        ];
        for (body, expected) in cases {
            assert_eq!(decoded(body), Err(expected.into()));
        }
    }

    #[test]
    fn a_status_in_the_headers_counts_when_the_body_has_none() {
        let ok = Status::from_headers(Some("0"), None);
        assert_eq!(BodyDecoder::new(100, ok.clone()).finish(), Ok(()));
        let mut decoder = BodyDecoder::new(100, ok);
        decoder
            .push(b"\x80\0\0\0\x0egrpc-status:12")
            .expect("well framed");
        let failed = TransportError::Unimplemented {
            message: String::new(),
        };
        assert_eq!(decoder.finish(), Err(failed));
    }
}
