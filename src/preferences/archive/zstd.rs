//! Reading zstd (RFC 8878), one frame, block by block.
//!
//! Memory is bounded by the window, whatever a stream expands to. Dictionaries are refused, since nobody agreed on
//! one; the checksum is not computed, since every byte that comes out is authenticated by its reader.

use super::ArchiveError;

mod bits;
mod fse;
mod huffman;

use bits::Backward;
use fse::Fse;
use huffman::Huffman;

/// The longest block there may be, before and after decompression (§3.1.1.2.4).
pub(super) const MAX_BLOCK: usize = 128 << 10;
/// What a frame of blocks without a checksum and of unknown length begins with; its window is one block.
pub(super) const WRITTEN_HEADER: [u8; 6] = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
/// The largest window that is followed; what the RFC asks decoders to support (§3.1.1.1.2).
const MAX_WINDOW: u64 = 8 << 20;
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The stream is not what RFC 8878 says.
#[derive(Debug)]
pub(super) struct Damaged;

impl From<Damaged> for ArchiveError {
    fn from(_: Damaged) -> Self {
        ArchiveError::Malformed("a damaged zstd stream")
    }
}

/// The first `count` bytes, taken off the front.
fn split<'a>(input: &mut &'a [u8], count: usize) -> Result<&'a [u8], Damaged> {
    let (head, rest) = input.split_at_checked(count).ok_or(Damaged)?;
    *input = rest;
    Ok(head)
}

/// The same as a little-endian number; at most 8 bytes.
fn number(input: &mut &[u8], count: usize) -> Result<u64, Damaged> {
    let bytes = split(input, count)?;
    Ok(bytes
        .iter()
        .rev()
        .fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
}

/// What a sequence needs a table for.
#[derive(Clone, Copy)]
enum Part {
    Literals,
    Offset,
    Match,
}

impl Part {
    /// The largest accuracy and the number of symbols.
    const fn limits(self) -> (u32, usize) {
        match self {
            Part::Literals => (9, 36),
            Part::Offset => (8, 32),
            Part::Match => (9, 53),
        }
    }

    fn predefined(self) -> Result<Fse, Damaged> {
        match self {
            Part::Literals => Fse::new(6, &fse::LITERALS),
            Part::Offset => Fse::new(5, &fse::OFFSETS),
            Part::Match => Fse::new(6, &fse::MATCHES),
        }
    }
}

/// Decompresses one frame.
pub(super) struct Decoder<'a> {
    input: &'a [u8],
    /// The window, then what nobody has read yet.
    output: Vec<u8>,
    /// Where the unread part begins.
    unread: usize,
    window: usize,
    has_checksum: bool,
    is_done: bool,
    huffman: Option<Huffman>,
    tables: [Option<Fse>; 3],
    offsets: [usize; 3],
}

impl<'a> Decoder<'a> {
    /// Reads a frame's header.
    pub(super) fn new(mut input: &'a [u8]) -> Result<Self, Damaged> {
        if split(&mut input, 4)? != MAGIC {
            return Err(Damaged);
        }
        let descriptor = number(&mut input, 1)?;
        let is_single = descriptor & 0x20 != 0;
        // A reserved bit, or a dictionary.
        if descriptor & 0x0b != 0 {
            return Err(Damaged);
        }
        let mut window = 0;
        if !is_single {
            let byte = number(&mut input, 1)?;
            let base = 1u64 << (10 + (byte >> 3));
            window = base + (base >> 3) * (byte & 7);
        }
        let (length, add) = match descriptor >> 6 {
            0 => (usize::from(is_single), 0),
            1 => (2, 256),
            2 => (4, 0),
            _ => (8, 0),
        };
        let content = number(&mut input, length)?.saturating_add(add);
        if is_single {
            window = content;
        }
        if window > MAX_WINDOW {
            return Err(Damaged);
        }
        Ok(Self {
            input,
            output: Vec::new(),
            unread: 0,
            window: usize::try_from(window).map_err(|_| Damaged)?,
            has_checksum: descriptor & 4 != 0,
            is_done: false,
            huffman: None,
            tables: [None, None, None],
            offsets: [1, 4, 8],
        })
    }

    /// What was decompressed and not taken yet; at least `count` bytes unless the stream ends before.
    pub(super) fn peek(&mut self, count: usize) -> Result<&[u8], Damaged> {
        while !self.is_done && self.output.len() - self.unread < count {
            self.block()?;
        }
        self.output.get(self.unread..).ok_or(Damaged)
    }

    /// Takes so many bytes of what [`peek`](Self::peek) showed.
    pub(super) fn consume(&mut self, count: usize) {
        self.unread = self.output.len().min(self.unread + count);
    }

    /// Decompresses a block.
    fn block(&mut self) -> Result<(), Damaged> {
        let old = self.unread.min(self.output.len().saturating_sub(self.window));
        // Not for every block: moving costs as much as what stays.
        if old > self.window.max(MAX_BLOCK) {
            self.output.drain(..old);
            self.unread -= old;
        }
        let header = usize::try_from(number(&mut self.input, 3)?).map_err(|_| Damaged)?;
        let size = header >> 3;
        if size > MAX_BLOCK {
            return Err(Damaged);
        }
        match (header >> 1) & 3 {
            0 => self.output.extend_from_slice(split(&mut self.input, size)?),
            1 => {
                let byte = *split(&mut self.input, 1)?.first().ok_or(Damaged)?;
                self.output.resize(self.output.len() + size, byte);
            }
            2 => {
                let block = split(&mut self.input, size)?;
                self.compressed(block)?;
            }
            _ => return Err(Damaged),
        }
        if header & 1 == 1 {
            self.is_done = true;
            if self.has_checksum {
                split(&mut self.input, 4)?;
            }
            if !self.input.is_empty() {
                return Err(Damaged);
            }
        }
        Ok(())
    }

    fn compressed(&mut self, mut block: &[u8]) -> Result<(), Damaged> {
        let literals = self.literals(&mut block)?;
        let mut literals = literals.as_slice();
        let first = usize::try_from(number(&mut block, 1)?).map_err(|_| Damaged)?;
        let more = |block: &mut &[u8], count| -> Result<usize, Damaged> {
            usize::try_from(number(block, count)?).map_err(|_| Damaged)
        };
        let count = match first {
            0..=127 => first,
            128..=254 => ((first - 128) << 8) + more(&mut block, 1)?,
            _ => 0x7f00 + more(&mut block, 2)?,
        };
        let end = self.output.len() + MAX_BLOCK;
        if count > 0 {
            self.sequences(block, count, &mut literals, end)?;
        } else if !block.is_empty() {
            return Err(Damaged);
        }
        self.literal_bytes(&mut literals, usize::MAX, end)
    }

    /// Copies at most `count` literals to the output, which must not grow beyond `end`.
    fn literal_bytes(&mut self, literals: &mut &[u8], count: usize, end: usize) -> Result<(), Damaged> {
        let count = if count == usize::MAX {
            literals.len()
        } else {
            count
        };
        let bytes = split(literals, count)?;
        if self.output.len() + bytes.len() > end {
            return Err(Damaged);
        }
        self.output.extend_from_slice(bytes);
        Ok(())
    }

    /// Literals (§3.1.1.3.1).
    fn literals(&mut self, block: &mut &[u8]) -> Result<Vec<u8>, Damaged> {
        let first = *block.first().ok_or(Damaged)?;
        let (kind, format) = (first & 3, (first >> 2) & 3);
        if kind < 2 {
            let (header, shift) = match format {
                0 | 2 => (1, 3),
                1 => (2, 4),
                _ => (3, 4),
            };
            let size = usize::try_from(number(block, header)? >> shift).map_err(|_| Damaged)?;
            if size > MAX_BLOCK {
                return Err(Damaged);
            }
            return Ok(if kind == 0 {
                split(block, size)?.to_vec()
            } else {
                let byte = split(block, 1)?;
                byte.repeat(size)
            });
        }
        let (header, bits) = match format {
            0 | 1 => (3, 10),
            2 => (4, 14),
            _ => (5, 18),
        };
        let sizes = number(block, header)? >> 4;
        let size = |number: u64| usize::try_from(number & ((1 << bits) - 1)).map_err(|_| Damaged);
        let (size, packed) = (size(sizes)?, size(sizes >> bits)?);
        if size > MAX_BLOCK {
            return Err(Damaged);
        }
        let mut packed = split(block, packed)?;
        if kind == 2 {
            self.huffman = Some(Huffman::read(&mut packed)?);
        }
        let huffman = self.huffman.as_ref().ok_or(Damaged)?;
        let mut literals = Vec::with_capacity(size);
        if format == 0 {
            huffman.decode(packed, size, &mut literals)?;
            return Ok(literals);
        }
        let mut jumps = split(&mut packed, 6)?;
        let each = size.div_ceil(4);
        for _ in 0..3 {
            let length = usize::try_from(number(&mut jumps, 2)?).map_err(|_| Damaged)?;
            huffman.decode(split(&mut packed, length)?, each, &mut literals)?;
        }
        let last = size.checked_sub(3 * each).ok_or(Damaged)?;
        huffman.decode(packed, last, &mut literals)?;
        Ok(literals)
    }

    /// The table of one part of the sequences (§3.1.1.3.2.1).
    fn table(&mut self, part: Part, mode: u64, block: &mut &[u8]) -> Result<(), Damaged> {
        let (accuracy, symbols) = part.limits();
        let table = match mode & 3 {
            0 => part.predefined()?,
            1 => {
                let symbol = *split(block, 1)?.first().ok_or(Damaged)?;
                if usize::from(symbol) >= symbols {
                    return Err(Damaged);
                }
                Fse::constant(symbol)
            }
            2 => Fse::read(block, accuracy, symbols)?,
            _ => return Ok(()),
        };
        self.tables[part as usize] = Some(table);
        Ok(())
    }

    /// Sequences (§3.1.1.3.2): so many literals, then a copy of what was there before.
    fn sequences(
        &mut self,
        mut block: &[u8],
        count: usize,
        literals: &mut &[u8],
        end: usize,
    ) -> Result<(), Damaged> {
        let modes = number(&mut block, 1)?;
        if modes & 3 != 0 {
            return Err(Damaged);
        }
        self.table(Part::Literals, modes >> 6, &mut block)?;
        self.table(Part::Offset, modes >> 4, &mut block)?;
        self.table(Part::Match, modes >> 2, &mut block)?;
        // Taken out while the output is written; put back for blocks that repeat them.
        let tables = std::mem::take(&mut self.tables);
        let [Some(of_literals), Some(of_offsets), Some(of_matches)] = &tables else {
            return Err(Damaged);
        };
        let mut bits = Backward::new(block)?;
        let mut literal_state = of_literals.begin(&mut bits);
        let mut offset_state = of_offsets.begin(&mut bits);
        let mut match_state = of_matches.begin(&mut bits);
        for left in (0..count).rev() {
            let code = of_offsets.symbol(offset_state)?;
            let offset = (1usize << code) + bits.read(code.into());
            let length = value(&MATCH_BITS, of_matches.symbol(match_state)?, 3, &mut bits)?;
            let literal_count = value(&LITERAL_BITS, of_literals.symbol(literal_state)?, 0, &mut bits)?;
            if left > 0 {
                literal_state = of_literals.next(literal_state, &mut bits)?;
                match_state = of_matches.next(match_state, &mut bits)?;
                offset_state = of_offsets.next(offset_state, &mut bits)?;
            }
            let offset = self.offset(offset, literal_count == 0)?;
            self.literal_bytes(literals, literal_count, end)?;
            self.copy(offset, length, end)?;
        }
        if !bits.is_at_end() {
            return Err(Damaged);
        }
        self.tables = tables;
        Ok(())
    }

    /// How far back to copy from: 1 to 3 stand for the last offsets (§3.1.1.5).
    fn offset(&mut self, value: usize, no_literals: bool) -> Result<usize, Damaged> {
        let [first, second, third] = self.offsets;
        let at = value - 1 + usize::from(no_literals && value <= 3);
        let offset = match at {
            0 => return Ok(first),
            1 => second,
            2 => third,
            _ if value <= 3 => first - 1,
            _ => value - 3,
        };
        if offset == 0 {
            return Err(Damaged);
        }
        self.offsets = [offset, first, if at == 1 { third } else { second }];
        Ok(offset)
    }

    fn copy(&mut self, offset: usize, length: usize, end: usize) -> Result<(), Damaged> {
        let from = self.output.len().checked_sub(offset).ok_or(Damaged)?;
        if offset > self.window || self.output.len() + length > end {
            return Err(Damaged);
        }
        if offset >= length {
            self.output.extend_from_within(from..from + length);
        } else {
            // What is copied is used while it is copied.
            for at in from..from + length {
                let byte = *self.output.get(at).ok_or(Damaged)?;
                self.output.push(byte);
            }
        }
        Ok(())
    }
}

/// How many bits follow the last codes for lengths of literals, the first of which stand for themselves.
const LITERAL_BITS: [u8; 36] = [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13,
    14, 15, 16,
];
/// The same for lengths of copies.
const MATCH_BITS: [u8; 53] = [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1,
    1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
];

/// The length a code stands for: codes follow each other without a gap from `first` (§3.1.1.3.2.1.1).
fn value(lengths: &[u8], code: u8, first: usize, bits: &mut Backward<'_>) -> Result<usize, Damaged> {
    let (before, rest) = lengths.split_at_checked(code.into()).ok_or(Damaged)?;
    let length = *rest.first().ok_or(Damaged)?;
    let base: usize = before.iter().map(|length| 1usize << length).sum();
    Ok(first + base + bits.read(length.into()))
}

// The reference is C, which is not built for wasm32.
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decompress(bytes: &[u8]) -> Result<Vec<u8>, Damaged> {
        let mut decoder = Decoder::new(bytes)?;
        let mut all = Vec::new();
        loop {
            let some = decoder.peek(1)?.to_vec();
            if some.is_empty() {
                return Ok(all);
            }
            decoder.consume(some.len());
            all.extend(some);
        }
    }

    /// Something with repetitions near and far and a skew, as real data has.
    fn data() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..2_000),
            proptest::collection::vec(0u8..4, 0..2_000),
            (any::<u8>(), 0usize..5_000).prop_map(|(byte, count)| vec![byte; count]),
            Just(b"length\0\0\0the same words again and again, ".repeat(20)),
        ];
        proptest::collection::vec((piece, 1usize..30), 0..12).prop_map(|pieces| {
            pieces
                .into_iter()
                .flat_map(|(piece, times)| piece.repeat(times))
                .collect()
        })
    }

    proptest! {
        // The reference is slow where this build is.
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn what_the_reference_compresses_comes_back(data in data(), level in 1i32..20) {
            let packed = ::zstd::encode_all(data.as_slice(), level).expect("compresses");
            prop_assert!(decompress(&packed).expect("decompresses") == data);
            let known_length = ::zstd::bulk::compress(&data, level).expect("compresses");
            prop_assert!(decompress(&known_length).expect("decompresses") == data);
        }

        #[test]
        fn damage_is_an_error_or_other_data_but_never_a_panic(
            data in data(), at: proptest::sample::Index, flip in 1u8..=255, level in 1i32..20,
        ) {
            let mut packed = ::zstd::encode_all(data.as_slice(), level).expect("compresses");
            let at = at.index(packed.len());
            prop_assert!(decompress(&packed[..at]).is_err(), "it breaks off");
            packed[at] ^= flip;
            let ours = decompress(&packed);
            if let (Ok(ours), Ok(reference)) = (ours, ::zstd::decode_all(packed.as_slice())) {
                prop_assert!(ours == reference);
            }
        }
    }

    #[test]
    fn a_stream_that_expands_without_end_takes_no_more_memory_than_its_window() {
        let zeros = vec![0u8; 64 << 20];
        let packed = ::zstd::encode_all(zeros.as_slice(), 1).expect("compresses");
        let mut decoder = Decoder::new(&packed).expect("a frame");
        let mut total = 0;
        loop {
            let some = decoder.peek(1).expect("decompresses").len();
            if some == 0 {
                break;
            }
            decoder.consume(some);
            total += some;
            assert!(decoder.output.capacity() < 8 << 20);
        }
        assert_eq!(total, zeros.len());
    }
}
