//! One page of rows of one key, by id.

use xmtp_web::proto::xmtp::mls::api::v1::{PagingInfo, SortDirection};

/// The most rows of a page, and the number if none is asked for.
///
/// # Source
/// xmtp-node-go `pkg/mls/store/readStore.go`.
const LARGEST_PAGE: u32 = 100;

/// Which rows are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    /// Oldest first.
    pub(crate) ascending: bool,
    /// 1 to 100.
    pub(crate) limit: u32,
    /// Rows beyond this id in the direction of reading; 0 for all.
    pub(crate) cursor: u64,
}

impl Page {
    /// The page of a request: newest first unless it says ascending, 100 rows unless it asks for fewer.
    pub(crate) fn of(info: Option<&PagingInfo>) -> Self {
        let info = info.copied().unwrap_or_default();
        Self {
            ascending: info.direction == SortDirection::Ascending as i32,
            limit: if (1..=LARGEST_PAGE).contains(&info.limit) {
                info.limit
            } else {
                LARGEST_PAGE
            },
            cursor: info.id_cursor,
        }
    }

    /// The next full page after `cursor`, oldest first.
    pub(crate) fn after(cursor: u64) -> Self {
        Self {
            ascending: true,
            limit: LARGEST_PAGE,
            cursor,
        }
    }

    /// What the answer says about itself: a cursor only if the page is full.
    pub(crate) fn answer(&self, rows: usize, last_id: Option<u64>) -> PagingInfo {
        let full = u32::try_from(rows).is_ok_and(|rows| rows >= self.limit);
        let direction = if self.ascending {
            SortDirection::Ascending
        } else {
            SortDirection::Descending
        };
        PagingInfo {
            direction: direction.into(),
            limit: self.limit,
            id_cursor: if full { last_id.unwrap_or(0) } else { 0 },
        }
    }

    /// The end of a query on `key_column` with the parameters key, cursor and limit, in this order.
    pub(super) fn clause(&self, key_column: &str) -> String {
        if self.ascending {
            format!("WHERE {key_column} = ?1 AND id > ?2 ORDER BY id ASC LIMIT ?3")
        } else {
            format!("WHERE {key_column} = ?1 AND (?2 = 0 OR id < ?2) ORDER BY id DESC LIMIT ?3")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_paging_is_the_newest_hundred() {
        assert_eq!(
            Page::of(None),
            Page {
                ascending: false,
                limit: 100,
                cursor: 0
            }
        );
    }

    #[test]
    fn limits_above_a_hundred_and_unknown_directions_fall_back() {
        let info = PagingInfo {
            direction: 7,
            limit: 101,
            id_cursor: 3,
        };
        assert_eq!(
            Page::of(Some(&info)),
            Page {
                ascending: false,
                limit: 100,
                cursor: 3
            }
        );
    }

    #[test]
    fn only_a_full_page_has_a_cursor() {
        let page = Page {
            ascending: true,
            limit: 2,
            cursor: 0,
        };
        assert_eq!(page.answer(2, Some(9)).id_cursor, 9);
        assert_eq!(page.answer(1, Some(9)).id_cursor, 0);
        assert_eq!(page.answer(0, None).direction, 1);
    }
}
