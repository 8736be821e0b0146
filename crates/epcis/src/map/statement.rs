//! Events that this ledger wrote: they carry the statement itself, and may carry its signature.
//!
//! The statement counts only if it says what the event around it says: both are written again from the
//! record and compared by the event's hash. So nobody can dress a signed record in other words.

use base64ct::{Base64, Encoding};
use ore_record::{SignedRecord, v1::record::Event as Statement};

use super::Draft;
use crate::{
    directory::Directory,
    event::Event,
    export,
    json::Value,
    refusal::{Clause, Refusal},
};

/// The draft of an event that carries its statement; none if it carries none.
pub(super) fn carried(event: &Event, directory: &Directory) -> Result<Option<Vec<Draft>>, Refusal> {
    let Some(statement) = event.minerals.get("statement") else { return Ok(None) };
    let bad = |reason: String| {
        Refusal::new("mct:statement", Clause::Extension, reason, "send the event as it was exported")
    };
    let json: serde_json::Value =
        serde_json::from_str(&statement.write()).map_err(|error| bad(error.to_string()))?;
    let mut record = ore_exchange::json::record_from_json(&json).map_err(|error| bad(error.to_string()))?;
    // A withdrawal has a time of its own beside that of the event that it repeats.
    if record.event_time_ms == 0 {
        record.event_time_ms = event.time.since_1970_ms().unwrap_or_default();
        record.utc_offset_minutes = event.offset_minutes;
    }
    let signed = match event.minerals.get("signedRecord").map(Value::as_text) {
        None => None,
        Some(text) => Some(entry(text.unwrap_or_default(), directory).map_err(bad)?),
    };
    if let Some(signed) = &signed {
        let mut plain = signed.record().clone();
        export::blank_envelope(&mut plain);
        if plain != record {
            return Err(bad("is not what the signed record says".into()));
        }
    }
    // A withdrawal repeats the event that it withdraws, which is not at hand here.
    if !matches!(record.event, Some(Statement::Withdraw(_))) {
        let again = export::event(&record, signed.as_ref(), directory).map(|value| export::hash(&value));
        if again != Some(event.hash) {
            return Err(bad("is not what the event around it says".into()));
        }
    }
    Ok(Some(vec![Draft {
        record,
        label: format!("{}#0", event.hash.uri()),
        withdraws: None,
        corrects: None,
        moves: Vec::new(),
        signed: signed.map(|signed| signed.entry()),
        lacks: Vec::new(),
    }]))
}

fn entry(text: &str, directory: &Directory) -> Result<SignedRecord, String> {
    let bytes = Base64::decode_vec(text).map_err(|_| "the signed record is no base64".to_owned())?;
    let signed = SignedRecord::decode(&bytes).map_err(|error| format!("the signed record: {error}"))?;
    if signed.record().origin != directory.origin() {
        return Err(format!("it was signed for the ledger {:?}, not for this one", signed.record().origin));
    }
    Ok(signed)
}
