//! The piece of a WAL that is kept: what may be added to it, and when it is to be passed on.

use std::collections::TryReserveError;
use std::ops::Range;

use rusqlite::ffi::sqlite3_int64;

/// Bytes that are kept at most; a larger transaction is written in parts. SQLite's VFS for Unix takes no more at once.
const LIMIT: usize = 0x1_ffff;
/// Bytes of the header of a WAL, and of that of a frame.
pub(super) const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// Where the size of a page stands in a WAL's header, big endian.
const PAGE_SIZE: Range<usize> = 8..12;
/// Where the size of the database after a commit stands in a frame's header; all zero in frames that do not commit.
const COMMIT: Range<usize> = 4..8;

/// What was written and not passed on: one piece.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) at: sqlite3_int64,
    pub(super) bytes: Vec<u8>,
    /// Bytes of a frame, once known.
    pub(super) frame: Option<usize>,
    /// What the last frame's header has in [`COMMIT`].
    commit: [u8; 4],
    /// Where the last write ended.
    next: sqlite3_int64,
}

impl Gathered {
    /// Takes the size of pages from the WAL's header.
    pub(super) fn read_header(&mut self, header: &[u8]) {
        let size = header
            .get(PAGE_SIZE)
            .and_then(|bytes| Some(u32::from_be_bytes(bytes.try_into().ok()?)))
            .filter(|size| (512..=65_536).contains(size));
        self.frame = size.map(|size| FRAME_HEADER + size as usize);
    }

    /// Whether a write continues the piece, and there is room for it.
    pub(super) fn continues(&self, bytes: &[u8], at: sqlite3_int64) -> bool {
        let length = self.bytes.len();
        length == 0 || (self.at.saturating_add_unsigned(length as u64) == at && length + bytes.len() <= LIMIT)
    }

    /// Keeps a write that [continues](Self::continues) the piece, if there is memory for it. Answers whether it must be passed on.
    pub(super) fn keep(&mut self, bytes: &[u8], at: sqlite3_int64) -> Result<bool, TryReserveError> {
        let ends = self.ends(bytes, at);
        self.bytes.try_reserve(bytes.len())?;
        if self.bytes.is_empty() {
            self.at = at;
        }
        self.bytes.extend_from_slice(bytes);
        Ok(ends)
    }

    /// Whether nothing is to be kept behind a write: it ends a frame that commits, does not follow the write before, or is not
    /// understood. SQLite may write a header or a page in two parts.
    fn ends(&mut self, bytes: &[u8], at: sqlite3_int64) -> bool {
        let follows = std::mem::replace(&mut self.next, at.saturating_add_unsigned(bytes.len() as u64)) == at;
        if at == 0 {
            self.read_header(bytes);
            return bytes.len() != HEADER;
        }
        let (Some(frame), Ok(at)) = (self.frame, usize::try_from(at)) else {
            return true;
        };
        let Some(start) = at.checked_sub(HEADER).map(|at| at % frame) else {
            return true;
        };
        for (place, kept) in COMMIT.zip(&mut self.commit) {
            if let Some(byte) = place.checked_sub(start).and_then(|index| bytes.get(index)) {
                *kept = *byte;
            }
        }
        let end = start + bytes.len();
        !follows || end > frame || end == frame && self.commit != [0; 4]
    }

    /// What is kept of these bytes of the file.
    pub(super) fn kept(&self, at: sqlite3_int64, length: usize) -> Kept<'_> {
        let (start, end) = (self.at, self.at.saturating_add_unsigned(self.bytes.len() as u64));
        if at >= end || at.saturating_add_unsigned(length as u64) <= start {
            return Kept::Nothing;
        }
        let all = usize::try_from(at - start).ok();
        match all.and_then(|from| self.bytes.get(from..from + length)) {
            Some(bytes) => Kept::All(bytes),
            None => Kept::Part,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kept<'a> {
    Nothing,
    Part,
    All(&'a [u8]),
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 4096;
    const FRAME: usize = FRAME_HEADER + PAGE;

    /// A WAL without frames, whose header was passed on.
    fn begun() -> Gathered {
        let mut header = [9; HEADER];
        header[PAGE_SIZE].copy_from_slice(&(PAGE as u32).to_be_bytes());
        let mut gathered = Gathered::default();
        assert_eq!(gathered.keep(&header, 0), Ok(false));
        gathered.bytes.clear();
        gathered
    }

    /// The bytes of a frame.
    fn frame(commits: bool) -> [u8; FRAME] {
        let mut frame = [7; FRAME];
        frame[COMMIT].copy_from_slice(&u32::from(commits).to_be_bytes());
        frame
    }

    /// Writes a frame in parts, and answers after which of them something was to be passed on, as it then is.
    fn write(gathered: &mut Gathered, number: usize, frame: &[u8; FRAME], parts: &[usize]) -> Vec<bool> {
        let mut at = HEADER + number * FRAME;
        let (mut rest, mut passed) = (&frame[..], Vec::new());
        for length in parts.iter().copied().chain([FRAME - parts.iter().sum::<usize>()]) {
            let (part, behind) = rest.split_at(length);
            let place = sqlite3_int64::try_from(at).expect("small");
            assert!(gathered.continues(part, place));
            passed.push(gathered.keep(part, place).expect("memory"));
            if passed.last() == Some(&true) {
                gathered.bytes.clear();
            }
            (at, rest) = (at + length, behind);
        }
        passed
    }

    #[test]
    fn frames_are_kept_up_to_the_end_of_the_one_that_commits() {
        let mut gathered = begun();
        let header = &[FRAME_HEADER][..];
        assert_eq!(write(&mut gathered, 0, &frame(false), header), [false, false]);
        assert_eq!(write(&mut gathered, 1, &frame(false), header), [false, false]);
        assert_eq!((gathered.at, gathered.bytes.len()), (32, 2 * FRAME));
        assert_eq!(write(&mut gathered, 2, &frame(true), header), [false, true]);
        assert_eq!(
            write(&mut gathered, 3, &frame(false), header),
            [false, false],
            "the next one"
        );
    }

    #[test]
    fn it_does_not_matter_in_which_parts_a_frame_is_written() {
        for first in 1..=40 {
            for second in [1, 3, FRAME_HEADER, 1000, FRAME - 41] {
                let mut gathered = begun();
                let parts = [first, second];
                assert_eq!(
                    write(&mut gathered, 0, &frame(true), &parts),
                    [false, false, true]
                );
                assert_eq!(write(&mut gathered, 1, &frame(false), &parts), [false; 3]);
                assert_eq!(
                    write(&mut gathered, 2, &frame(true), &parts),
                    [false, false, true]
                );
            }
        }
    }

    #[test]
    fn a_frame_that_is_written_again_is_passed_on_at_once() {
        let mut gathered = begun();
        for number in 0..2 {
            write(&mut gathered, number, &frame(false), &[FRAME_HEADER]);
        }
        assert!(!gathered.continues(&[7; FRAME_HEADER], 32));
        gathered.bytes.clear();
        assert_eq!(gathered.keep(&frame(true)[..FRAME_HEADER], 32), Ok(true));
    }

    #[test]
    fn what_is_kept_is_read_from_there() {
        let mut gathered = begun();
        write(&mut gathered, 0, &frame(false), &[FRAME_HEADER]);
        let end = sqlite3_int64::try_from(HEADER + FRAME).expect("small");
        assert_eq!(gathered.kept(32, FRAME), Kept::All(&frame(false)));
        assert_eq!(gathered.kept(end - 3, 3), Kept::All(&[7; 3]));
        assert_eq!(gathered.kept(end - 3, 4), Kept::Part);
        assert_eq!(gathered.kept(0, 33), Kept::Part);
        assert_eq!(gathered.kept(0, 32), Kept::Nothing);
        assert_eq!(gathered.kept(end, 1), Kept::Nothing);
    }

    #[test]
    fn what_is_not_understood_is_passed_on() {
        let mut unknown = Gathered::default();
        assert_eq!(
            unknown.keep(&[0; FRAME_HEADER], 32),
            Ok(true),
            "pages of what size?"
        );
        let mut gathered = begun();
        assert_eq!(gathered.keep(&[0; FRAME + 1], 32), Ok(true), "more than a frame");
        assert_eq!(begun().keep(&[0; 8], 8), Ok(true), "a part of the header");
        gathered.read_header(&[0xff; HEADER]);
        assert_eq!(gathered.frame, None);
    }

    #[test]
    fn what_is_kept_has_a_limit_and_is_one_piece() {
        let mut gathered = begun();
        let mut number = 0;
        while gathered.continues(
            &[7; FRAME],
            sqlite3_int64::try_from(HEADER + number * FRAME).expect("small"),
        ) {
            write(&mut gathered, number, &frame(false), &[]);
            number += 1;
        }
        assert_eq!(gathered.bytes.len(), 31 * FRAME);
        assert!(!gathered.continues(&[7], 32));
    }
}
