//! Files that lie elsewhere, piece by piece, as a page's worker handles them, in a browser.

use crate::page::{code, get, object, text, uint8array};
use js_sys::{Reflect, Uint8Array, WebAssembly};
use sha2::{Digest as _, Sha256};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use xmtp_web::bindings::{FileDecryptor, FileEncryptor, decrypt_attachment, encrypt_attachment};

const MIB: usize = 1 << 20;

/// How much memory the module has, in bytes. It never shrinks.
fn memory() -> f64 {
    let memory: WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    get(&memory.buffer(), "byteLength").as_f64().expect("a number")
}

fn info(size: usize) -> JsValue {
    object(&[
        ("filename", "film.mp4".into()),
        ("mimeType", "video/mp4".into()),
        ("size", (size as f64).into()),
    ])
}

/// What a message says of an encrypted file.
fn remote(encrypted: &JsValue) -> JsValue {
    let remote = object(&[
        ("url", "https://example.com/film".into()),
        ("scheme", "https://".into()),
    ]);
    for name in ["contentDigest", "secret", "salt", "nonce", "contentLength"] {
        Reflect::set(&remote, &name.into(), &get(encrypted, name)).expect("a plain object takes it");
    }
    remote
}

/// A mebibyte of a file that is nowhere as a whole.
fn piece(number: usize) -> Vec<u8> {
    (0..MIB)
        .map(|index| (index ^ (number * 31)).to_le_bytes()[0])
        .collect()
}

#[wasm_bindgen_test]
fn a_file_of_100_mib_takes_the_memory_of_its_pieces() {
    const PIECES: usize = 100;
    let before = memory();
    let encryptor = FileEncryptor::begin(info(PIECES * MIB)).expect("begins");
    let mut lengths = 0;
    let mut encrypted_pieces = Vec::new();
    for number in 0..PIECES {
        let encrypted = encryptor.update(uint8array(&piece(number))).expect("encrypts");
        lengths += encrypted.length() as usize;
        // They lie in the browser's memory, as a Blob's do.
        encrypted_pieces.push(encrypted);
    }
    let end = encryptor.finish().expect("ends");
    let tail: Uint8Array = get(&end, "tail").unchecked_into();
    lengths += tail.length() as usize;
    encrypted_pieces.push(tail);
    assert_eq!(get(&end, "contentLength").as_f64(), Some(lengths as f64));

    let decryptor = FileDecryptor::begin(remote(&end), lengths as f64).expect("begins");
    for piece in &encrypted_pieces {
        decryptor.check(piece.into()).expect("is looked at");
    }
    decryptor.checked().expect("is what was sent");
    let mut content = Sha256::new();
    for piece in &encrypted_pieces {
        let opened: Uint8Array = decryptor.update(piece.into()).expect("opens");
        content.update(opened.to_vec());
    }
    let opened = decryptor.finish().expect("is untouched");
    assert_eq!(text(&opened, "filename"), "film.mp4");
    assert_eq!(text(&opened, "mimeType"), "video/mp4");
    assert_eq!(get(&opened, "size").as_f64(), Some((PIECES * MIB) as f64));
    let mut expected = Sha256::new();
    (0..PIECES).for_each(|number| expected.update(piece(number)));
    assert_eq!(content.finalize(), expected.finalize());
    let grown = memory() - before;
    assert!(grown < (16 * MIB) as f64, "the memory grew by {grown} bytes");
}

#[wasm_bindgen_test]
fn files_in_pieces_and_at_once_are_the_same() {
    let attachment = object(&[
        ("filename", "a.txt".into()),
        ("mimeType", "text/plain".into()),
        ("content", uint8array(b"hello")),
    ]);
    let at_once = encrypt_attachment(attachment).expect("encrypts");
    let payload: Uint8Array = get(&at_once, "payload").unchecked_into();
    let decryptor = FileDecryptor::begin(remote(&at_once), f64::from(payload.length())).expect("begins");
    decryptor.check(payload.clone().into()).expect("is looked at");
    decryptor.checked().expect("is what was sent");
    let content: Uint8Array = decryptor.update(payload.into()).expect("opens");
    assert_eq!(content.to_vec(), b"hello");
    assert_eq!(text(&decryptor.finish().expect("ends"), "filename"), "a.txt");

    let encryptor = FileEncryptor::begin(info(5)).expect("begins");
    let mut payload = encryptor.update(uint8array(b"hello")).expect("encrypts").to_vec();
    let end = encryptor.finish().expect("ends");
    payload.extend(get(&end, "tail").unchecked_into::<Uint8Array>().to_vec());
    let opened = decrypt_attachment(uint8array(&payload), remote(&end)).expect("opens");
    assert_eq!(text(&opened, "mimeType"), "video/mp4");
}

#[wasm_bindgen_test]
fn what_is_not_the_file_is_refused_before_it_is_decrypted() {
    let encryptor = FileEncryptor::begin(info(5)).expect("begins");
    let mut payload = encryptor.update(uint8array(b"hello")).expect("encrypts").to_vec();
    let end = encryptor.finish().expect("ends");
    payload.extend(get(&end, "tail").unchecked_into::<Uint8Array>().to_vec());
    payload[3] ^= 1;
    let length = payload.len() as f64;
    let decryptor = FileDecryptor::begin(remote(&end), length).expect("begins");
    decryptor.check(uint8array(&payload)).expect("is looked at");
    let refused = decryptor.checked().expect_err("another file");
    assert_eq!(code(&refused.into()), "message.attachment_rejected");
    let refused = decryptor.update(uint8array(&payload)).expect_err("not checked");
    assert_eq!(code(&refused.into()), "argument.invalid");
    let refused = FileDecryptor::begin(remote(&end), length + 1.0).expect_err("another length");
    assert_eq!(code(&refused.into()), "message.attachment_rejected");
    for wrong in [-1.0, 0.5, f64::NAN, f64::INFINITY] {
        let refused = FileDecryptor::begin(remote(&end), wrong).expect_err("no length");
        assert_eq!(code(&refused.into()), "argument.invalid");
    }
    let encryptor = FileEncryptor::begin(info(5)).expect("begins");
    let refused = encryptor.finish().expect_err("too few");
    assert_eq!(code(&refused.into()), "message.invalid_content");
    let refused = encryptor.finish().expect_err("ended");
    assert_eq!(code(&refused.into()), "argument.invalid");
}
