//! Compressed content, on receipt only: libxmtp reads none, so none is written.
//!
//! # Source
//! XIP-5. `COMPRESSION_DEFLATE` is a zlib container (RFC 1950) in xmtp-js and on Android, a raw DEFLATE stream
//! (RFC 1951) on iOS; `COMPRESSION_GZIP` is gzip (RFC 1952).

use std::borrow::Cow;
use std::io::Read;

use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};

use super::{Compression, ContentError, EncodedContent};

/// How many bytes compressed content may inflate to: twice what a message carries uncompressed. Without a bound a
/// message of a kilobyte fills the memory.
pub const MAX_INFLATED: usize = 2 * 1024 * 1024;

impl EncodedContent {
    /// The same content, not compressed.
    ///
    /// # Errors
    /// [`ContentError::Compression`] for an unknown kind and for bytes that do not inflate;
    /// [`ContentError::TooLarge`] above [`MAX_INFLATED`].
    pub fn inflated(&self) -> Result<Cow<'_, Self>, ContentError> {
        match self.compression {
            // what came is here already
            None => Ok(Cow::Borrowed(self)),
            Some(_) => self.inflated_within(MAX_INFLATED),
        }
    }

    /// The same of content that has no more bytes than this, compressed or not.
    ///
    /// # Errors
    /// As [`inflated`](Self::inflated), with this limit.
    pub fn inflated_within(&self, limit: usize) -> Result<Cow<'_, Self>, ContentError> {
        let bytes = self.content.as_slice();
        let content = match self.compression {
            None if bytes.len() > limit => return Err(ContentError::TooLarge { limit }),
            None => return Ok(Cow::Borrowed(self)),
            Some(Compression::Gzip) => read(GzDecoder::new(bytes), limit)?,
            Some(Compression::Deflate) => match read(ZlibDecoder::new(bytes), limit) {
                Err(ContentError::Compression) => read(DeflateDecoder::new(bytes), limit)?,
                other => other?,
            },
            Some(Compression::Unknown(_)) => return Err(ContentError::Compression),
        };
        Ok(Cow::Owned(Self {
            content,
            compression: None,
            ..self.clone()
        }))
    }
}

fn read(from: impl Read, limit: usize) -> Result<Vec<u8>, ContentError> {
    let mut inflated = Vec::new();
    from.take(limit as u64 + 1)
        .read_to_end(&mut inflated)
        .map_err(|_| ContentError::Compression)?;
    if inflated.len() > limit {
        return Err(ContentError::TooLarge { limit });
    }
    Ok(inflated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;
    use std::io::Write as _;

    fn compressed(compression: Compression, content: Vec<u8>) -> EncodedContent {
        EncodedContent {
            content,
            compression: Some(compression),
            ..Default::default()
        }
    }

    fn fast() -> flate2::Compression {
        flate2::Compression::fast()
    }

    fn zlib(plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), fast());
        encoder.write_all(plain).expect("memory");
        encoder.finish().expect("memory")
    }

    proptest! {
        #[test]
        fn the_three_forms_peers_write_are_read(plain: Vec<u8>) {
            let mut raw = DeflateEncoder::new(Vec::new(), fast());
            raw.write_all(&plain).expect("memory");
            let mut gzip = GzEncoder::new(Vec::new(), fast());
            gzip.write_all(&plain).expect("memory");
            for content in [
                compressed(Compression::Deflate, zlib(&plain)),
                compressed(Compression::Deflate, raw.finish().expect("memory")),
                compressed(Compression::Gzip, gzip.finish().expect("memory")),
            ] {
                let inflated = content.inflated().expect("inflates");
                prop_assert_eq!(&inflated.content, &plain);
                prop_assert_eq!(inflated.compression, None);
            }
        }

        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            let _ = compressed(Compression::Deflate, bytes.clone()).inflated();
            let _ = compressed(Compression::Gzip, bytes).inflated();
        }
    }

    #[test]
    fn a_small_message_that_inflates_without_end_is_refused() {
        let bomb = zlib(&vec![0; MAX_INFLATED + 1]);
        assert!(bomb.len() < MAX_INFLATED / 100);
        let refused = ContentError::TooLarge { limit: MAX_INFLATED };
        assert_eq!(compressed(Compression::Deflate, bomb).inflated(), Err(refused));
        let allowed = zlib(&vec![0; MAX_INFLATED]);
        assert!(compressed(Compression::Deflate, allowed).inflated().is_ok());
    }

    #[test]
    fn an_unknown_kind_and_a_torn_stream_are_refused() {
        let unknown = compressed(Compression::Unknown(2), vec![1]);
        assert_eq!(unknown.inflated(), Err(ContentError::Compression));
        let mut torn = zlib(b"compress me, compress me, compress me");
        torn.truncate(torn.len() - 5);
        assert_eq!(
            compressed(Compression::Gzip, torn).inflated(),
            Err(ContentError::Compression)
        );
    }
}
