//! The calls of a v3 node that this library makes.

/// Declares [`Method`] from service and method names.
macro_rules! methods {
    ($($name:ident = $service:literal, $method:literal, $kind:literal;)+) => {
        /// A call of a v3 node, by service and name as in `/proto`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Method {
            $(#[doc = concat!("`", $service, "/", $method, "`, ", $kind, ".")] $name,)+
        }

        impl Method {
            /// Every call.
            pub const ALL: &'static [Method] = &[$(Method::$name,)+];

            /// The path of the call below the node's address, with a leading slash.
            #[must_use]
            pub const fn path(self) -> &'static str {
                match self {
                    $(Method::$name => concat!("/", $service, "/", $method),)+
                }
            }

            /// The name of the call, without its service.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Method::$name => $method,)+
                }
            }
        }
    };
}

methods! {
    SendGroupMessages = "xmtp.mls.api.v1.MlsApi", "SendGroupMessages", "unary";
    SendWelcomeMessages = "xmtp.mls.api.v1.MlsApi", "SendWelcomeMessages", "unary";
    UploadKeyPackage = "xmtp.mls.api.v1.MlsApi", "UploadKeyPackage", "unary";
    FetchKeyPackages = "xmtp.mls.api.v1.MlsApi", "FetchKeyPackages", "unary";
    QueryGroupMessages = "xmtp.mls.api.v1.MlsApi", "QueryGroupMessages", "unary";
    QueryWelcomeMessages = "xmtp.mls.api.v1.MlsApi", "QueryWelcomeMessages", "unary";
    SubscribeGroupMessages = "xmtp.mls.api.v1.MlsApi", "SubscribeGroupMessages", "a stream";
    SubscribeWelcomeMessages = "xmtp.mls.api.v1.MlsApi", "SubscribeWelcomeMessages", "a stream";
    NewestGroupMessage = "xmtp.mls.api.v1.MlsApi", "GetNewestGroupMessage", "unary";
    PublishCommitLog = "xmtp.mls.api.v1.MlsApi", "BatchPublishCommitLog", "unary";
    QueryCommitLog = "xmtp.mls.api.v1.MlsApi", "BatchQueryCommitLog", "unary";
    PublishIdentityUpdate = "xmtp.identity.api.v1.IdentityApi", "PublishIdentityUpdate", "unary";
    IdentityUpdates = "xmtp.identity.api.v1.IdentityApi", "GetIdentityUpdates", "unary";
    InboxIds = "xmtp.identity.api.v1.IdentityApi", "GetInboxIds", "unary";
    VerifyContractSignatures = "xmtp.identity.api.v1.IdentityApi", "VerifySmartContractWalletSignatures", "unary";
    LegacyPublish = "xmtp.message_api.v1.MessageApi", "Publish", "unary";
    LegacyQuery = "xmtp.message_api.v1.MessageApi", "Query", "unary";
    LegacyBatchQuery = "xmtp.message_api.v1.MessageApi", "BatchQuery", "unary";
    LegacySubscribe = "xmtp.message_api.v1.MessageApi", "Subscribe", "a stream";
}

#[cfg(test)]
mod tests {
    use super::Method;

    /// The names that `/proto` declares, read from the files themselves.
    #[test]
    fn every_method_is_declared_in_the_proto_files() {
        let files = [
            (
                "xmtp.mls.api.v1.MlsApi",
                include_str!("../../proto/mls/api/v1/mls.proto"),
            ),
            (
                "xmtp.identity.api.v1.IdentityApi",
                include_str!("../../proto/identity/api/v1/identity.proto"),
            ),
            (
                "xmtp.message_api.v1.MessageApi",
                include_str!("../../proto/message_api/v1/message_api.proto"),
            ),
        ];
        for method in Method::ALL {
            let mut parts = method.path().split('/').skip(1);
            let (service, name) = (parts.next().expect("service"), parts.next().expect("name"));
            let (_, text) = files.iter().find(|f| f.0 == service).expect("a known service");
            assert!(text.contains(&format!("rpc {name}(")), "{}", method.path());
        }
    }
}
