//! Identity updates, addresses and contract wallets.

mod support;

use k256::ecdsa::SigningKey;
use support::*;
use tonic::{Code, Status};
use xmtp_devnode::{Database, LOCAL_CHAIN_HEIGHT, LOCAL_CHAIN_ID, ServerOptions};
use xmtp_web::identity::{AccountId, Address, Identifier, InstallationKey, SignatureRequest, eip191_hash};
use xmtp_web::proto::xmtp::identity::api::v1 as wire;
use xmtp_web::proto::xmtp::identity::associations::IdentityUpdate;

/// Logs of released peers.
const LOGS: &str = include_str!("../../tests/vectors/identity.json");

struct Log {
    inbox_id: String,
    address: String,
    linked_address: String,
    updates: Vec<IdentityUpdate>,
}

fn logs() -> Vec<Log> {
    let file: serde_json::Value = serde_json::from_str(LOGS).expect("JSON");
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    let log = |log: &serde_json::Value| Log {
        inbox_id: text(&log["inbox_id"]),
        address: text(&log["address"]),
        linked_address: text(&log["linked_address"]),
        updates: log["updates"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|update| hex::decode(text(&update["identity_update"])).expect("hex"))
            .map(|bytes| prost::Message::decode(bytes.as_slice()).expect("decodes"))
            .collect(),
    };
    file["logs"].as_array().expect("a list").iter().map(log).collect()
}

async fn publish(client: &Client, update: IdentityUpdate) -> Result<(), Status> {
    let request = wire::PublishIdentityUpdateRequest {
        identity_update: Some(update),
    };
    client
        .call::<_, wire::PublishIdentityUpdateResponse>(IDENTITY, "PublishIdentityUpdate", request)
        .await
        .map(drop)
}

async fn inbox_of(client: &Client, address: &str) -> Option<String> {
    let identifier = address.to_owned();
    let requests = vec![wire::get_inbox_ids_request::Request {
        identifier,
        identifier_kind: 1,
    }];
    let answer: wire::GetInboxIdsResponse = client
        .call(IDENTITY, "GetInboxIds", wire::GetInboxIdsRequest { requests })
        .await
        .expect("answered");
    let [response] = answer.responses.try_into().expect("one answer");
    assert_eq!(
        (response.identifier.as_str(), response.identifier_kind),
        (address, 0)
    );
    response.inbox_id
}

async fn updates(client: &Client, requests: &[(&str, u64)]) -> Result<Vec<(String, Vec<u64>)>, Status> {
    let request = |(inbox_id, sequence_id): &(&str, u64)| wire::get_identity_updates_request::Request {
        inbox_id: (*inbox_id).to_owned(),
        sequence_id: *sequence_id,
    };
    let request = wire::GetIdentityUpdatesRequest {
        requests: requests.iter().map(request).collect(),
    };
    let answer: wire::GetIdentityUpdatesResponse =
        client.call(IDENTITY, "GetIdentityUpdates", request).await?;
    Ok(answer
        .responses
        .into_iter()
        .map(|r| (r.inbox_id, r.updates.iter().map(|u| u.sequence_id).collect()))
        .collect())
}

#[tokio::test]
async fn logs_of_released_peers_are_accepted_and_index_their_addresses() {
    let (_server, client) = node().await;
    for log in logs() {
        for (number, update) in log.updates.iter().enumerate() {
            publish(&client, update.clone()).await.expect("a valid update");
            // created, linked, unlinked
            let linked = (number == 1).then(|| log.inbox_id.clone());
            assert_eq!(
                inbox_of(&client, &log.linked_address).await,
                linked,
                "update {number}"
            );
            assert_eq!(inbox_of(&client, &log.address).await, Some(log.inbox_id.clone()));
        }
        let upper = log.address.to_uppercase().replace("0X", "0x");
        assert_eq!(inbox_of(&client, &upper).await, None, "matched as written");
    }
}

#[tokio::test]
async fn updates_are_read_after_a_sequence_id_and_aligned_with_the_request() {
    let (_server, client) = node().await;
    let logs = logs();
    let [first, second, ..] = logs.as_slice() else {
        panic!("two logs")
    };
    for log in [first, second] {
        for update in &log.updates {
            publish(&client, update.clone()).await.expect("a valid update");
        }
    }
    let (first, second) = (first.inbox_id.as_str(), second.inbox_id.as_str());
    let unknown = "00".repeat(32);
    let answer = updates(&client, &[(second, 9), (&unknown, 0), (first, 0)])
        .await
        .expect("answered");
    let expected: [(&str, &[u64]); 3] = [
        (second, &[10, 11, 12]),
        (&unknown, &[]),
        (first, &[1, 2, 3, 4, 5, 6]),
    ];
    assert_eq!(
        answer,
        expected.map(|(inbox, ids)| (inbox.to_owned(), ids.to_vec()))
    );
    // an inbox asked for twice gets the rows of both requests twice
    let answer = updates(&client, &[(first, 4), (first, 5)])
        .await
        .expect("answered");
    assert_eq!(answer, vec![(first.to_owned(), vec![5, 6, 6]); 2]);
    let (code, _) = refusal(updates(&client, &[("not hex", 0)]).await);
    assert_eq!(code, Code::Unknown);
}

#[tokio::test]
async fn updates_that_break_a_rule_change_nothing() {
    let (_server, client) = node().await;
    let log = logs().remove(0);
    let refused = refusal(
        client
            .call::<_, wire::PublishIdentityUpdateResponse>(IDENTITY, "PublishIdentityUpdate", ())
            .await,
    );
    assert_eq!(refused, (Code::Unknown, "IdentityUpdate is required".to_owned()));
    let status = publish(&client, log.updates[1].clone())
        .await
        .expect_err("the inbox was not created");
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(
        status.metadata().get("error-code").map(|v| v.as_bytes()),
        Some(&b"identity.invalid_update"[..])
    );
    publish(&client, log.updates[0].clone())
        .await
        .expect("a valid update");
    let (code, _) = refusal(publish(&client, log.updates[0].clone()).await);
    assert_eq!(code, Code::InvalidArgument, "published twice");
    let mut forged = log.updates[1].clone();
    forged.client_timestamp_ns += 1_000_000_000;
    let (code, _) = refusal(publish(&client, forged).await);
    assert_eq!(code, Code::InvalidArgument, "signed for another text");
    let answer = updates(&client, &[(&log.inbox_id, 0)]).await.expect("answered");
    assert_eq!(answer, [(log.inbox_id.clone(), vec![1])]);
    assert_eq!(inbox_of(&client, &log.linked_address).await, None);
}

const WALLET: &str = "0xc0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0";
/// The address of the key `[1; 32]`.
const OWNER: &str = "0x1a642f0e3c3af545e7acbd38b07251b3990914f1";

fn owner_signs(hash: &[u8; 32]) -> Vec<u8> {
    let key = SigningKey::from_slice(&[1; 32]).expect("a valid scalar");
    let (signature, id) = key.sign_prehash_recoverable(hash).expect("signs");
    [signature.to_bytes().as_slice(), &[27 + id.to_byte()]].concat()
}

fn contract_inbox(chain: u64) -> IdentityUpdate {
    let wallet = Address::parse(WALLET).expect("an address");
    let installation = InstallationKey::from_seed(&[3; 32]);
    let mut request =
        SignatureRequest::new_inbox(Identifier::Ethereum(wallet.clone()), 0, installation.id(), 5)
            .expect("a request");
    request.add_installation(&installation).expect("it is asked");
    let account = AccountId::new(chain, &wallet);
    let signature = owner_signs(&eip191_hash(request.text().as_bytes()));
    request.add_contract(account, 1, &signature).expect("it is asked");
    request.build().expect("complete").to_proto()
}

#[tokio::test]
async fn a_contract_wallet_owns_an_inbox_also_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::File(folder.path().join("node.db"));
    let options = ServerOptions {
        database,
        ..ServerOptions::default()
    };
    let (server, client) = node_with(options.clone()).await;
    let update = contract_inbox(LOCAL_CHAIN_ID);
    let (code, _) = refusal(publish(&client, update.clone()).await);
    assert_eq!(code, Code::InvalidArgument, "nobody registered the wallet");
    server
        .register_contract_wallet(WALLET, OWNER)
        .expect("valid addresses");
    publish(&client, update.clone()).await.expect("the owner signed");
    assert_eq!(inbox_of(&client, WALLET).await, Some(update.inbox_id.clone()));
    server.shutdown().await;
    let (_server, client) = node_with(options).await;
    // the whole log is verified again: only the second creation is wrong
    let refused = refusal(publish(&client, update).await);
    assert_eq!(
        refused,
        (Code::InvalidArgument, "the inbox was created before".to_owned())
    );
}

#[tokio::test]
async fn a_wallet_of_another_chain_cannot_be_asked() {
    let (_server, client) = node().await;
    let refused = refusal(publish(&client, contract_inbox(1)).await);
    assert_eq!(
        refused,
        (
            Code::Unavailable,
            "verifier not present for chain ID eip155:1".to_owned()
        )
    );
}

#[tokio::test]
async fn contract_signatures_are_answered_one_by_one() {
    let contract_wallets = vec![(WALLET.to_owned(), OWNER.to_owned())];
    let (_server, client) = node_with(ServerOptions {
        contract_wallets,
        ..ServerOptions::default()
    })
    .await;
    let hash = [4; 32];
    let question = |account: String, block_number, hash: &[u8]| {
        wire::VerifySmartContractWalletSignatureRequestSignature {
            account_id: account,
            block_number,
            signature: owner_signs(&[4; 32]),
            hash: hash.to_vec(),
        }
    };
    let signatures = vec![
        question(format!("eip155:31337:{WALLET}"), None, &hash),
        question(format!("eip155:31337:{OWNER}"), Some(2), &hash),
        question(format!("eip155:31337:{WALLET}"), Some(2), &[5; 32]),
        question(format!("eip155:1:{WALLET}"), None, &hash),
    ];
    let request = wire::VerifySmartContractWalletSignaturesRequest { signatures };
    let answer: wire::VerifySmartContractWalletSignaturesResponse = client
        .call(IDENTITY, "VerifySmartContractWalletSignatures", request)
        .await
        .expect("answered");
    let got: Vec<_> = answer
        .responses
        .into_iter()
        .map(|r| (r.is_valid, r.block_number, r.error))
        .collect();
    let unknown = Some("verifier not present for chain ID eip155:1".to_owned());
    let expected = [
        (true, Some(LOCAL_CHAIN_HEIGHT), None),
        (true, Some(2), None),
        (false, Some(2), None),
        (false, None, unknown),
    ];
    assert_eq!(got, expected);
}
