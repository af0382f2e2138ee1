//! Compiles the services of `/proto` into server traits; the messages are the library's own.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=../proto");
    let descriptors = protox::compile(
        [
            "../proto/identity/api/v1/identity.proto",
            "../proto/mls/api/v1/mls.proto",
            "../proto/message_api/v1/message_api.proto",
        ],
        ["../proto"],
    )?;
    tonic_prost_build::configure()
        .build_client(false)
        .build_transport(false)
        .extern_path(".xmtp", "::xmtp_web::proto::xmtp")
        .compile_fds(descriptors)?;
    Ok(())
}
