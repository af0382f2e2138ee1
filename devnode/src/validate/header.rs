//! The public part of a group message, read by hand: nothing is decrypted or verified.
//!
//! # Source
//! RFC 9420 §6 (`MLSMessage`, `PublicMessage`, `PrivateMessage`) and §2.1.2 (variable-size vectors).

/// What the node learns from a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    /// The group, any length.
    pub(crate) group_id: &'a [u8],
    /// The group's epoch when it was made.
    pub(crate) epoch: u64,
    /// What it carries.
    pub(crate) content: Content,
}

/// The content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// 1
    Application,
    /// 2
    Proposal,
    /// 3
    Commit,
}

/// Bytes that are no group message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidHeader {
    /// They end too early.
    #[error("the message ends too early")]
    Truncated,
    /// A length is not written in the shortest way, or reserved.
    #[error("a length is malformed")]
    Length,
    /// Another protocol version than MLS 1.0.
    #[error("unsupported protocol version {0}")]
    Version(u16),
    /// A welcome, a group info, a key package or an unknown kind.
    #[error("unsupported wire format {0}")]
    WireFormat(u16),
    /// An unknown kind of sender.
    #[error("unknown sender type {0}")]
    Sender(u8),
    /// An unknown kind of content.
    #[error("unknown content type {0}")]
    ContentType(u8),
}

const MLS_1_0: u16 = 1;
const PUBLIC_MESSAGE: u16 = 1;
const PRIVATE_MESSAGE: u16 = 2;

impl<'a> Header<'a> {
    /// Reads the header of an `MLSMessage`. Bytes after the message are not looked at.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, InvalidHeader> {
        let mut input = Input(bytes);
        let version = input.u16()?;
        if version != MLS_1_0 {
            return Err(InvalidHeader::Version(version));
        }
        match input.u16()? {
            PUBLIC_MESSAGE => {
                let group_id = input.vector()?;
                let epoch = input.u64()?;
                match input.u8()? {
                    // a member or an external sender, with an index
                    1 | 2 => input.take(4).map(drop)?,
                    // a new member
                    3 | 4 => {}
                    other => return Err(InvalidHeader::Sender(other)),
                }
                input.vector()?;
                Ok(Self {
                    group_id,
                    epoch,
                    content: input.content()?,
                })
            }
            PRIVATE_MESSAGE => {
                let group_id = input.vector()?;
                let epoch = input.u64()?;
                let content = input.content()?;
                // authenticated data, encrypted sender data, ciphertext
                for _ in 0..3 {
                    input.vector()?;
                }
                Ok(Self {
                    group_id,
                    epoch,
                    content,
                })
            }
            other => Err(InvalidHeader::WireFormat(other)),
        }
    }

    /// What the node calls a commit: a commit or a standalone proposal.
    pub(crate) fn is_commit(&self) -> bool {
        self.content != Content::Application
    }
}

/// What is left to read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], InvalidHeader> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(InvalidHeader::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self, count: usize) -> Result<u64, InvalidHeader> {
        Ok(self
            .take(count)?
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn u8(&mut self) -> Result<u8, InvalidHeader> {
        Ok(self.number(1)? as u8)
    }

    fn u16(&mut self) -> Result<u16, InvalidHeader> {
        Ok(self.number(2)? as u16)
    }

    fn u64(&mut self) -> Result<u64, InvalidHeader> {
        self.number(8)
    }

    fn content(&mut self) -> Result<Content, InvalidHeader> {
        match self.u8()? {
            1 => Ok(Content::Application),
            2 => Ok(Content::Proposal),
            3 => Ok(Content::Commit),
            other => Err(InvalidHeader::ContentType(other)),
        }
    }

    /// A vector: its length in 1, 2 or 4 bytes, of which the first two bits tell which, then its bytes.
    fn vector(&mut self) -> Result<&'a [u8], InvalidHeader> {
        let first = self.u8()?;
        let (more, smallest) = match first >> 6 {
            0 => (0, 0),
            1 => (1, 1 << 6),
            2 => (3, 1 << 14),
            _ => return Err(InvalidHeader::Length),
        };
        let length = u64::from(first & 0x3f) << (8 * more) | self.number(more)?;
        if length < smallest {
            return Err(InvalidHeader::Length);
        }
        self.take(usize::try_from(length).map_err(|_| InvalidHeader::Truncated)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn private(content: u8) -> Vec<u8> {
        let mut bytes = vec![0, 1, 0, 2, 2, 0xaa, 0xbb];
        bytes.extend(7u64.to_be_bytes());
        bytes.push(content);
        // authenticated data of 64 bytes takes a two-byte length
        bytes.extend([0x40, 64]);
        bytes.extend([0; 64]);
        bytes.extend([1, 9, 2, 8, 8]);
        bytes
    }

    #[test]
    fn a_private_message_names_group_epoch_and_content() {
        for (byte, content) in [
            (1, Content::Application),
            (2, Content::Proposal),
            (3, Content::Commit),
        ] {
            let bytes = private(byte);
            let header = Header::parse(&bytes).expect("well formed");
            assert_eq!(
                header,
                Header {
                    group_id: &[0xaa, 0xbb],
                    epoch: 7,
                    content
                }
            );
            assert_eq!(header.is_commit(), byte != 1);
        }
        assert_eq!(Header::parse(&private(4)), Err(InvalidHeader::ContentType(4)));
    }

    #[test]
    fn a_public_message_of_every_sender_is_read() {
        for (sender, index) in [(1u8, true), (2, true), (3, false), (4, false)] {
            let mut bytes = vec![0, 1, 0, 1, 1, 0xcc];
            bytes.extend(u64::MAX.to_be_bytes());
            bytes.push(sender);
            if index {
                bytes.extend([0, 0, 0, 5]);
            }
            bytes.extend([0, 3]);
            let header = Header::parse(&bytes).expect("well formed");
            assert_eq!(
                header,
                Header {
                    group_id: &[0xcc],
                    epoch: u64::MAX,
                    content: Content::Commit
                }
            );
        }
        let unknown = [0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 3];
        assert_eq!(Header::parse(&unknown), Err(InvalidHeader::Sender(5)));
    }

    #[test]
    fn every_shorter_message_is_truncated_and_longer_ones_are_read() {
        let bytes = private(1);
        for end in 0..bytes.len() {
            assert_eq!(
                Header::parse(&bytes[..end]),
                Err(InvalidHeader::Truncated),
                "{end} bytes"
            );
        }
        let longer = [bytes.as_slice(), b"more"].concat();
        assert!(Header::parse(&longer).is_ok());
    }

    #[test]
    fn other_messages_are_refused() {
        for format in [0, 3, 4, 5, 6] {
            assert_eq!(
                Header::parse(&[0, 1, 0, format]),
                Err(InvalidHeader::WireFormat(u16::from(format)))
            );
        }
        assert_eq!(Header::parse(&[0, 2, 0, 2]), Err(InvalidHeader::Version(2)));
    }

    #[test]
    fn lengths_must_be_minimal() {
        for length in [
            &[0x40, 0x01][..],
            &[0x80, 0, 0x3f, 0xff],
            &[0xc0, 0, 0, 0, 0, 0, 0, 1],
        ] {
            let bytes = [&[0, 1, 0, 2], length, &[0; 40]].concat();
            assert_eq!(Header::parse(&bytes), Err(InvalidHeader::Length));
        }
        let beyond = [0, 1, 0, 2, 0xbf, 0xff, 0xff, 0xff];
        assert_eq!(Header::parse(&beyond), Err(InvalidHeader::Truncated));
    }
}
