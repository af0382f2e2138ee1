//! Where a node is, and how this library introduces itself there.

use crate::version::PROTOCOL_VERSION;

use super::TransportError;

/// What an app is called if it gives no name, as in libxmtp.
const NO_APP_VERSION: &str = "0.0.0";

/// A node's address and the headers sent with every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    base: String,
    app_version: String,
}

impl Endpoint {
    /// An endpoint at `url` (`http://` or `https://`, any trailing slashes are dropped: gRPC-Web proxies
    /// take the empty path segment seriously) for the app `app_version`, customarily `name/1.2.3`.
    ///
    /// # Errors
    /// [`TransportError::InvalidEndpoint`] if either cannot be what it should.
    pub fn new(url: &str, app_version: Option<&str>) -> Result<Self, TransportError> {
        let base = url.trim().trim_end_matches('/');
        let host = base
            .strip_prefix("https://")
            .or_else(|| base.strip_prefix("http://"));
        let host = host.ok_or(TransportError::InvalidEndpoint(
            "the address must start with http:// or https://",
        ))?;
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c == '?' || c == '#') {
            return Err(TransportError::InvalidEndpoint(
                "the address must be a host and an optional path",
            ));
        }
        let app_version = app_version.map_or(NO_APP_VERSION, str::trim);
        if app_version.len() > 256 || !app_version.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            return Err(TransportError::InvalidEndpoint(
                "the app version must be at most 256 printable ASCII characters",
            ));
        }
        Ok(Self {
            base: base.to_owned(),
            app_version: app_version.to_owned(),
        })
    }

    /// The address without a trailing slash.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The headers that identify app and protocol, names in lower case. Both are on the list that the
    /// proxies before public nodes let through; a browser's preflight would fail for others.
    #[must_use]
    pub fn headers(&self) -> [(&'static str, &str); 2] {
        [
            ("x-app-version", &self.app_version),
            ("x-libxmtp-version", PROTOCOL_VERSION),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_slashes_are_dropped() {
        let endpoint = Endpoint::new("https://node.example:5558//", Some("chat/1.0.0")).expect("valid");
        assert_eq!(endpoint.base(), "https://node.example:5558");
        assert_eq!(
            endpoint.headers(),
            [("x-app-version", "chat/1.0.0"), ("x-libxmtp-version", "1.10.0")]
        );
    }

    #[test]
    fn what_is_no_address_or_no_header_is_refused() {
        for url in [
            "",
            "node.example",
            "ftp://node.example",
            "http://",
            "http://a b",
            "http://a/?q",
        ] {
            assert!(
                matches!(Endpoint::new(url, None), Err(TransportError::InvalidEndpoint(_))),
                "{url}"
            );
        }
        let refused = Endpoint::new("http://localhost", Some("line\nbreak"));
        assert!(matches!(refused, Err(TransportError::InvalidEndpoint(_))));
    }
}
