//! Key packages of released peers.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use xmtp_web::mls::{KeyPackageFault, MlsError, key_package};

use crate::clock;
use crate::peers::{bytes, id, list, name, number, peers, text};
use crate::tls::KeyPackage;

/// RFC 9420 §5.2.
fn reference(package: &[u8]) -> String {
    let label = b"MLS 1.0 KeyPackage Reference";
    let length = u16::try_from(package.len()).expect("short") | 0x4000;
    let mut hash = Sha256::new();
    hash.update([u8::try_from(label.len()).expect("short")]);
    hash.update(label);
    hash.update(length.to_be_bytes());
    hash.update(package);
    hex::encode(hash.finalize())
}

fn plain(list: &Value) -> Vec<String> {
    crate::peers::texts(list)
        .iter()
        .map(|text| text.trim_start_matches("0x").to_owned())
        .collect()
}

#[test]
fn key_packages_of_released_peers_verify() {
    for peer in peers() {
        let what = name(&peer);
        let tls = bytes(&peer["key_package"]["hex"]);
        let decoded = &peer["key_package"]["decoded"];
        let lifetime = (
            number(&decoded["lifetime"]["not_before"]),
            number(&decoded["lifetime"]["not_after"]),
        );
        assert_eq!(
            lifetime.1 - lifetime.0,
            number(&decoded["lifetime"]["seconds"]),
            "{what}"
        );
        assert_eq!(
            lifetime.1 - lifetime.0,
            key_package::LIFETIME_SECONDS + 3600,
            "{what}"
        );

        assert_eq!(key_package::lifetime_of(&tls), Some(lifetime), "{what}");
        for end in 0..tls.len() {
            // never more than is there
            let _ = key_package::lifetime_of(&tls[..end]);
        }
        match key_package::verify_standalone(&tls) {
            Ok(verified) => {
                assert_eq!(decoded["valid"], true);
                assert_eq!(verified.inbox_id(), id(&decoded["inbox_id"]), "{what}");
                assert_eq!(
                    verified.installation_id(),
                    id(&decoded["signature_key"]),
                    "{what}"
                );
                assert_eq!(
                    hex::encode(verified.init_key()),
                    text(&decoded["init_key"]),
                    "{what}"
                );
                assert_eq!(verified.lifetime(), lifetime, "{what}");
            }
            // its signatures were checked before its lifetime
            Err(MlsError::KeyPackage(KeyPackageFault::OutOfLifetime)) if !clock::STANDS => {}
            Err(other) => panic!("{what}: {other}"),
        }

        let package = KeyPackage::read(&tls);
        assert_eq!(
            (package.version.as_str(), package.ciphersuite.as_str()),
            ("0001", "0003"),
            "{what}"
        );
        assert_eq!(
            hex::encode(&package.init_key),
            text(&decoded["init_key"]),
            "{what}"
        );
        assert_eq!(
            hex::encode(&package.leaf.signature_key),
            text(&decoded["signature_key"]),
            "{what}"
        );
        assert_eq!(
            hex::encode(&package.leaf.identity),
            text(&decoded["credential_identity"]),
            "{what}"
        );
        assert_eq!(package.leaf.lifetime, Some(lifetime), "{what}");
        let capabilities = &decoded["capabilities"];
        assert_eq!(package.leaf.versions, ["0001"], "{what}");
        assert_eq!(
            crate::peers::texts(&capabilities["versions"]),
            ["Mls10"],
            "{what}"
        );
        assert_eq!(
            package.leaf.ciphersuites,
            plain(&capabilities["ciphersuites"]),
            "{what}"
        );
        assert_eq!(
            package.leaf.extensions,
            plain(&capabilities["extensions"]),
            "{what}"
        );
        assert_eq!(
            package.leaf.proposals,
            plain(&capabilities["proposals"]),
            "{what}"
        );
        assert_eq!(
            package.leaf.credentials,
            plain(&capabilities["credentials"]),
            "{what}"
        );
        assert_eq!(reference(&tls), text(&decoded["hash_ref"]), "{what}");
        assert_extensions(&package.leaf.leaf_extensions, &decoded["leaf_extensions"], what);
        assert_extensions(&package.extensions, &decoded["key_package_extensions"], what);
        assert_eq!(
            package.extensions.iter().any(|(number, _)| number == "000a"),
            decoded["last_resort"] == true
        );
    }
}

/// Number and body in hex; a long body is given by its length and hash.
fn assert_extensions(found: &[(String, Vec<u8>)], expected: &Value, what: &str) {
    assert_eq!(found.len(), list(expected).len(), "{what}");
    for ((number, body), expected) in found.iter().zip(list(expected)) {
        assert_eq!(format!("0x{number}"), text(&expected[0]), "{what}");
        if let Some((length, rest)) = text(&expected[1]).split_once(" bytes, sha256 ") {
            assert_eq!(body.len().to_string(), length, "{what}");
            assert!(rest.starts_with(&hex::encode(Sha256::digest(body))), "{what}");
        } else {
            assert_eq!(hex::encode(body), text(&expected[1]), "{what}");
        }
    }
}

#[test]
fn a_changed_key_package_does_not_verify() {
    let peer = &peers()[0];
    let tls = bytes(&peer["key_package"]["hex"]);
    for at in (0..tls.len()).step_by(97) {
        let mut changed = tls.clone();
        changed[at] ^= 1;
        assert!(key_package::verify_standalone(&changed).is_err(), "byte {at}");
    }
    let mut longer = tls;
    longer.push(0);
    let malformed = MlsError::KeyPackage(KeyPackageFault::Malformed);
    assert_eq!(key_package::verify_standalone(&longer).err(), Some(malformed));
}
