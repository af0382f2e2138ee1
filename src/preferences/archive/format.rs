//! The file: version, nonce, and a zstd stream of encrypted frames.
//!
//! | bytes | what |
//! |---|---|
//! | 2 | version, little-endian: 0 |
//! | 12 | the first nonce |
//! | rest | one zstd frame; in it, again and again: length (4 bytes, little-endian), AES-256-GCM of an element |
//!
//! The nonce counts up by one with each element, as a little-endian number of 96 bits.
//!
//! # Source
//! libxmtp, `xmtp_archive`.

use std::io::{ErrorKind, Read as _};

use aes_gcm::aead::Aead as _;
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use super::{ArchiveError, ArchiveKey};

/// The only version there is.
pub(super) const VERSION: u16 = 0;
/// How long an element may be. A message that a node takes is a megabyte at most.
const MAX_ELEMENT: u32 = 8 << 20;
/// What encryption adds to an element.
const TAG: u32 = 16;
/// The longest block of a zstd stream (RFC 8878 §3.1.1.2.4).
const MAX_BLOCK: usize = 128 << 10;
/// What a frame of blocks without a checksum and of unknown length begins with; its window is one block.
const WRITTEN_HEADER: [u8; 6] = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
/// The largest window that is followed, which bounds the memory whatever a stream expands to; what the RFC asks
/// decoders to support (§3.1.1.1.2).
const MAX_WINDOW: u64 = 8 << 20;

/// What surrounds the bytes of a block that is written: a header of literals, and that no sequence follows.
const AROUND: usize = 4;

/// Writes a file. What is encrypted cannot be compressed, and is not tried to be.
///
/// Blocks say that they are compressed all the same, into literals as they are, and hold whole elements where they can.
/// A decoder gives out such a block at once, but one that is stored piece by piece as it arrives, and released clients
/// lose their place when they have to wait in the middle of an element: they hang, also with files of their own.
/// RFC 8878 (§3.1.1.2.4) wants blocks that save nothing stored; decoders take both.
pub(super) struct Writer {
    file: Vec<u8>,
    block: Vec<u8>,
    cipher: Aes256Gcm,
    nonce: [u8; 12],
}

impl Writer {
    pub(super) fn new(key: &ArchiveKey, nonce: [u8; 12]) -> Self {
        let mut file = VERSION.to_le_bytes().to_vec();
        file.extend_from_slice(&nonce);
        file.extend_from_slice(&WRITTEN_HEADER);
        Self {
            file,
            block: Vec::new(),
            cipher: cipher(key),
            nonce,
        }
    }

    /// Adds an element.
    ///
    /// # Errors
    /// [`ArchiveError::Element`] for one that is too long.
    pub(super) fn push(&mut self, element: &[u8]) -> Result<(), ArchiveError> {
        let sealed = self
            .cipher
            .encrypt(Nonce::from_slice(&self.nonce), element)
            .map_err(|_| ArchiveError::Element("too long"))?;
        let length = u32::try_from(sealed.len()).unwrap_or(u32::MAX);
        if length > MAX_ELEMENT {
            return Err(ArchiveError::Element("too long"));
        }
        self.nonce = next(self.nonce);
        let length = length.to_le_bytes();
        if self.block.len() + length.len() + sealed.len() > MAX_BLOCK - AROUND {
            let full = std::mem::take(&mut self.block);
            if !full.is_empty() {
                self.store(&full, false);
            }
        }
        self.block.extend_from_slice(&length);
        self.block.extend_from_slice(&sealed);
        while self.block.len() > MAX_BLOCK - AROUND {
            let rest = self.block.split_off(MAX_BLOCK - AROUND);
            let full = std::mem::replace(&mut self.block, rest);
            self.store(&full, false);
        }
        Ok(())
    }

    /// The file.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let last = std::mem::take(&mut self.block);
        self.store(&last, true);
        self.file
    }

    /// A block: in 3 bytes whether it is the last, type 2, its length; in 3 bytes raw literals and their length in 20
    /// bits; the literals; no sequences. Without anything in it, type 0.
    fn store(&mut self, block: &[u8], is_last: bool) {
        let three = |number: usize| number.to_le_bytes().into_iter().take(3);
        let last = usize::from(is_last);
        if block.is_empty() {
            self.file.extend(three(last));
            return;
        }
        self.file
            .extend(three(((block.len() + AROUND) << 3) | (2 << 1) | last));
        self.file.extend(three((block.len() << 4) | (3 << 2)));
        self.file.extend_from_slice(block);
        self.file.push(0);
    }
}

/// Reads a file, element by element.
pub(super) struct Reader<'a> {
    stream: StreamingDecoder<&'a [u8], FrameDecoder>,
    cipher: Aes256Gcm,
    nonce: [u8; 12],
}

impl<'a> Reader<'a> {
    /// # Errors
    /// [`ArchiveError::Version`], [`ArchiveError::Malformed`].
    pub(super) fn open(file: &'a [u8], key: &ArchiveKey) -> Result<Self, ArchiveError> {
        let malformed = || ArchiveError::Malformed("it is too short");
        let (version, rest) = file.split_first_chunk::<2>().ok_or_else(malformed)?;
        let (nonce, stream) = rest.split_first_chunk::<12>().ok_or_else(malformed)?;
        let version = u16::from_le_bytes(*version);
        if version != VERSION {
            return Err(ArchiveError::Version { version });
        }
        let stream = StreamingDecoder::new_with_max_window_size(stream, MAX_WINDOW)
            .map_err(|_| ArchiveError::Malformed("it holds no zstd stream that can be read"))?;
        Ok(Self {
            stream,
            cipher: cipher(key),
            nonce: *nonce,
        })
    }

    /// The next element; `None` at the end.
    ///
    /// # Errors
    /// [`ArchiveError::Malformed`] where the file breaks off or is damaged, [`ArchiveError::Key`].
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, ArchiveError> {
        let length = self.read(4)?;
        if length.is_empty() {
            return match self.stream.get_ref() {
                [] => Ok(None),
                _ => Err(ArchiveError::Malformed("it goes on after its end")),
            };
        }
        let length = length.try_into().map(u32::from_le_bytes).map_err(|_| BROKEN)?;
        if !(TAG..=MAX_ELEMENT).contains(&length) {
            return Err(ArchiveError::Malformed("an element of an impossible length"));
        }
        let sealed = self.read(length)?;
        if sealed.len() != usize::try_from(length).unwrap_or(usize::MAX) {
            return Err(BROKEN);
        }
        let open = |nonce: [u8; 12]| self.cipher.decrypt(Nonce::from_slice(&nonce), sealed.as_slice());
        // Older writers used the first nonce twice.
        let (element, used) = match open(self.nonce) {
            Ok(element) => (element, self.nonce),
            Err(_) => {
                let before = previous(self.nonce);
                (open(before).map_err(|_| ArchiveError::Key)?, before)
            }
        };
        self.nonce = next(used);
        Ok(Some(element))
    }

    /// So many bytes, or what is left of them. Nothing is reserved for what a file only says that it holds.
    fn read(&mut self, count: u32) -> Result<Vec<u8>, ArchiveError> {
        let mut bytes = Vec::new();
        let read = self.stream.by_ref().take(count.into()).read_to_end(&mut bytes);
        match read {
            Ok(_) => Ok(bytes),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(BROKEN),
            Err(_) => Err(ArchiveError::Malformed("a damaged zstd stream")),
        }
    }
}

const BROKEN: ArchiveError = ArchiveError::Malformed("it breaks off");

fn cipher(key: &ArchiveKey) -> Aes256Gcm {
    Aes256Gcm::new(key.as_bytes().into())
}

fn number(nonce: [u8; 12]) -> u128 {
    let mut bytes = [0u8; 16];
    bytes[..12].copy_from_slice(&nonce);
    u128::from_le_bytes(bytes)
}

fn nonce(number: u128) -> [u8; 12] {
    let mut nonce = [0u8; 12];
    nonce.copy_from_slice(&number.to_le_bytes()[..12]);
    nonce
}

fn next(before: [u8; 12]) -> [u8; 12] {
    nonce(number(before).wrapping_add(1))
}

fn previous(after: [u8; 12]) -> [u8; 12] {
    nonce(number(after).wrapping_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    fn key(byte: u8) -> ArchiveKey {
        ArchiveKey::new([byte; 32])
    }

    fn file(elements: &[Vec<u8>]) -> Vec<u8> {
        let mut writer = Writer::new(&key(7), [0xff; 12]);
        for element in elements {
            writer.push(element).expect("short enough");
        }
        writer.finish()
    }

    fn read(file: &[u8], key: &ArchiveKey) -> Result<Vec<Vec<u8>>, ArchiveError> {
        let mut reader = Reader::open(file, key)?;
        let mut elements = Vec::new();
        while let Some(element) = reader.next()? {
            elements.push(element);
        }
        Ok(elements)
    }

    /// The same elements as another writer would have them: compressed.
    fn compressed(file: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        let mut stream = StreamingDecoder::new(&file[14..]).expect("a stream");
        stream.read_to_end(&mut plain).expect("whole");
        let mut compressed = file[..14].to_vec();
        compressed.extend(compress_to_vec(plain.as_slice(), CompressionLevel::Fastest));
        compressed
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            elements in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..40),
        ) {
            let file = file(&elements);
            prop_assert_eq!(read(&compressed(&file), &key(7)), Ok(elements.clone()));
            prop_assert_eq!(read(&file, &key(7)), Ok(elements));
        }

        #[test]
        fn a_file_that_breaks_off_or_is_changed_is_an_error(
            at in any::<proptest::sample::Index>(), flip in 1u8..=255,
        ) {
            let elements = vec![vec![1; 100], vec![2; 100]];
            for whole in [file(&elements), compressed(&file(&elements))] {
            let at = at.index(whole.len());
            // Without its last byte at least one element is not whole.
            prop_assert!(read(&whole[..at], &key(7)).is_err());
            let mut changed = whole.clone();
            changed[at] ^= flip;
            // Parts of the container mean nothing; never is anything else read than what was written.
            if let Ok(found) = read(&changed, &key(7)) {
                prop_assert!(elements.starts_with(&found), "{:?}", found);
            }
            }
        }

        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            let _ = read(&bytes, &key(7));
        }
    }

    #[test]
    fn long_files_are_several_blocks() {
        let elements: Vec<_> = (0..20u8).map(|byte| vec![byte; 50_000]).collect();
        let file = file(&elements);
        assert_eq!(read(&file, &key(7)), Ok(elements));
        // Two elements in each, whole: what a block holds is some elements with their lengths and tags.
        let (mut at, mut lengths) = (14 + WRITTEN_HEADER.len(), Vec::new());
        while let Some(&[low, middle, high]) = file.get(at..at + 3) {
            let header = u32::from_le_bytes([low, middle, high, 0]) as usize;
            lengths.push((header >> 3) - AROUND);
            at += 3 + (header >> 3);
        }
        assert_eq!(lengths, [2 * (4 + 50_000 + 16); 10]);
    }

    #[test]
    fn an_element_longer_than_a_block_is_in_several() {
        for length in [MAX_BLOCK - AROUND - 20, MAX_BLOCK - AROUND - 19, 3 * MAX_BLOCK] {
            let elements = vec![vec![1; 10], vec![2; length], vec![3; 10]];
            assert_eq!(read(&file(&elements), &key(7)), Ok(elements), "{length}");
        }
    }

    #[test]
    fn a_stream_of_zeros_without_end_is_refused_at_its_first_element() {
        let mut file = file(&[]);
        file.truncate(14);
        file.extend(WRITTEN_HEADER);
        // Blocks of one repeated byte: each becomes 128 KiB.
        for _ in 0..100_000 {
            file.extend(((MAX_BLOCK << 3) | 2).to_le_bytes().iter().take(3));
            file.push(0);
        }
        let mut reader = Reader::open(&file, &key(7)).expect("it begins well");
        assert!(matches!(reader.next(), Err(ArchiveError::Malformed(_))));
        let mut before_last = file.clone();
        before_last[20 + 3] = 0x10;
        let mut reader = Reader::open(&before_last, &key(7)).expect("it begins well");
        assert!(
            matches!(reader.next(), Err(ArchiveError::Malformed(_))),
            "a length of 256 MB"
        );
    }

    #[test]
    fn a_window_that_asks_for_more_memory_than_there_need_be_is_refused() {
        let mut file = file(&[vec![1]]);
        assert_eq!(file[19], 0x38, "the window: 128 KiB");
        file[19] = 0x68;
        assert!(read(&file, &key(7)).is_ok(), "8 MiB");
        file[19] = 0x70;
        assert!(
            matches!(read(&file, &key(7)), Err(ArchiveError::Malformed(_))),
            "16 MiB"
        );
    }

    #[test]
    fn what_follows_the_end_is_refused() {
        let mut file = file(&[vec![1]]);
        file.push(0);
        assert!(matches!(read(&file, &key(7)), Err(ArchiveError::Malformed(_))));
    }

    #[test]
    fn another_nonce_and_elements_in_another_order_are_refused() {
        let mut file = file(&[vec![1; 4], vec![2; 4], vec![3; 4]]);
        let mut other = file.clone();
        other[5] ^= 1;
        assert_eq!(read(&other, &key(7)), Err(ArchiveError::Key));
        // After the header, the block's and the literals': a length, then 20 bytes.
        let first = 14 + WRITTEN_HEADER.len() + 3 + 3;
        let second = first + 24;
        for at in 0..24 {
            file.swap(first + at, second + at);
        }
        assert_eq!(read(&file, &key(7)), Err(ArchiveError::Key));
    }

    #[test]
    fn another_key_and_another_version_are_refused() {
        let mut file = file(&[vec![1]]);
        assert_eq!(read(&file, &key(8)), Err(ArchiveError::Key));
        file[0] = 1;
        assert_eq!(read(&file, &key(7)), Err(ArchiveError::Version { version: 1 }));
    }

    #[test]
    fn the_nonce_of_older_writers_is_understood() {
        let mut writer = Writer::new(&key(7), [5; 12]);
        writer.push(b"one").expect("short");
        writer.nonce = [5; 12];
        writer.push(b"two").expect("short");
        writer.push(b"three").expect("short");
        let expected = vec![b"one".to_vec(), b"two".to_vec(), b"three".to_vec()];
        assert_eq!(read(&writer.finish(), &key(7)), Ok(expected));
    }
}
