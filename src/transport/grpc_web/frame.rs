//! Frames: cutting a body into messages and trailers, at whatever places it arrives cut.

/// The flags and the length before every frame.
const HEADER_BYTES: usize = 5;
/// Trailers are a few short lines; more than this is not meant well.
const MAX_TRAILER_BYTES: usize = 64 * 1024;
/// Flags of a message.
const MESSAGE: u8 = 0x00;
/// Flags of a compressed message. We never ask for compression.
const COMPRESSED_MESSAGE: u8 = 0x01;
/// Flags of the trailers.
const TRAILERS: u8 = 0x80;

/// What a body consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// An encoded protobuf message.
    Message(Vec<u8>),
    /// The lines of the trailers; see [`Status::parse`](super::Status::parse).
    Trailers(Vec<u8>),
}

/// How framing can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A frame is longer than allowed.
    #[error("a frame of {bytes} bytes is too large")]
    TooLarge {
        /// The length it claims.
        bytes: usize,
    },
    /// A message is compressed, which was not asked for.
    #[error("a frame is compressed")]
    Compressed,
    /// Flags that mean nothing.
    #[error("a frame has unknown flags {0:#04x}")]
    UnknownFlags(u8),
    /// The body ends inside a frame.
    #[error("it ends inside a frame")]
    Truncated,
    /// Bytes follow the trailers.
    #[error("it goes on after the trailers")]
    AfterTrailers,
    /// The trailers hold no readable status.
    #[error("its trailers hold no status")]
    NoStatus,
}

/// The body of a request: `message` in a frame.
///
/// # Errors
/// [`FrameError::TooLarge`] if the length does not fit into four bytes.
pub fn encode_request(message: &[u8]) -> Result<Vec<u8>, FrameError> {
    let too_large = FrameError::TooLarge { bytes: message.len() };
    let length = u32::try_from(message.len()).map_err(|_| too_large)?;
    let mut body = Vec::with_capacity(HEADER_BYTES + message.len());
    body.push(MESSAGE);
    body.extend_from_slice(&length.to_be_bytes());
    body.extend_from_slice(message);
    Ok(body)
}

/// Collects frames from chunks of any size. Holds at most one unfinished frame, and never reserves memory
/// for bytes that have not arrived.
#[derive(Debug)]
pub struct FrameDecoder {
    max_message: usize,
    header: [u8; HEADER_BYTES],
    header_len: usize,
    body: Vec<u8>,
    body_len: usize,
    /// Nothing may follow: trailers were seen.
    ended: bool,
    /// Framing is lost; every further chunk gives the same error.
    failed: Option<FrameError>,
}

impl FrameDecoder {
    /// A decoder that refuses messages longer than `max_message` bytes.
    #[must_use]
    pub fn new(max_message: usize) -> Self {
        Self {
            max_message,
            header: [0; HEADER_BYTES],
            header_len: 0,
            body: Vec::new(),
            body_len: 0,
            ended: false,
            failed: None,
        }
    }

    /// Takes the next bytes of the body and appends the frames they complete to `frames`.
    ///
    /// # Errors
    /// [`FrameError`]; frames completed before the fault are in `frames`.
    pub fn push(&mut self, chunk: &[u8], frames: &mut Vec<Frame>) -> Result<(), FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.advance(chunk, frames)
            .inspect_err(|error| self.failed = Some(*error))
    }

    /// Says that the body is over.
    ///
    /// # Errors
    /// [`FrameError::Truncated`] inside a frame, or the earlier error.
    pub fn finish(&self) -> Result<(), FrameError> {
        match self.failed {
            Some(error) => Err(error),
            None if self.header_len > 0 => Err(FrameError::Truncated),
            None => Ok(()),
        }
    }

    fn advance(&mut self, mut chunk: &[u8], frames: &mut Vec<Frame>) -> Result<(), FrameError> {
        while !chunk.is_empty() {
            if self.ended {
                return Err(FrameError::AfterTrailers);
            }
            if self.header_len < HEADER_BYTES {
                let (now, later) = chunk.split_at(chunk.len().min(HEADER_BYTES - self.header_len));
                self.header[self.header_len..self.header_len + now.len()].copy_from_slice(now);
                self.header_len += now.len();
                chunk = later;
                if self.header_len < HEADER_BYTES {
                    return Ok(());
                }
                self.body_len = self.check_header()?;
            }
            let (now, later) = chunk.split_at(chunk.len().min(self.body_len - self.body.len()));
            self.body.extend_from_slice(now);
            chunk = later;
            if self.body.len() == self.body_len {
                let body = std::mem::take(&mut self.body);
                self.header_len = 0;
                self.ended = self.header[0] == TRAILERS;
                frames.push(if self.ended {
                    Frame::Trailers(body)
                } else {
                    Frame::Message(body)
                });
            }
        }
        Ok(())
    }

    /// The length of the frame whose header is complete.
    fn check_header(&self) -> Result<usize, FrameError> {
        let [flags, length @ ..] = self.header;
        let limit = match flags {
            MESSAGE => self.max_message,
            TRAILERS => MAX_TRAILER_BYTES,
            COMPRESSED_MESSAGE => return Err(FrameError::Compressed),
            other => return Err(FrameError::UnknownFlags(other)),
        };
        let bytes = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if bytes > limit {
            Err(FrameError::TooLarge { bytes })
        } else {
            Ok(bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMIT: usize = 1000;

    fn decode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Frame>, Result<(), FrameError>) {
        let (mut decoder, mut frames) = (FrameDecoder::new(LIMIT), Vec::new());
        for chunk in chunks {
            if let Err(error) = decoder.push(chunk, &mut frames) {
                return (frames, Err(error));
            }
        }
        (frames, decoder.finish())
    }

    fn body(messages: &[Vec<u8>], trailers: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        for message in messages {
            body.extend(encode_request(message).expect("short"));
        }
        let at = body.len();
        body.extend(encode_request(trailers).expect("short"));
        body[at] = TRAILERS;
        body
    }

    /// `bytes` cut at `cuts` (positions modulo the length).
    fn cut<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
        let mut places: Vec<_> = cuts.iter().map(|c| c % (bytes.len() + 1)).collect();
        places.extend([0, bytes.len()]);
        places.sort_unstable();
        places.windows(2).map(|w| &bytes[w[0]..w[1]]).collect()
    }

    proptest! {
        #[test]
        fn any_cutting_gives_the_same_frames(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..5),
            trailers in prop::collection::vec(any::<u8>(), 0..40),
            cuts in prop::collection::vec(any::<usize>(), 0..12),
        ) {
            let bytes = body(&messages, &trailers);
            let mut expected: Vec<_> = messages.into_iter().map(Frame::Message).collect();
            expected.push(Frame::Trailers(trailers));
            prop_assert_eq!(decode(cut(&bytes, &cuts)), (expected, Ok(())));
        }

        #[test]
        fn any_bytes_in_any_cutting_give_the_same_result(
            bytes in prop::collection::vec(prop_oneof![Just(0u8), Just(0x80), any::<u8>()], 0..80),
            cuts in prop::collection::vec(any::<usize>(), 0..12),
        ) {
            prop_assert_eq!(decode(cut(&bytes, &cuts)), decode([bytes.as_slice()]));
        }

        #[test]
        fn a_cut_off_body_is_noticed(message in prop::collection::vec(any::<u8>(), 1..40), at in any::<usize>()) {
            let bytes = encode_request(&message).expect("short");
            let at = 1 + at % (bytes.len() - 1);
            prop_assert_eq!(decode([&bytes[..at]]), (vec![], Err(FrameError::Truncated)));
        }
    }

    #[test]
    fn a_frame_beyond_the_limit_is_refused_by_its_header() {
        assert_eq!(decode([&[0, 0, 0, 3, 232][..]]).1, Err(FrameError::Truncated));
        assert_eq!(
            decode([&[0, 0, 0, 3, 233][..]]).1,
            Err(FrameError::TooLarge { bytes: 1001 })
        );
        let huge = [0x80, 255, 255, 255, 255];
        assert_eq!(
            decode([&huge[..]]).1,
            Err(FrameError::TooLarge { bytes: 0xffff_ffff })
        );
    }

    #[test]
    fn unknown_and_compressed_frames_are_refused() {
        assert_eq!(decode([&[1, 0, 0, 0, 0][..]]).1, Err(FrameError::Compressed));
        assert_eq!(decode([&b"<html>"[..]]).1, Err(FrameError::UnknownFlags(b'<')));
    }

    #[test]
    fn nothing_may_follow_the_trailers() {
        let mut bytes = body(&[], b"grpc-status:0");
        bytes.push(0);
        assert_eq!(decode([&bytes[..]]).1, Err(FrameError::AfterTrailers));
    }

    #[test]
    fn an_empty_message_is_a_message() {
        assert_eq!(
            decode([&[0, 0, 0, 0, 0][..]]),
            (vec![Frame::Message(vec![])], Ok(()))
        );
    }
}
