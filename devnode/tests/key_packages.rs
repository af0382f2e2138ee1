//! Uploading and fetching key packages.

mod support;

use support::*;
use tonic::Code;
use xmtp_web::identity::InstallationKey;
use xmtp_web::ids::InboxId;
use xmtp_web::mls::{Provider, key_package};
use xmtp_web::proto::xmtp::mls::api::v1 as wire;
use xmtp_web::storage::{Store, StoreOptions};

/// A fresh key package of an installation.
fn package(key: &InstallationKey) -> Vec<u8> {
    let store = Store::open(StoreOptions::memory()).expect("memory is there");
    key_package::generate(&Provider::new(&store), key, InboxId::new([7; 32]))
        .expect("generated")
        .tls
}

fn upload_of(package: Vec<u8>) -> Option<wire::KeyPackageUpload> {
    Some(wire::KeyPackageUpload {
        key_package_tls_serialized: package,
    })
}

async fn upload(client: &Client, package: Vec<u8>) -> Result<(), tonic::Status> {
    let request = wire::UploadKeyPackageRequest {
        key_package: upload_of(package),
        is_inbox_id_credential: true,
    };
    client.call(MLS, "UploadKeyPackage", request).await
}

async fn fetch(client: &Client, keys: &[&[u8]]) -> Vec<Vec<u8>> {
    let installation_keys = keys.iter().map(|key| key.to_vec()).collect();
    let request = wire::FetchKeyPackagesRequest { installation_keys };
    let answer: wire::FetchKeyPackagesResponse = client
        .call(MLS, "FetchKeyPackages", request)
        .await
        .expect("answered");
    answer
        .key_packages
        .into_iter()
        .map(|package| package.key_package_tls_serialized)
        .collect()
}

#[tokio::test]
async fn the_latest_package_is_given_out_again_and_again_aligned_with_the_request() {
    let (_server, client) = node().await;
    let (one, two) = (
        InstallationKey::from_seed(&[1; 32]),
        InstallationKey::from_seed(&[2; 32]),
    );
    let (old, new, other) = (package(&one), package(&one), package(&two));
    for package in [&old, &new, &other] {
        upload(&client, package.clone()).await.expect("a valid package");
    }
    let (one, two) = (one.id(), two.id());
    for _ in 0..2 {
        let got = fetch(&client, &[two.as_bytes(), b"unknown", one.as_bytes()]).await;
        assert_eq!(got, [other.clone(), vec![], new.clone()]);
    }
    let twice = fetch(&client, &[one.as_bytes(), one.as_bytes()]).await;
    assert_eq!(twice, [vec![], new], "only the last place is filled");
    assert!(fetch(&client, &[]).await.is_empty());
}

#[tokio::test]
async fn registering_an_installation_answers_its_key() {
    let (_server, client) = node().await;
    let key = InstallationKey::from_seed(&[1; 32]);
    let package = package(&key);
    let request = wire::RegisterInstallationRequest {
        key_package: upload_of(package.clone()),
        is_inbox_id_credential: false,
    };
    let answer: wire::RegisterInstallationResponse = client
        .call(MLS, "RegisterInstallation", request)
        .await
        .expect("a valid package");
    assert_eq!(answer.installation_key, key.id().as_bytes());
    assert_eq!(fetch(&client, &[key.id().as_bytes()]).await, [package]);
}

#[tokio::test]
async fn packages_that_do_not_verify_are_refused() {
    let (_server, client) = node().await;
    let key = InstallationKey::from_seed(&[1; 32]);
    let good = package(&key);
    let mut forged = good.clone();
    if let Some(byte) = forged.last_mut() {
        *byte ^= 1;
    }
    for bad in [
        vec![],
        forged,
        [good.as_slice(), &[0]].concat(),
        good[..good.len() - 1].to_vec(),
    ] {
        let (code, text) = refusal(upload(&client, bad).await);
        assert_eq!(code, Code::InvalidArgument);
        assert!(
            text.starts_with("invalid identity: XMTP Key Package failed mls validation: "),
            "{text}"
        );
    }
    assert_eq!(fetch(&client, &[key.id().as_bytes()]).await, [Vec::<u8>::new()]);
    let none = client
        .call::<_, ()>(MLS, "UploadKeyPackage", wire::UploadKeyPackageRequest::default())
        .await;
    assert_eq!(
        refusal(none),
        (Code::InvalidArgument, "no key package".to_owned())
    );
}
