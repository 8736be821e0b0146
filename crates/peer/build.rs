//! Compiles the peer proto with a compiler written in Rust, so that nobody needs protoc.
use std::{env, error::Error, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let protos = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo:rerun-if-changed={}", protos.join("oreledger/peer/v1").display());
    let descriptors = protox::compile(["oreledger/peer/v1/peer.proto"], [&protos])?;
    let mut config = prost_build::Config::new();
    config.bytes([".oreledger.peer.v1"]);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    tonic_prost_build::configure().out_dir(out).compile_fds_with_config(descriptors, config)?;
    Ok(())
}
