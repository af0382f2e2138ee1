//! Exact bytes: the worked example of the protocol notes, and logs that released peers published.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use xmtp_web::identity::{
    Address, AssociationState, ContractAnswers, Identifier, IdentityUpdate, InstallationKey,
    SignatureRequest, VerifiedUpdate, derive_inbox_id, eip191_hash, verify, verify_public_context,
};

const TEXT: &str = "XMTP : Authenticate to inbox

Inbox ID: f2dc4b90b67487658e6fc1d4759c148fac797ea24fadee18c9d511787e04ea1a
Current time: 2025-01-01T00:00:00Z

- Create inbox
  (Owner: 0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266)
- Grant messaging access to app
  (ID: 03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8)

For more info: https://xmtp.org/signatures";

const UPDATE: &str = concat!(
    "0a790a770a2a307866333966643665353161616438386636663463653661623838323732373963666666623932323636",
    "10011a450a430a415e1d8f641cba4c69f42ab90bdea33840032ed12df3213a0339d2d446dbb96e3e7be5567b86e8b8a5",
    "18a8e04260380bf90cf2f1ec44ade6084465c2cc3abb827d1b20010ad60112d3010a22122003a107bff3ce10be1d70dd",
    "18e74bc09967e4d6309ba50d5f1ddc8664125531b812450a430a415e1d8f641cba4c69f42ab90bdea33840032ed12df3",
    "213a0339d2d446dbb96e3e7be5567b86e8b8a518a8e04260380bf90cf2f1ec44ade6084465c2cc3abb827d1b1a661a64",
    "0a4060d2911ac3c2bfe3cdaf9c2a4cbf124f54bc73dfe07a22cd500100e34b4b9d0b4ebac7366b93688d0ed8cfc0fca9",
    "48c6d3ef0bdbc5edbd90460bd99c4d96ab0a122003a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664",
    "125531b810959acbbdec8f9a8b181a406632646334623930623637343837363538653666633164343735396331343866",
    "6163373937656132346661646565313863396435313137383765303465613161",
);

const WALLET_SIGNATURE: &str = "5e1d8f641cba4c69f42ab90bdea33840032ed12df3213a0339d2d446dbb96e3e\
7be5567b86e8b8a518a8e04260380bf90cf2f1ec44ade6084465c2cc3abb827d1b";
const INSTALLATION_SIGNATURE: &str = "60d2911ac3c2bfe3cdaf9c2a4cbf124f54bc73dfe07a22cd500100e34b4b9d0b\
4ebac7366b93688d0ed8cfc0fca948c6d3ef0bdbc5edbd90460bd99c4d96ab0a";
const PUBLIC_SIGNATURE: &str = "274049d76dc280213b4c5922664479a0252ab214332d01391b66b24ce68d9628\
68c0b60c8850e9067ffd17ab444bbef2594dbd8095477b36dd5abf61fc0c0904";

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[test]
fn the_worked_example_comes_out_byte_for_byte() {
    let seed = std::array::from_fn(|i| u8::try_from(i).expect("below 32"));
    let installation = InstallationKey::from_seed(&seed);
    let owner = Identifier::Ethereum(
        Address::parse("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266").expect("an address"),
    );
    let mut request = SignatureRequest::new_inbox(owner, 1, installation.id(), 1_735_689_600_123_456_789)
        .expect("a well-formed owner");
    assert_eq!(request.text(), TEXT);
    assert_eq!(TEXT.len(), 358);
    assert_eq!(
        sha256(TEXT.as_bytes()),
        "c7dcefae8b2ccbe60d6301e1e63db22d1f4774f6425ebbda7437d4d9898dabe5"
    );
    assert_eq!(
        hex::encode(eip191_hash(TEXT.as_bytes())),
        "8cb5b8b4140834515a76dc994b846d18d1db42005565c02252a2100b448d8f87"
    );
    assert_eq!(
        hex::encode(installation.sign_identity_text(TEXT)),
        INSTALLATION_SIGNATURE
    );
    let public = installation.sign_public_context(TEXT);
    assert_eq!(hex::encode(public), PUBLIC_SIGNATURE);
    assert_eq!(verify_public_context(&installation.id(), TEXT, &public), Ok(()));

    request.add_installation(&installation).expect("it is asked for");
    request
        .add_ecdsa(&hex::decode(WALLET_SIGNATURE).expect("hex"))
        .expect("it is the owner's");
    let update = request.build().expect("everybody has signed");
    let bytes = update.to_bytes();
    assert_eq!(hex::encode(&bytes), UPDATE);
    assert_eq!(bytes.len(), 416);
    assert_eq!(
        sha256(&bytes),
        "534102d183a6378fd7f9eacf2e767203325d411d14be6f448bc3af0d8243d31c"
    );

    let verified = verify(&update, &ContractAnswers::none()).expect("signatures hold");
    let state = AssociationState::replay([&verified]).expect("a log");
    assert_eq!(state.installations(), vec![installation.id()]);
    assert_eq!(
        state.inbox_id().to_string(),
        "f2dc4b90b67487658e6fc1d4759c148fac797ea24fadee18c9d511787e04ea1a"
    );
}

#[test]
fn logs_of_released_peers_verify_and_replay_to_their_state() {
    let file: Value = serde_json::from_str(include_str!("../vectors/identity.json")).expect("JSON");
    let logs = file["logs"].as_array().expect("logs");
    assert_eq!(logs.len(), 3);
    for log in logs {
        let source = text(&log["source"]);
        let updates: Vec<VerifiedUpdate> = log["updates"]
            .as_array()
            .expect("updates")
            .iter()
            .map(|entry| verified(entry, source))
            .collect();
        assert_eq!(updates.len(), 6, "{source}");
        let state = AssociationState::replay(&updates).expect(source);
        let owner = Identifier::Ethereum(Address::parse(text(&log["address"])).expect(source));
        let nonce = log["nonce"].as_u64().expect("a nonce");
        assert_eq!(derive_inbox_id(&owner, nonce), Ok(state.inbox_id()), "{source}");
        assert_eq!(state.inbox_id().to_string(), text(&log["inbox_id"]), "{source}");
        assert_state(&state, &log["expected_final_state"], source);
    }
}

fn verified(entry: &Value, source: &str) -> VerifiedUpdate {
    let what = text(&entry["what"]);
    let bytes = hex::decode(text(&entry["identity_update"])).expect("hex");
    let update = IdentityUpdate::from_bytes(&bytes).expect(what);
    assert_eq!(update.to_bytes(), bytes, "{source}: {what}");
    assert_eq!(
        update.signature_text(),
        text(&entry["signature_text"]),
        "{source}: {what}"
    );
    assert_eq!(
        sha256(update.signature_text().as_bytes()),
        text(&entry["signature_text_sha256"]),
        "{source}: {what}"
    );
    assert_eq!(update.contract_questions(), vec![], "{source}: {what}");
    verify(&update, &ContractAnswers::none()).expect(what)
}

fn assert_state(state: &AssociationState, expected: &Value, source: &str) {
    assert_eq!(
        state.recovery_identifier().to_string(),
        text(&expected["recovery_identifier"]),
        "{source}"
    );
    let members: serde_json::Map<String, Value> = state
        .members()
        .into_iter()
        .map(|(member, details)| {
            let added_by = details.added_by.as_ref().map(ToString::to_string);
            (member.to_string(), added_by.map_or(Value::Null, Value::String))
        })
        .collect();
    assert_eq!(Value::Object(members), expected["members"], "{source}");
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}
