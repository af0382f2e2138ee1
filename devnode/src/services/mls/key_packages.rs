//! Uploading and fetching key packages.

use crate::services::Node;
use crate::validate;
use std::collections::HashMap;
use tonic::Status;
use xmtp_web::proto::xmtp::mls::api::v1 as wire;

/// Makes a key package the latest of its installation and returns the installation's key.
pub(super) fn upload(node: &Node, upload: Option<wire::KeyPackageUpload>) -> Result<Vec<u8>, Status> {
    let Some(upload) = upload else {
        return Err(Status::invalid_argument("no key package"));
    };
    let bytes = upload.key_package_tls_serialized;
    let installation = validate::key_package(&bytes).map_err(|e| {
        Status::invalid_argument(format!(
            "invalid identity: XMTP Key Package failed mls validation: {e}"
        ))
    })?;
    node.store
        .put_key_package(installation.as_bytes(), &bytes)
        .map_err(|e| Status::internal(format!("failed to store key package: {e}")))?;
    Ok(installation.to_vec())
}

/// The latest key package of each installation, aligned with the request, empty where there is none. Of a key
/// asked for twice only the last place is filled.
pub(super) fn fetch(node: &Node, keys: &[Vec<u8>]) -> Result<wire::FetchKeyPackagesResponse, Status> {
    let places: HashMap<&Vec<u8>, usize> = keys.iter().enumerate().map(|(place, key)| (key, place)).collect();
    let fetch = |(place, key): (usize, &Vec<u8>)| {
        let package = match places.get(key) {
            Some(last) if *last == place => node.store.key_package(key),
            _ => Ok(None),
        };
        package
            .map(|package| wire::fetch_key_packages_response::KeyPackage {
                key_package_tls_serialized: package.unwrap_or_default(),
            })
            .map_err(|e| Status::internal(e.to_string()))
    };
    let key_packages = keys.iter().enumerate().map(fetch).collect::<Result<_, _>>()?;
    Ok(wire::FetchKeyPackagesResponse { key_packages })
}
