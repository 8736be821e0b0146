//! Compiles the record protos with a compiler written in Rust, so that nobody needs protoc.
use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let protos = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    let files = ["oreledger/v1/record.proto", "oreledger/v1/bundle.proto"];
    for file in files {
        println!("cargo:rerun-if-changed={}", protos.join(file).display());
    }
    let descriptors = protox::compile(files, [&protos])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("record.fds"), prost_encode(&descriptors))?;
    let mut config = prost_build::Config::new();
    config.out_dir(&out);
    config.compile_fds(descriptors)?;
    Ok(())
}

fn prost_encode(descriptors: &impl prost::Message) -> Vec<u8> {
    descriptors.encode_to_vec()
}
