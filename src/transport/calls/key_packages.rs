//! Key packages: what others need to add an installation to a group.

use std::collections::HashMap;

use crate::ids::InstallationId;
use crate::proto::xmtp::mls::api::v1 as wire;

use super::super::{Method, TransportError};
use super::{NodeApi, check_count};

/// How many key packages are fetched per request: at a few kilobytes each, far below the size limit.
const FETCH_BATCH: usize = 1000;

impl NodeApi {
    /// Makes `key_package` (a bare TLS `KeyPackage`, RFC 9420 §10, not wrapped in an `MLSMessage`) the one
    /// that others get for the installation whose signature key is in its leaf.
    ///
    /// # Errors
    /// [`TransportError`].
    pub async fn upload_key_package(&self, key_package: Vec<u8>) -> Result<(), TransportError> {
        let request = wire::UploadKeyPackageRequest {
            key_package: Some(wire::KeyPackageUpload {
                key_package_tls_serialized: key_package,
            }),
            is_inbox_id_credential: true,
        };
        self.call::<()>(Method::UploadKeyPackage, &request).await
    }

    /// The newest key package of each of `installations`, in their order, not yet looked at; `None` where
    /// there is none. Fetching uses nothing up. Revoked and expired ones are included.
    ///
    /// # Errors
    /// [`TransportError`].
    pub async fn fetch_key_packages(
        &self,
        installations: &[InstallationId],
    ) -> Result<Vec<Option<Vec<u8>>>, TransportError> {
        // Nodes answer a key that is asked for twice only once.
        let mut distinct = Vec::with_capacity(installations.len());
        let mut places = HashMap::with_capacity(installations.len());
        for installation in installations {
            places.entry(*installation).or_insert_with(|| {
                distinct.push(*installation);
                distinct.len() - 1
            });
        }
        let mut found = Vec::with_capacity(distinct.len());
        for batch in distinct.chunks(FETCH_BATCH) {
            let request = wire::FetchKeyPackagesRequest {
                installation_keys: batch.iter().map(|key| key.to_vec()).collect(),
            };
            let answer: wire::FetchKeyPackagesResponse =
                self.call(Method::FetchKeyPackages, &request).await?;
            check_count(batch.len(), answer.key_packages.len())?;
            found.extend(
                answer
                    .key_packages
                    .into_iter()
                    .map(|one| one.key_package_tls_serialized),
            );
        }
        let package = |key: &InstallationId| {
            places
                .get(key)
                .and_then(|place| found.get(*place))
                .filter(|bytes| !bytes.is_empty())
                .cloned()
        };
        Ok(installations.iter().map(package).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::InvalidResponse;
    use crate::transport::scripted::ScriptedTransport;
    use prost::Message;

    fn answer(packages: &[&[u8]]) -> Result<Vec<u8>, TransportError> {
        let package = |bytes: &&[u8]| wire::fetch_key_packages_response::KeyPackage {
            key_package_tls_serialized: bytes.to_vec(),
        };
        let key_packages = packages.iter().map(package).collect();
        Ok(wire::FetchKeyPackagesResponse { key_packages }.encode_to_vec())
    }

    #[test]
    fn packages_are_aligned_even_if_asked_for_twice() {
        let [a, b] = [1, 2].map(|n| InstallationId::new([n; 32]));
        let (node, api, machine) = ScriptedTransport::api([answer(&[b"pa", b""])]);
        let packages = machine.run(api.fetch_key_packages(&[a, b, a])).expect("packages");
        assert_eq!(packages, [Some(b"pa".to_vec()), None, Some(b"pa".to_vec())]);
        let asked: wire::FetchKeyPackagesRequest = node.request(0);
        assert_eq!(asked.installation_keys, [a.to_vec(), b.to_vec()]);
    }

    #[test]
    fn a_list_of_another_length_is_invalid() {
        let (_, api, machine) = ScriptedTransport::api([answer(&[b"a", b"b"])]);
        assert_eq!(
            machine.run(api.fetch_key_packages(&[InstallationId::new([1; 32])])),
            Err(InvalidResponse::WrongCount { expected: 1, got: 2 }.into())
        );
    }

    #[test]
    fn uploads_name_the_credential_kind() {
        let (node, api, machine) = ScriptedTransport::api([Ok(vec![])]);
        machine.run(api.upload_key_package(vec![9])).expect("uploaded");
        let sent: wire::UploadKeyPackageRequest = node.request(0);
        assert!(sent.is_inbox_id_credential);
        assert_eq!(sent.key_package.expect("one").key_package_tls_serialized, [9]);
    }
}
