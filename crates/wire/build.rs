//! Compiles the service protos with a compiler written in Rust, so that nobody needs protoc.
use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

const SERVICES: [&str; 8] = [
    "oreledger/v1/receipt.proto",
    "oreledger/v1/submission.proto",
    "oreledger/v1/lot.proto",
    "oreledger/v1/provenance.proto",
    "oreledger/v1/audit.proto",
    "oreledger/v1/fingerprint.proto",
    "oreledger/v1/log.proto",
    "oreledger/v1/consortium.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    let protos = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo:rerun-if-changed={}", protos.join("oreledger/v1").display());
    let descriptors = protox::compile(SERVICES, [&protos])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("services.fds"), descriptors.encode_to_vec())?;

    // What these two define has its types in ore-record already.
    let elsewhere = ["oreledger/v1/record.proto", "oreledger/v1/bundle.proto"];
    let mut config = prost_build::Config::new();
    config.bytes([".oreledger.v1"]);
    for file in descriptors.file.iter().filter(|file| elsewhere.contains(&file.name())) {
        let messages = file.message_type.iter().map(|message| message.name());
        for name in messages.chain(file.enum_type.iter().map(|kind| kind.name())) {
            config.extern_path(format!(".oreledger.v1.{name}"), format!("::ore_record::v1::{name}"));
        }
    }
    tonic_prost_build::configure().out_dir(&out).compile_fds_with_config(descriptors, config)?;
    Ok(())
}
