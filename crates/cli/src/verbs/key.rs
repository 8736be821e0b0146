//! `oreledger key`: make, show and export members' keys.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ore_record::RecordId;
use serde_json::json;

use crate::{
    context::{Context, KEYS_FOLDER},
    failure::{Failure, Outcome},
    keyfile, output,
};

#[derive(Subcommand, Debug)]
pub(crate) enum Key {
    /// Make a key: PKCS#8 PEM, encrypted, mode 0600
    New(New),
    /// Show the public half of a key
    Show(Show),
    /// Write the public key as PEM, or the secret key under another passphrase or none
    Export(Export),
}

#[derive(Args, Debug)]
pub(crate) struct New {
    /// File to write [default: DIR/members/MEMBER.pem]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Do not encrypt it: whoever reads the file can sign
    #[arg(long)]
    unencrypted: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Show {
    /// Key file [default: DIR/members/MEMBER.pem]
    file: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Export {
    /// Key file [default: DIR/members/MEMBER.pem]
    file: Option<PathBuf>,
    /// Export the secret key, unencrypted
    #[arg(long)]
    secret_unencrypted: bool,
}

pub(crate) fn run(context: &Context, verb: &Key) -> Outcome {
    match verb {
        Key::New(new) => make(context, new),
        Key::Show(show) => present(context, show),
        Key::Export(export) => write(context, export),
    }
}

fn default_file(context: &Context) -> Result<PathBuf, Failure> {
    if let Some(key) = &context.key {
        return Ok(key.clone());
    }
    Ok(context.home.join(KEYS_FOLDER).join(format!("{}.pem", context.acting()?)))
}

fn make(context: &Context, new: &New) -> Outcome {
    let path = new.out.clone().map_or_else(|| default_file(context), Ok)?;
    let passphrase = if new.unencrypted { None } else { Some(context.passphrase().to_make()?) };
    let key = keyfile::generate();
    keyfile::store(&path, &keyfile::to_pem(&key, passphrase.as_deref())?)?;
    let public = RecordId::from_bytes(*key.public().as_bytes()).to_string();
    output::note(format!("wrote {}; keep a copy where fire and theft cannot reach both", path.display()));
    if context.json {
        return output::json(&json!({ "file": path.display().to_string(), "public_key": public }));
    }
    output::data(&public)
}

fn present(context: &Context, show: &Show) -> Outcome {
    let path = show.file.clone().map_or_else(|| default_file(context), Ok)?;
    let key = keyfile::load(&path, &context.passphrase())?;
    let public = RecordId::from_bytes(*key.public().as_bytes()).to_string();
    if context.json {
        return output::json(&json!({ "file": path.display().to_string(), "public_key": public }));
    }
    output::data(&public)
}

fn write(context: &Context, export: &Export) -> Outcome {
    let path = export.file.clone().map_or_else(|| default_file(context), Ok)?;
    let key = keyfile::load(&path, &context.passphrase())?;
    if export.secret_unencrypted {
        output::note("this is the secret key: whoever reads it can sign in this member's name");
        return output::data(&keyfile::to_pem(&key, None)?);
    }
    output::data(&keyfile::public_pem(&key))
}
